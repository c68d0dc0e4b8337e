"""Stored comments, tagged again by another model: page by page, so that a stop loses at most one page."""

from collections.abc import Iterator

from sqlalchemy import func, select

from service.nlp.tagger import Tagger
from service.store import predictions, schema, search
from service.store.database import Database
from service.store.tagging import add_predictions, as_read

PAGE = 500


def count_comments(database: Database) -> int:
    """How many comments have a text."""
    query = select(func.count()).select_from(schema.comments).where(schema.comments.c.text.is_not(None))
    with database.read() as connection:
        return int(connection.execute(query).scalar_one())


def retag(database: Database, tagger: Tagger) -> Iterator[tuple[int, int]]:
    """Store what `tagger` says of each comment that it has not tagged yet.

    Yields how many comments a page has, and how many of them were tagged now. People's corrections go on to
    hold. Webhooks and write-backs are told of comments whose tags are others now, and of no more.
    """
    before: int | None = None
    while True:
        with database.write() as connection:
            page = search.find(connection, search.Filter(), PAGE, before)
            texts = [comment for comment in page.comments if comment.text is not None]
            known = predictions.current(connection, [comment.id for comment in texts])
            wanted = [
                comment
                for comment in texts
                if (own := known.get(comment.id)) is None
                or (own.model, own.revision) != (tagger.version, comment.revision)
            ]
            results = tagger.tag([as_read(comment) for comment in wanted])
            tagged = list(zip(wanted, results, strict=True))
            added = add_predictions(connection, tagged, tagger.version)
        yield len(texts), len(added)
        if page.before is None:
            return
        before = page.before
