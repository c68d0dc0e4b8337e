"""Deletes what one person said, on their request: no words stay, figures do.

A family of tables that keeps words of comments (a delivery as it came, an entry of an outbox) adds its step
to `erase_in`, so that one request reaches all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from service.store import comments, inbox, predictions, schema
from service.store.comments import IncomingComment
from service.store.database import Database
from service.store.errors import MissingError


@dataclass(frozen=True, slots=True)
class Erasure:
    """Whose data: all of a respondent (in one source, or in all), or one comment."""

    respondent: str | None = None
    source: str | None = None
    comment_id: int | None = None

    def __post_init__(self) -> None:
        if (self.respondent is None) == (self.comment_id is None):
            raise ValueError("an erasure is of a respondent or of a comment")


def erase(database: Database, wanted: Erasure) -> int:
    """Delete the words, and wipe them from the database's file; how many comments there were.

    Raises: MissingError if nothing is known of whom the request names.
    """
    with database.write() as connection:
        found = _find(connection, wanted)
        if not found:
            raise MissingError("nothing is stored of what the request names, or it is deleted already")
        erase_in(connection, found)
    wipe(database)
    return len(found)


def _find(connection: Connection, wanted: Erasure) -> Sequence[int]:
    table = schema.comments
    query = select(table.c.id).where(table.c.state != "erased")
    if wanted.comment_id is not None:
        query = query.where(table.c.id == wanted.comment_id)
    else:
        query = query.where(table.c.respondent == wanted.respondent)
    if wanted.source is not None:
        query = query.where(table.c.source == wanted.source)
    return connection.execute(query).scalars().all()


def erase_in(connection: Connection, comment_ids: Sequence[int]) -> None:
    """Delete the words of comments in a transaction of the caller's, who is to `wipe` when it has ended."""
    table = schema.comments
    query = select(table.c.source, table.c.external_id).where(table.c.id.in_(comment_ids))
    inbox.forget(connection, [(row.source, row.external_id) for row in connection.execute(query)])
    comments.erase(connection, comment_ids)


def withdraw(connection: Connection, keys: Sequence[tuple[str, str]]) -> None:
    """Leave of comments (source, external id) that were deleted at their source only that there were such.

    Unlike those of a person who asks for deletion, they count in no figure; whether anything of them had come
    before makes no difference. The caller is to `wipe` when the transaction has ended.
    """
    stored = comments.upsert(connection, [IncomingComment(*key) for key in keys])
    ids = [comment.id for comment in stored if comment is not None]
    erase_in(connection, ids)
    table = schema.comments
    nothing = dict.fromkeys(("score", "answered_at", "certainty", "doubt"))
    connection.execute(update(table).where(table.c.id.in_(ids)).values(**nothing))
    predictions.replace_tags(connection, dict.fromkeys(ids, ()))


def wipe(database: Database) -> None:
    """Old pages of SQLite's write-ahead log still hold words: bring the log into the file, and empty it."""
    if not database.is_sqlite:
        return
    connection = database.engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    finally:
        connection.close()
