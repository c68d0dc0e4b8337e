"""What is told: a comment with what a model said of it, as the API writes it."""

from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection

from service.nlp.context import nps_group
from service.nlp.taxonomy import Taxonomy
from service.store import comments, predictions, views
from service.store.comments import StoredComment
from service.store.outbox import Delivery
from service.store.predictions import Prediction, kinds

COMMENT_TAGGED = "comment.tagged"
TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class TaggedComment:
    """A comment and the prediction to tell of."""

    comment: StoredComment
    prediction: Prediction
    is_first: bool = True
    """Whether no other model has tagged this text before."""

    def tags(self, taxonomy: Taxonomy) -> list[dict[str, Any]]:
        """The tags as the API gives them, with today's titles, departments and KPIs."""
        return views.tags_to_json(self.prediction.tags, self.comment.text, taxonomy)


def read_tagged(connection: Connection, delivery: Delivery) -> TaggedComment | str:
    """What `delivery` tells of, or why there is nothing left to tell."""
    comment = comments.get(connection, [delivery.comment_id]).get(delivery.comment_id)
    history = predictions.history(connection, delivery.comment_id)
    prediction = next((one for one in history if one.id == delivery.prediction_id), None)
    if comment is None or prediction is None or comment.text is None:
        return "the comment was deleted"
    if prediction.revision != comment.revision:
        return "a newer text of the comment came, which is told by itself"
    of_text = [one for one in history if one.revision == comment.revision]
    later = [one for one in of_text if one.id > prediction.id]
    if comment.state == "tagged" and any(kinds(one.tags) != kinds(prediction.tags) for one in later):
        return "a newer model sees other tags, which are told by themselves"
    return TaggedComment(comment, prediction, is_first=prediction.id == of_text[0].id)


def to_json(tagged: TaggedComment, taxonomy: Taxonomy) -> dict[str, Any]:
    """The event's `data`: the comment, and its result in the form of `POST /v1/predict`."""
    comment = tagged.comment
    return {
        "id": comment.id,
        "source": comment.source,
        "external_id": comment.external_id,
        "text": comment.text,
        "score": comment.score,
        "nps_group": nps_group(comment.score),
        "answered_at": comment.answered_at.isoformat() if comment.answered_at else None,
        "model": tagged.prediction.model,
        "needs_review": tagged.prediction.needs_review,
        "tags": tagged.tags(taxonomy),
    }


def write_event(kind: str, moment: str, data: dict[str, Any]) -> bytes:
    """The body of a webhook, in the form that Standard Webhooks recommends."""
    return orjson.dumps({"type": kind, "timestamp": moment, "data": data})
