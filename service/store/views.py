"""Stored comments as JSON, with titles, departments and KPIs by a taxonomy: the same for every way out."""

from collections.abc import Iterable
from typing import Any

from service.nlp.context import nps_group
from service.nlp.errors import TaxonomyError
from service.nlp.taxonomy import Taxonomy
from service.store.comments import StoredComment
from service.store.corrections import Correction
from service.store.predictions import Prediction, StoredTag


def comment_to_json(comment: StoredComment, tags: Iterable[StoredTag], taxonomy: Taxonomy) -> dict[str, Any]:
    """A comment with the tags that hold now."""
    return {
        "id": comment.id,
        "source": comment.source,
        "external_id": comment.external_id,
        "respondent": comment.respondent,
        "text": comment.text,
        "question": comment.question,
        "score": comment.score,
        "nps_group": nps_group(comment.score),
        "answered_at": comment.answered_at,
        "attributes": comment.attributes or {},
        "revision": comment.revision,
        "state": comment.state,
        "created_at": comment.created_at,
        "updated_at": comment.updated_at,
        "tags": tags_to_json(tags, comment.text, taxonomy),
    }


def tags_to_json(tags: Iterable[StoredTag], text: str | None, taxonomy: Taxonomy) -> list[dict[str, Any]]:
    """Tags as the API gives them; without `text` (another one, or deleted) there is no evidence to show."""
    return [_tag_to_json(tag, text, taxonomy) for tag in tags]


def prediction_to_json(prediction: Prediction, comment: StoredComment, taxonomy: Taxonomy) -> dict[str, Any]:
    """What one model said of the comment, at its present text or an earlier one."""
    text = comment.text if prediction.revision == comment.revision else None
    return {
        "id": prediction.id,
        "model": prediction.model,
        "revision": prediction.revision,
        "needs_review": prediction.needs_review,
        "certainty": prediction.certainty,
        "created_at": prediction.created_at,
        "tags": tags_to_json(prediction.tags, text, taxonomy),
    }


def correction_to_json(correction: Correction, comment: StoredComment, taxonomy: Taxonomy) -> dict[str, Any]:
    """What a person said of the comment, beside what had been proposed."""
    text = comment.text if correction.revision == comment.revision else None
    proposed = correction.proposed
    return {
        "id": correction.id,
        "comment": correction.comment_id,
        "revision": correction.revision,
        "author": correction.author,
        "reason": correction.reason,
        "via": correction.via,
        "blind": correction.blind,
        "created_at": correction.created_at,
        "proposed": None if proposed is None else tags_to_json(proposed, text, taxonomy),
        "tags": tags_to_json(correction.tags, text, taxonomy),
    }


def _tag_to_json(tag: StoredTag, text: str | None, taxonomy: Taxonomy) -> dict[str, Any]:
    evidence = [] if text is None else [_quote(text, start, stop) for start, stop in tag.evidence]
    try:
        taxonomy.check_tag(tag.category, None)
    except TaxonomyError:  # the category was taken out of the taxonomy since
        title, departments, kpis = tag.category, [], []
    else:
        aspect = tag.aspect if tag.aspect in taxonomy.aspect_codes(tag.category) else None
        title = taxonomy.category(tag.category).title
        departments = [
            {"code": own.code, "title": own.title} for own in taxonomy.departments_of(tag.category, aspect)
        ]
        kpis = [{"code": own.code, "title": own.title_en} for own in taxonomy.kpis_of(tag.category, aspect)]
    return {
        "category": tag.category,
        "aspect": tag.aspect,
        "polarity": tag.polarity,
        "title": title,
        "probability": tag.probability,
        "evidence": evidence,
        "departments": departments,
        "kpis": kpis,
    }


def _quote(text: str, start: int, stop: int) -> dict[str, Any]:
    return {"start": start, "stop": stop, "text": text[start:stop]}
