"""Takes a delivery in: authentic or refused, read once to see what it is, and kept."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from service.intake.deliveries import BodyError, Delivery
from service.intake.events import Event, Ignored
from service.intake.forms import split_form
from service.intake.installation import ConfiguredSource
from service.intake.mapping import search
from service.intake.signatures import TOKEN_PARAMETERS
from service.intake.trust import find_fault, read_trusted
from service.intake.values import identifier
from service.nlp.errors import OtklikError
from service.store import inbox
from service.store.database import Database
from service.store.inbox import NewDelivery, State

Status = Literal["stored", "duplicate", "ignored", "unreadable"]

_KEPT_HEADERS = frozenset({"content-type", "content-encoding", "user-agent"})
_MAX_HEADER_CHARS = 1_000
_BODY = "body:"


class RefusedError(OtklikError):
    """A delivery is not authentic."""


class ReusedKeyError(OtklikError):
    """An Idempotency-Key came again with another body."""


@dataclass(frozen=True)
class Receipt:
    """What is answered to the platform."""

    status: Status
    id: int
    detail: str | None = None


def receive(database: Database, source: ConfiguredSource, delivery: Delivery, max_bytes: int) -> Receipt:
    """Keep an authentic delivery; it is safe when this returns.

    Raises:
        RefusedError: the signature or token is wrong, too old, or not there; nothing is kept.
        ReusedKeyError, StoreError.
    """
    fault = find_fault(source, delivery, time.time(), max_bytes)
    if fault:
        raise RefusedError(fault)
    state, problem = _judge(source, delivery, max_bytes)
    key, is_declared = _key(source, delivery, max_bytes)
    new = NewDelivery(
        source.name,
        key,
        delivery.method,
        _without_tokens(delivery.query),
        _kept_headers(source, delivery.headers),
        delivery.body,
        state,
        problem,
    )
    with database.write() as connection:
        known, is_new = inbox.add(connection, new)
    if is_new:
        status: Status = "stored" if state in ("waiting", "done") else _as_status(state)
        return Receipt(status, known.id, problem)
    if is_declared and known.fingerprint != new.fingerprint and known.body is not None:
        raise ReusedKeyError("this Idempotency-Key came before with another body")
    return Receipt("duplicate", known.id)


def read_events(
    source: ConfiguredSource, delivery: Delivery, max_bytes: int
) -> tuple[list[Event], tuple[str, ...]]:
    """What an authentic delivery says, and what of it could not be read. Raises: BodyError."""
    content, trusted = read_trusted(source, delivery, max_bytes)
    return source.adapter.read(content.documents, trusted.headers, source.choices), content.problems


def _judge(source: ConfiguredSource, delivery: Delivery, max_bytes: int) -> tuple[State, str | None]:
    try:
        events, problems = read_events(source, delivery, max_bytes)
    except BodyError as error:
        return "unreadable", str(error)
    reasons = [event.reason for event in events if isinstance(event, Ignored)]
    if not events:
        return ("unreadable", problems[0]) if problems else ("ignored", "an empty delivery")
    if len(reasons) == len(events):
        return "ignored", reasons[0]
    return "waiting", None


def _as_status(state: State) -> Status:
    return "ignored" if state == "ignored" else "unreadable"


def _key(source: ConfiguredSource, delivery: Delivery, max_bytes: int) -> tuple[str, bool]:
    """The id that a repeat of the delivery has too, and whether it is the caller's own Idempotency-Key."""
    try:
        documents = read_trusted(source, delivery, max_bytes)[0].documents[:1]
    except BodyError:
        documents = ()
    for place in source.adapter.delivery_ids:
        if place.startswith(_BODY):
            found = next((search(place.removeprefix(_BODY), document) for document in documents), None)
        else:
            found = delivery.headers.get(place, "").strip().strip('"')
        key = identifier(found)
        if key:
            return f"{place}={key}"[:200], place == "idempotency-key"
    whole = NewDelivery(source.name, "", "", _without_tokens(delivery.query), {}, delivery.body, "waiting")
    return f"sha256:{whole.fingerprint}", False


def _without_tokens(query: str) -> str:
    pairs = split_form(query.encode("utf-8", "replace"), max_fields=10_000)
    return urlencode([pair for pair in pairs if pair[0] not in TOKEN_PARAMETERS])


def _kept_headers(source: ConfiguredSource, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that adapters read; never those that carry secrets."""
    named = {place for place in source.adapter.delivery_ids if not place.startswith(_BODY)}
    return {
        name: value[:_MAX_HEADER_CHARS]
        for name, value in headers.items()
        if name in _KEPT_HEADERS | named or name.startswith("ce-")
    }
