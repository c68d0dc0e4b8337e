"""Works off what waits in the inbox: reads, merges by version, tags and stores, all in one transaction.

A worker that dies leaves what it held waiting; the next one does it anew, and nothing is done twice.
"""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from service.inbox.receive import read_events
from service.intake.deliveries import BodyError, Delivery
from service.intake.events import Answer, Deletion, Ignored, Reference
from service.intake.installation import ConfiguredSource, Installation
from service.nlp.tagger import Tagger
from service.settings import Settings
from service.store import comments, cursors, erasure, inbox, responses, tagging
from service.store.comments import IncomingComment
from service.store.database import Database
from service.store.errors import StoreError
from service.store.inbox import StoredDelivery
from service.store.responses import VersionedComment

_LOG = logging.getLogger(__name__)

_SCOPES = ("survey_id", "entityTypeId")
"""What a collector looks through at once, as references name it."""

_BATCH = 20
"""Deliveries in one transaction: long enough to share its cost, short enough that others need not wait."""


@dataclass
class _Batch:
    """What the deliveries of one transaction say."""

    said: list[VersionedComment] = field(default_factory=list)
    deleted: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True)
class Worker:
    """What working off needs."""

    database: Database
    installation: Installation
    tagger: Tagger
    settings: Settings

    def process_waiting(self) -> int:
        """Work off one batch of what waits; how many deliveries that were.

        A delivery that cannot be worked off, for whatever reason, is put aside and holds up no other.

        Raises: StoreError.
        """
        claimed: list[StoredDelivery] = []
        try:
            return self._process(claimed, _BATCH)
        except StoreError:
            raise
        except Exception:
            _LOG.exception("a batch of the inbox failed; its deliveries are tried one by one")
        return self._process_first()

    def _process_first(self) -> int:
        claimed: list[StoredDelivery] = []
        try:
            return self._process(claimed, 1)
        except StoreError:
            raise
        except Exception as error:
            if not claimed:
                raise
            with self.database.write() as connection:
                problem = f"could not be worked off ({type(error).__name__}); the log says more"
                inbox.settle(connection, claimed[0], "unreadable", problem)
            return 1

    def _process(self, claimed: list[StoredDelivery], limit: int) -> int:
        batch = _Batch()
        with self.database.write() as connection:
            claimed += inbox.claim(connection, limit)
            for delivery in claimed:
                _take(connection, self.installation.find(delivery.source), delivery, batch, self.settings)
            _store(connection, batch, self.tagger)
        if batch.deleted:
            erasure.wipe(self.database)
        return len(claimed)


def empty_old(database: Database, settings: Settings) -> int:
    """Empty the bytes of deliveries that are past the time for which they are kept; how many."""
    before = comments.now() - timedelta(days=settings.keep_deliveries_days)
    with database.write() as connection:
        return inbox.empty_old(connection, before)


def keep_answers(connection: Connection, source: str, answers: list[Answer], tagger: Tagger) -> None:
    """Store and tag answers that were fetched, not delivered; deleted ones stay deleted."""
    batch = _Batch(said=[_versioned(source, answer, comments.now()) for answer in answers])
    _store(connection, batch, tagger)


def _take(
    connection: Connection,
    source: ConfiguredSource | None,
    delivery: StoredDelivery,
    batch: _Batch,
    settings: Settings,
) -> None:
    """Read one delivery into the batch, and write what came of it."""
    if source is None or delivery.body is None:
        inbox.settle(connection, delivery, "unreadable", "the source is not configured any more")
        return
    request = Delivery(delivery.method, delivery.headers, delivery.query, delivery.body)
    try:
        events, problems = read_events(source, request, settings.max_body_bytes)
    except BodyError as error:
        inbox.settle(connection, delivery, "unreadable", str(error))
        return
    notes = list(problems)
    for event in events:
        match event:
            case Answer():
                batch.said.append(_versioned(delivery.source, event, delivery.received_at))
                notes += event.notes
            case Deletion():
                batch.deleted.add((delivery.source, event.id))
            case Reference():
                notes += _wake(connection, delivery.source, event)
            case Ignored():
                notes.append(event.reason)
    ids = [event.id for event in events if isinstance(event, Answer | Deletion)]
    is_ignored = all(isinstance(event, Ignored) for event in events)
    inbox.settle(connection, delivery, "ignored" if is_ignored else "done", "; ".join(notes) or None, ids)


def _wake(connection: Connection, source: str, reference: Reference) -> list[str]:
    """Let what is only named be collected soon; what is to be told where nothing collects it."""
    scope = next((reference.scope[name] for name in _SCOPES if name in reference.scope), "")
    if any((one.source, one.scope) == (source, scope) for one in cursors.all_of(connection)):
        cursors.wake(connection, source, scope)
        return []
    return [f"names {reference.kind} {reference.id} only, and no connection collects «{scope}»"]


def _versioned(source: str, answer: Answer, received_at: datetime) -> VersionedComment:
    comment = IncomingComment(
        source=source,
        external_id=answer.id,
        text=answer.text,
        score=answer.score,
        question=answer.question,
        respondent=answer.respondent,
        answered_at=answer.answered_at,
        attributes=dict(answer.attributes) or None,
    )
    return VersionedComment(comment, answer.version or received_at)


def _store(connection: Connection, batch: _Batch, tagger: Tagger) -> None:
    responses.hold_all(connection, batch.said, batch.deleted)
    for source, external_id in sorted(batch.deleted):
        responses.mark_deleted(connection, source, external_id)
    erasure.withdraw(connection, sorted(batch.deleted))
    incoming, deleted = responses.keep_newest(connection, batch.said)
    results = tagger.tag(tagging.to_read(connection, incoming))
    kept = tagging.store_tagged(connection, incoming, results, tagger.version)
    erased = {c.key for c, one in zip(incoming, kept, strict=True) if one.outcome == "erased"}
    batch.deleted |= deleted | erased
    inbox.forget(connection, sorted(batch.deleted))
