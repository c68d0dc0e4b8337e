"""Deletes what one person said, on their request: no words stay, figures do.

A family of tables that keeps words of comments (a delivery as it came, an entry of an outbox) adds its step
to `_erase`, so that one request reaches all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from service.store import comments, schema
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
        _erase(connection, found)
    if database.is_sqlite:
        _wipe(database)
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


def _erase(connection: Connection, comment_ids: Sequence[int]) -> None:
    comments.erase(connection, comment_ids)


def _wipe(database: Database) -> None:
    """Old pages of the write-ahead log still hold the words: bring the log into the file, and empty it."""
    connection = database.engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    finally:
        connection.close()
