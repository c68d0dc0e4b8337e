"""What is told: a comment with what a model said of it, as the API writes it."""

from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection

from service.nlp.spans import Span
from service.nlp.tagger import Result, Tag, nps_group
from service.nlp.taxonomy import Taxonomy
from service.store import comments, predictions
from service.store.comments import StoredComment
from service.store.outbox import Delivery
from service.store.predictions import Prediction, StoredTag

COMMENT_TAGGED = "comment.tagged"
TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class TaggedComment:
    """A comment and the prediction to tell of."""

    comment: StoredComment
    prediction: Prediction


def read_tagged(connection: Connection, delivery: Delivery) -> TaggedComment | str:
    """What `delivery` tells of, or why there is nothing left to tell."""
    comment = comments.get(connection, [delivery.comment_id]).get(delivery.comment_id)
    history = predictions.history(connection, delivery.comment_id)
    prediction = next((one for one in history if one.id == delivery.prediction_id), None)
    if comment is None or prediction is None or comment.text is None:
        return "the comment was deleted"
    if prediction.revision != comment.revision:
        return "a newer text of the comment came, which is told by itself"
    return TaggedComment(comment, prediction)


def to_json(tagged: TaggedComment, taxonomy: Taxonomy) -> dict[str, Any]:
    """The event's `data`: the comment, and its result in the form of `POST /v1/predict`."""
    comment = tagged.comment
    return {
        "id": comment.id,
        "source": comment.source,
        "external_id": comment.external_id,
        "text": comment.text,
        "score": comment.score,
        "answered_at": comment.answered_at.isoformat() if comment.answered_at else None,
        "model": tagged.prediction.model,
        **to_result(tagged, taxonomy).to_json(),
    }


def to_result(tagged: TaggedComment, taxonomy: Taxonomy) -> Result:
    """What was said of the comment, with today's titles, departments and KPIs."""
    prediction = tagged.prediction
    return Result(
        text=tagged.comment.text or "",
        nps_group=nps_group(tagged.comment.score),
        needs_review=prediction.needs_review,
        tags=tuple(_tag(tag, taxonomy) for tag in prediction.tags),
        doubt=prediction.doubt or "",
        certainty=prediction.certainty or 0.0,
    )


def _tag(tag: StoredTag, taxonomy: Taxonomy) -> Tag:
    """The tag as a tagger would give it; what the taxonomy no longer has keeps its code and has no owner."""
    known = tag.category in taxonomy.category_codes
    aspect = tag.aspect if known and tag.aspect in taxonomy.aspect_codes(tag.category) else None
    return Tag(
        category=tag.category,
        aspect=tag.aspect,
        polarity=tag.polarity,
        title=taxonomy.category(tag.category).title if known else tag.category,
        probability=tag.probability or 0.0,
        evidence=tuple(Span(start, stop) for start, stop in tag.evidence),
        departments=taxonomy.departments_of(tag.category, aspect) if known else (),
        kpis=taxonomy.kpis_of(tag.category, aspect) if known else (),
    )


def write_event(kind: str, moment: str, data: dict[str, Any]) -> bytes:
    """The body of a webhook, in the form that Standard Webhooks recommends."""
    return orjson.dumps({"type": kind, "timestamp": moment, "data": data})
