"""The outbox's sender: takes what is due, tells it, and settles it; any number of senders may run.

Each target has a lane of its own, so that one that is slow or dead keeps no other waiting. A lane tells a few
things at once while all goes well, and one at a time after a failure.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from service.delivery.events import TaggedComment, read_tagged
from service.delivery.outcomes import Delivered, Failed, Gone, Hopeless, Nothing, NotYet, Outcome
from service.delivery.schedule import next_attempt
from service.store import outbox, targets
from service.store.database import Database
from service.store.errors import StoreError
from service.store.outbox import Delivery
from service.store.targets import Target

_log = logging.getLogger(__name__)


class Deliverer(Protocol):
    """Tells one kind of target."""

    def deliver(self, target: Target, delivery: Delivery, tagged: TaggedComment) -> Outcome:
        """Try once."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a sender works."""

    at_once: int = 4
    """Things told to one target at the same time."""
    lanes: int = 32
    """Targets that are told at the same time."""
    lease: timedelta = timedelta(minutes=2)
    """Longer than any attempt; after it, what a dead sender had claimed is due again."""
    idle: float = 1.0
    """Seconds between looks into an empty outbox."""
    keep: timedelta = timedelta(days=30)
    """After so long what was delivered is forgotten."""


@dataclass
class Sender:
    """Empties the outbox of one database."""

    database: Database
    deliverers: Mapping[str, Deliverer]
    """By the kind of the target."""
    manner: Manner = field(default_factory=Manner)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _resting: dict[int, datetime] = field(default_factory=dict)
    """Targets that asked for fewer calls, and until when."""
    _busy: set[int] = field(default_factory=set)
    _cleared_at: datetime | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, stop: threading.Event) -> None:
        """Send what is due, and go on looking until `stop`; what is under way is finished."""
        with ThreadPoolExecutor(self.manner.lanes, thread_name_prefix="otklik-lane") as lanes:
            while not stop.is_set():
                self._clear_old()
                for target_id in self._find_due():
                    lanes.submit(self._run_lane, target_id, stop)
                stop.wait(self.manner.idle)

    def drain(self) -> int:
        """Send all that is due now, one target after the other; how many attempts were made."""
        attempts = 0
        stop = threading.Event()
        for target_id in self._find_due():
            attempts += self._run_lane(target_id, stop)
        return attempts

    def _clear_old(self) -> None:
        """Once an hour, forget what was delivered long ago; dead letters stay."""
        now = self.clock()
        if self._cleared_at is not None and now - self._cleared_at < timedelta(hours=1):
            return
        self._cleared_at = now
        try:
            with self.database.write() as connection:
                outbox.clear_old(connection, now - self.manner.keep)
        except StoreError as error:
            _log.warning("the outbox cannot be cleared: %s", error)

    def _find_due(self) -> list[int]:
        """Targets with something due that no lane is busy with; they count as busy from now on."""
        now = self.clock()
        try:
            with self.database.read() as connection:
                due = outbox.due_targets(connection, now)
        except StoreError as error:
            _log.warning("the outbox cannot be read: %s", error)
            return []
        with self._lock:
            free = [i for i in due if i not in self._busy and self._resting.get(i, now) <= now]
            self._busy.update(free)
        return free

    def _run_lane(self, target_id: int, stop: threading.Event) -> int:
        attempts = 0
        size = self.manner.at_once
        try:
            with ThreadPoolExecutor(self.manner.at_once, thread_name_prefix="otklik-send") as hands:
                while not stop.is_set() and self._resting.get(target_id, self.clock()) <= self.clock():
                    target, claimed = self._claim(target_id, size)
                    if target is None or not claimed:
                        break
                    outcomes = list(hands.map(lambda one, to=target: self._try(to, one), claimed))
                    attempts += len(outcomes)
                    size = (
                        1
                        if any(isinstance(one, Failed | NotYet) for one in outcomes)
                        else self.manner.at_once
                    )
        except StoreError as error:  # what was claimed comes due again when its lease ends
            _log.warning("target %d has to wait: %s", target_id, error)
        finally:
            with self._lock:
                self._busy.discard(target_id)
        return attempts

    def _claim(self, target_id: int, limit: int) -> tuple[Target | None, list[Delivery]]:
        with self.database.write() as connection:
            known = {target.id: target for target in targets.all_of(connection)}
            target = known.get(target_id)
            if target is None or not target.is_on or target.kind not in self.deliverers:
                return None, []
            return target, outbox.claim(connection, target_id, self.clock(), limit, self.manner.lease)

    def _try(self, target: Target, delivery: Delivery) -> Outcome:
        with self.database.read() as connection:
            found = read_tagged(connection, delivery)
        outcome: Outcome
        if isinstance(found, str):
            outcome = Nothing(found)
        else:
            try:
                outcome = self.deliverers[target.kind].deliver(target, delivery, found)
            except Exception as error:
                _log.exception("delivery %d failed in a way that was not foreseen", delivery.id)
                outcome = Failed(f"{type(error).__name__} on our side; the log has more")
        self._settle(target, delivery, outcome)
        return outcome

    def _settle(self, target: Target, delivery: Delivery, outcome: Outcome) -> None:
        with self.database.write() as connection:
            match outcome:
                case Delivered(status):
                    outbox.settle(connection, delivery, "delivered", status)
                case Nothing(reason):
                    outbox.settle(connection, delivery, "dropped", error=reason)
                case Hopeless(error, status):
                    outbox.settle(connection, delivery, "dead", status, error)
                case Gone(error, status):
                    outbox.settle(connection, delivery, "dead", status, error)
                    targets.switch(connection, target.id, False, error)
                    outbox.bury(connection, target.id, error)
                case NotYet(error, until):
                    outbox.postpone(connection, delivery, until, error=error, counts=False)
                case Failed(error, status, wish):
                    due = next_attempt(delivery.attempts, self.clock(), wish)
                    if due is None:
                        outbox.settle(connection, delivery, "dead", status, error)
                    else:
                        outbox.postpone(connection, delivery, due, status, error)
        if isinstance(outcome, NotYet):
            self._resting[target.id] = outcome.until
        elif isinstance(outcome, Failed) and outcome.throttled and outcome.wish:
            self._resting[target.id] = outcome.wish
