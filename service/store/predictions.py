"""What models say of comments, each prediction with its version, and the tags that hold now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from service.nlp.heads import Polarity
from service.nlp.tagger import Result
from service.store import schema
from service.store.comments import StoredComment, now


@dataclass(frozen=True, slots=True)
class StoredTag:
    """One statement of a comment in codes; what they are called is the taxonomy's business."""

    category: str
    aspect: str | None
    polarity: Polarity
    probability: float | None = None
    """None on a person's tag."""
    evidence: tuple[tuple[int, int], ...] = ()
    """`(start, stop)` in code points of the text; may be empty on a person's tag."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one model said of one text; see `schema.predictions`."""

    id: int
    comment_id: int
    revision: int
    model: str
    tags: tuple[StoredTag, ...]
    needs_review: bool
    certainty: float | None
    doubt: str | None
    created_at: datetime


_COLUMNS = [schema.predictions.c[field.name] for field in fields(Prediction)]


def add(
    connection: Connection, comments: Sequence[StoredComment], results: Sequence[Result], model: str
) -> dict[int, int]:
    """Store what `model` says of each comment and let it be current; the ids of the new predictions.

    What the same model said of the same text already is not stored again. The tags that hold change where
    no person has spoken of this text. The ids are by the comment's id.
    """
    known = current(connection, [comment.id for comment in comments])
    new = {
        comment.id: (comment, result)
        for comment, result in zip(comments, results, strict=True)
        if not _is_same(known.get(comment.id), comment, model)
    }
    if not new:
        return {}
    _supersede(connection, list(new))
    rows = [_row(comment, result, model) for comment, result in new.values()]
    added = connection.execute(
        insert(schema.predictions).returning(schema.predictions.c.id, schema.predictions.c.comment_id), rows
    )
    ids = {row.comment_id: row.id for row in added}
    _set_doubts(connection, new.values())
    held = {i: to_tags(result) for i, (comment, result) in new.items() if comment.state == "tagged"}
    replace_tags(connection, held)
    return ids


def current(connection: Connection, comment_ids: Iterable[int]) -> dict[int, Prediction]:
    """The current prediction of each comment that has one, by the comment's id."""
    table = schema.predictions
    chosen = table.c.comment_id.in_(list(comment_ids)) & table.c.superseded_at.is_(None)
    return {row.comment_id: _prediction(row) for row in connection.execute(select(*_COLUMNS).where(chosen))}


def history(connection: Connection, comment_id: int) -> list[Prediction]:
    """Every prediction of a comment, the first first."""
    table = schema.predictions
    query = select(*_COLUMNS).where(table.c.comment_id == comment_id).order_by(table.c.id)
    return [_prediction(row) for row in connection.execute(query)]


def tags_that_hold(connection: Connection, comment_ids: Iterable[int]) -> dict[int, tuple[StoredTag, ...]]:
    """The tags that hold now, by the comment's id, in the order of their evidence."""
    table = schema.tags
    found: dict[int, list[StoredTag]] = {}
    for row in connection.execute(select(table).where(table.c.comment_id.in_(list(comment_ids)))):
        values = {name: value for name, value in row._mapping.items() if name != "comment_id"}
        found.setdefault(row.comment_id, []).append(tag_from_json(values))
    return {i: tuple(sorted(tags, key=_place)) for i, tags in found.items()}


def _place(tag: StoredTag) -> tuple[int, str]:
    """Where a tag stands among those of its comment: as the tagger orders them."""
    return tag.evidence[0][0] if tag.evidence else 0, tag.category


def replace_tags(connection: Connection, tags: Mapping[int, Sequence[StoredTag]]) -> None:
    """Let `tags` hold for the comments that they are given by."""
    connection.execute(delete(schema.tags).where(schema.tags.c.comment_id.in_(list(tags))))
    rows = [{"comment_id": i, **tag_to_json(tag)} for i, own in tags.items() for tag in own]
    if rows:
        connection.execute(insert(schema.tags), rows)


def to_tags(result: Result) -> tuple[StoredTag, ...]:
    """A result's tags as they are kept."""
    return tuple(
        StoredTag(
            tag.category,
            tag.aspect,
            tag.polarity,
            tag.probability,
            tuple((span.start, span.stop) for span in tag.evidence),
        )
        for tag in result.tags
    )


def kinds(tags: Iterable[StoredTag]) -> frozenset[tuple[str, str | None, Polarity]]:
    """What tags say, whatever words prove it and however likely it is."""
    return frozenset((tag.category, tag.aspect, tag.polarity) for tag in tags)


def tag_to_json(tag: StoredTag) -> dict[str, Any]:
    """A tag as it is kept."""
    return {
        "category": tag.category,
        "aspect": tag.aspect,
        "polarity": tag.polarity,
        "probability": tag.probability,
        "evidence": tag.evidence,
    }


def tag_from_json(values: Mapping[str, Any]) -> StoredTag:
    """A tag as it was kept."""
    evidence = tuple((start, stop) for start, stop in values["evidence"])
    return StoredTag(**{**values, "evidence": evidence})


def _is_same(known: Prediction | None, comment: StoredComment, model: str) -> bool:
    return known is not None and (known.revision, known.model) == (comment.revision, model)


def _supersede(connection: Connection, comment_ids: Sequence[int]) -> None:
    table = schema.predictions
    chosen = table.c.comment_id.in_(comment_ids) & table.c.superseded_at.is_(None)
    connection.execute(update(table).where(chosen).values(superseded_at=now()))


def _row(comment: StoredComment, result: Result, model: str) -> dict[str, Any]:
    return {
        "comment_id": comment.id,
        "revision": comment.revision,
        "model": model,
        "tags": [tag_to_json(tag) for tag in to_tags(result)],
        "needs_review": result.needs_review,
        "certainty": result.certainty,
        "doubt": result.doubt,
        "created_at": now(),
    }


def _set_doubts(connection: Connection, tagged: Iterable[tuple[StoredComment, Result]]) -> None:
    table = schema.comments
    statement = update(table).where(table.c.id == bindparam("comment"))
    rows = [{"comment": c.id, "certainty": r.certainty, "doubt": r.doubt} for c, r in tagged]
    connection.execute(statement, rows)


def _prediction(row: Row[Any]) -> Prediction:
    values = dict(row._mapping)
    return Prediction(**{**values, "tags": tuple(map(tag_from_json, values["tags"]))})
