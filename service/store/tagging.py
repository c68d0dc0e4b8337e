"""Store and tag: the one way in for comments that are kept, by API, webhook or command."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from service.nlp.tagger import Comment, Result, Tagger
from service.store import comments, outbox, predictions
from service.store.comments import IncomingComment, StoredComment
from service.store.database import Database
from service.store.outbox import Tagged
from service.store.predictions import to_tags

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
    new = predictions.add(connection, [c for c, _ in tagged], [r for _, r in tagged], model)
    outbox.add(
        connection,
        [Tagged(c.id, new[c.id], c.source, to_tags(r)) for c, r in tagged if c.id in new],
    )
    return [_kept(comment, new) for comment in stored]


def store_and_tag(database: Database, tagger: Tagger, incoming: Sequence[IncomingComment]) -> list[Kept]:
    """Tag what has a text, then store all in one transaction: the whole batch, or nothing of it."""
    texts = to_tag(incoming)
    results = tagger.tag([as_read(comment) for comment in texts])
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
