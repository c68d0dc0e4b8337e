"""What tests of the review ask of a store."""

from collections.abc import Iterable

from service.nlp.taxonomy import Taxonomy
from service.review import queue
from service.review.queue import Task, Wish
from service.store import predictions
from service.store.database import Database
from service.store.predictions import StoredTag


def choose(store: Database, taxonomy: Taxonomy, wish: Wish, blind: int = 10) -> list[Task]:
    """The tasks that the queue gives."""
    with store.read() as connection:
        return queue.choose(connection, taxonomy, wish, blind)


def held_tags(store: Database, ids: Iterable[int]) -> dict[int, tuple[StoredTag, ...]]:
    """The tags that hold, by comment."""
    with store.read() as connection:
        return predictions.tags_that_hold(connection, ids)
