"""Looks through platforms for what has changed: ids-only sources, polled ones, and lost deliveries alike.

A page of answers is stored, tagged and put behind the cursor in one transaction. A collector that dies goes
on behind the last whole page; what comes twice changes nothing.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from sqlalchemy import Connection

from service.clients.errors import ClientError, LimitReachedError
from service.clients.feeds import Feed, Page
from service.intake.events import Answer
from service.intake.mapping import Adapter, Choices
from service.store import cursors
from service.store.cursors import Cursor
from service.store.database import Database
from service.store.errors import StoreError

_log = logging.getLogger(__name__)

Keep: TypeAlias = Callable[[Connection, str, list[Answer]], None]
"""Stores and tags the answers of a source, in the transaction of the connection."""


@dataclass(frozen=True, slots=True)
class Collected:
    """A platform, and how what it says is read."""

    feed: Feed
    adapter: Adapter
    choices: Choices = field(default_factory=Choices)

    def read(self, page: Page) -> list[Answer]:
        """The answers in a page."""
        events = self.adapter.read(page.documents, {}, self.choices)
        return [event for event in events if isinstance(event, Answer)]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a collector looks."""

    every: timedelta = timedelta(minutes=10)
    """Between looks at a scope that nobody has said anything of: finds what was lost on the way."""
    overlap: timedelta = timedelta(minutes=5)
    """Each look begins so much before the end of the last: platforms' clocks and lists lag."""
    lease: timedelta = timedelta(minutes=10)
    """After so long without a page another collector takes over."""
    idle: float = 2.0
    """Seconds between looks at the cursors."""


@dataclass(frozen=True, slots=True)
class Collector:
    """Keeps the store level with the platforms; any number may run."""

    database: Database
    sources: Mapping[str, Collected]
    keep: Keep
    rhythm: Rhythm = field(default_factory=Rhythm)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def run(self, stop: threading.Event) -> None:
        """Collect what is due, and go on until `stop`."""
        while not stop.is_set():
            try:
                self.collect_due(stop)
            except StoreError as error:
                _log.warning("collecting has to wait: %s", error)
            stop.wait(self.rhythm.idle)

    def collect_due(self, stop: threading.Event | None = None) -> int:
        """Look through every scope that is due; how many answers came. Raises: StoreError."""
        with self.database.write() as connection:
            for name, source in self.sources.items():
                cursors.ensure(connection, name, source.feed.scopes)
        scopes = [(name, scope) for name, source in self.sources.items() for scope in source.feed.scopes]
        answers = 0
        while not (stop and stop.is_set()):
            with self.database.write() as connection:
                cursor = cursors.claim(connection, scopes, self.clock(), self.rhythm.lease)
            if cursor is None:
                break
            answers += self._collect(cursor)
        return answers

    def _collect(self, cursor: Cursor) -> int:
        """Look through one scope; what goes wrong is kept with its cursor, and is no reason to stop."""
        source = self.sources[cursor.source]
        started = self.clock()
        since = cursor.mark - self.rhythm.overlap if cursor.mark else None
        next_at, not_before = started + max(self.rhythm.every, source.feed.rest), started + source.feed.rest
        answers = 0
        problem = None
        try:
            for page in source.feed.changes(cursor.scope, since):
                answers += self._store(cursor, source, page)
        except LimitReachedError as error:
            next_at = not_before = max(error.until, not_before)
            problem = str(error)
        except ClientError as error:
            problem = str(error)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            _log.exception("%s %s gave an answer of another form", cursor.source, cursor.scope)
            problem = f"the answer has another form than documented ({type(error).__name__}: {error})"
        if problem:
            _log.warning("%s %s: %s", cursor.source, cursor.scope, problem)
        with self.database.write() as connection:
            cursors.release(connection, cursor, next_at, not_before, problem)
        return answers

    def _store(self, cursor: Cursor, source: Collected, page: Page) -> int:
        answers = source.read(page)
        with self.database.write() as connection:
            self.keep(connection, cursor.source, answers)
            cursors.advance(connection, cursor, page.mark, self.clock() + self.rhythm.lease)
        return len(answers)
