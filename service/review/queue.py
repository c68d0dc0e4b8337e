"""The review queue: what people disagree on, then what the model is least sure of, all categories in turn.

A small share of the comments, always the same ones, is shown blind, without the model's proposal: comparing
how often people agree with a proposal that they see, and with one that they do not, tells how far they nod.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest

from sqlalchemy import ColumnElement, Connection, exists, select

from service.nlp.taxonomy import Taxonomy
from service.store import predictions, schema
from service.store.comments import StoredComment, to_comment
from service.store.predictions import StoredTag


@dataclass(frozen=True, slots=True)
class Task:
    """A comment for a person to look at."""

    comment: StoredComment
    proposal: tuple[StoredTag, ...] | None
    """The tags that hold now; None where they are hidden."""

    @property
    def blind(self) -> bool:
        """Whether the proposal is hidden."""
        return self.proposal is None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person would like to look at."""

    limit: int
    reviewer: str | None = None
    """Leave out what this person has corrected already: it takes another one to settle it."""
    category: str | None = None
    """Only comments of which this is the least certain category."""
    source: str | None = None


def choose(connection: Connection, taxonomy: Taxonomy, wish: Wish, blind_percent: int) -> list[Task]:
    """The next tasks, the most urgent first."""
    categories = [wish.category] if wish.category else list(taxonomy.category_codes)
    contested = _find(connection, wish, _conditions(wish, "contested", wish.category))
    by_category = [_find(connection, wish, _conditions(wish, "tagged", code)) for code in categories]
    in_turn = (comment for turn in zip_longest(*by_category) for comment in turn if comment is not None)
    chosen = list(islice((comment for group in (contested, in_turn) for comment in group), wish.limit))
    tags = predictions.tags_that_hold(connection, [comment.id for comment in chosen])
    return [_task(comment, tags.get(comment.id, ()), blind_percent) for comment in chosen]


def is_blind(comment_id: int, percent: int) -> bool:
    """Whether a comment is of the blind share: as if by chance, and always the same answer.

    >>> sum(is_blind(i, 10) for i in range(10_000))
    967
    """
    return zlib.crc32(f"blind {comment_id}".encode()) % 100 < percent


def _task(comment: StoredComment, tags: tuple[StoredTag, ...], blind_percent: int) -> Task:
    hidden = comment.state == "tagged" and is_blind(comment.id, blind_percent)
    return Task(comment, None if hidden else tags)


def _find(
    connection: Connection, wish: Wish, conditions: Iterable[ColumnElement[bool]]
) -> list[StoredComment]:
    table = schema.comments
    query = select(table).where(*conditions).order_by(table.c.certainty, table.c.id).limit(wish.limit)
    return [to_comment(row) for row in connection.execute(query)]


def _conditions(wish: Wish, state: str, category: str | None) -> Iterator[ColumnElement[bool]]:
    table, said = schema.comments, schema.corrections
    yield table.c.state == state
    if category is not None:
        yield table.c.doubt == category
    if wish.source is not None:
        yield table.c.source == wish.source
    if wish.reviewer is not None:
        own = (said.c.comment_id == table.c.id) & (said.c.revision == table.c.revision)
        yield ~exists().where(own, said.c.author == wish.reviewer)
