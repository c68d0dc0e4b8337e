"""Store and tag: the one way in for comments that are kept, by API, webhook or command."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from service.nlp.tagger import Comment, Result, Tagger
from service.store import comments, outbox, predictions
from service.store.comments import IncomingComment, StoredComment
from service.store.database import Database
from service.store.outbox import Tagged
from service.store.predictions import Prediction, StoredTag, kinds, to_tags

Outcome = Literal["created", "updated", "erased"]


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of one incoming comment."""

    outcome: Outcome
    """`erased`: its deletion was asked for once, so nothing of it was stored."""
    comment: StoredComment | None
    prediction_id: int | None
    """Of the prediction that was stored now; None where nothing new was said."""


def to_tag(incoming: Sequence[IncomingComment]) -> list[IncomingComment]:
    """Those of `incoming` that bring a text, each once, as they will be stored."""
    return [comment for comment in comments.merge(incoming) if comment.text is not None]


def to_read(connection: Connection, incoming: Sequence[IncomingComment]) -> list[Comment]:
    """Those of `to_tag(incoming)` as the tagger reads them, with a score or question that came before."""
    texts = to_tag(incoming)
    known = comments.get_by_keys(connection, [c.key for c in texts if c.score is None or c.question is None])
    return [_completed(comment, known.get(comment.key)) for comment in texts]


def _completed(comment: IncomingComment, known: StoredComment | None) -> Comment:
    read = as_read(comment)
    if known is None:
        return read
    score = known.score if read.score is None else read.score
    return read._replace(score=score, question=read.question or known.question)


def store_tagged(
    connection: Connection, incoming: Sequence[IncomingComment], results: Sequence[Result], model: str
) -> list[Kept]:
    """Store comments, and what `model` said of them, in the transaction of `connection`.

    `results` are those of `to_tag(incoming)`, in order. Whom to tell goes into the outbox. What else
    has to happen exactly when a comment is stored is written by the caller in the same transaction.
    """
    stored = comments.upsert(connection, incoming)
    by_key = {(c.source, c.external_id): c for c in stored if c is not None}
    tagged = [
        (by_key[comment.key], result)
        for comment, result in zip(to_tag(incoming), results, strict=True)
        if comment.key in by_key
    ]
    new = add_predictions(connection, tagged, model)
    return [_kept(comment, new) for comment in stored]


def add_predictions(
    connection: Connection, tagged: Sequence[tuple[StoredComment, Result]], model: str
) -> dict[int, int]:
    """Store what `model` says of stored comments; the ids of the new predictions, by the comment's.

    Whom to tell of what is news goes into the outbox: the first tags of a text, and tags that another model
    sees otherwise. The same tags once more are none, nor is what a model says against a person.
    """
    known = predictions.current(connection, [comment.id for comment, _ in tagged])
    new = predictions.add(connection, [c for c, _ in tagged], [r for _, r in tagged], model)
    news = [
        Tagged(comment.id, new[comment.id], comment.source, to_tags(result), _tags_before(known, comment))
        for comment, result in tagged
        if comment.id in new and _is_news(known.get(comment.id), comment, to_tags(result))
    ]
    outbox.add(connection, news)
    return new


def _is_news(known: Prediction | None, comment: StoredComment, tags: Sequence[StoredTag]) -> bool:
    if known is None or known.revision != comment.revision:
        return True
    return comment.state == "tagged" and kinds(known.tags) != kinds(tags)


def _tags_before(known: Mapping[int, Prediction], comment: StoredComment) -> Sequence[StoredTag]:
    before = known.get(comment.id)
    return before.tags if before else ()


def store_and_tag(database: Database, tagger: Tagger, incoming: Sequence[IncomingComment]) -> list[Kept]:
    """Tag what has a text, then store all in one transaction: the whole batch, or nothing of it."""
    with database.read() as connection:
        read = to_read(connection, incoming)
    results = tagger.tag(read)
    with database.write() as connection:
        return store_tagged(connection, incoming, results, tagger.version)


def as_read(comment: IncomingComment | StoredComment) -> Comment:
    """The comment as the tagger reads it."""
    return Comment(comment.text or "", comment.score, comment.question)


def _kept(comment: StoredComment | None, new: dict[int, int]) -> Kept:
    if comment is None:
        return Kept("erased", None, None)
    outcome: Outcome = "created" if comment.created_at == comment.updated_at else "updated"
    return Kept(outcome, comment, new.get(comment.id))
