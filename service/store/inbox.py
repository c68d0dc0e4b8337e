"""The inbox: deliveries as they came, each once, and worked off in order by as many workers as there are."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from service.store import schema
from service.store.comments import now

State = Literal["waiting", "done", "ignored", "unreadable"]
"""`waiting` to be worked off · `done` · `ignored`: nothing for us in it · `unreadable`: kept for a person."""

_TABLE = schema.inbox


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery that is to be kept."""

    source: str
    key: str
    """The same when the delivery is repeated."""
    method: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    state: State
    problem: str | None = None

    @property
    def fingerprint(self) -> str:
        """A hash of what was sent."""
        whole = b"\0".join([self.method.encode(), self.query.encode("utf-8", "replace"), self.body])
        return hashlib.sha256(whole).hexdigest()


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """A delivery as it is kept; see `schema.inbox`."""

    id: int
    source: str
    key: str
    fingerprint: str
    method: str
    query: str
    headers: dict[str, str]
    body: bytes | None
    state: State
    problem: str | None
    repeats: int
    received_at: datetime
    processed_at: datetime | None


_COLUMNS = [_TABLE.c[field.name] for field in fields(StoredDelivery)]


def add(connection: Connection, new: NewDelivery) -> tuple[StoredDelivery, bool]:
    """Keep a delivery unless it is there; what is kept, and whether it is new.

    A repeat of one that nothing has come of is worked off again: the mapping may have been mended since.
    """
    values = {field.name: getattr(new, field.name) for field in fields(NewDelivery)}
    values |= {"fingerprint": new.fingerprint, "headers": dict(new.headers)}
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(_TABLE).values(**values, repeats=0, received_at=now())
    row = connection.execute(statement.on_conflict_do_nothing().returning(*_COLUMNS)).first()
    if row is not None:
        return _delivery(row), True
    chosen = (_TABLE.c.source == new.source) & (_TABLE.c.key == new.key)
    known = _delivery(connection.execute(select(*_COLUMNS).where(chosen)).one())
    changed: dict[str, Any] = {"repeats": _TABLE.c.repeats + 1}
    if known.state in ("ignored", "unreadable") and known.body is not None:
        changed |= {"state": new.state, "problem": new.problem}
    connection.execute(update(_TABLE).where(chosen).values(**changed))
    return known, False


def claim(connection: Connection, limit: int) -> list[StoredDelivery]:
    """The oldest deliveries that wait, held until the transaction ends; other workers pass them by."""
    query = select(*_COLUMNS).where(_TABLE.c.state == "waiting").order_by(_TABLE.c.id).limit(limit)
    return [_delivery(row) for row in connection.execute(query.with_for_update(skip_locked=True))]


def settle(
    connection: Connection,
    delivery: StoredDelivery,
    state: State,
    problem: str | None = None,
    external_ids: Iterable[str] = (),
) -> None:
    """Write what came of a delivery, and which responses it speaks of."""
    values = {"state": state, "problem": problem, "processed_at": now()}
    connection.execute(update(_TABLE).where(_TABLE.c.id == delivery.id).values(**values))
    rows = [{"inbox_id": delivery.id, "external_id": one} for one in dict.fromkeys(external_ids)]
    if rows:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(schema.inbox_responses).on_conflict_do_nothing(), rows)


def wait_again(connection: Connection, states: Sequence[State], source: str | None = None) -> int:
    """Let deliveries in these states, that still have their bytes, be worked off anew; how many.

    What they said of their responses counts as not said, so that a mended mapping has its way.
    """
    chosen = _TABLE.c.state.in_(states) & _TABLE.c.body.is_not(None)
    if source is not None:
        chosen &= _TABLE.c.source == source
    links, known = schema.inbox_responses, schema.responses
    spoken_of = (
        select(links.c.inbox_id)
        .join(_TABLE, _TABLE.c.id == links.c.inbox_id)
        .where(chosen, _TABLE.c.source == known.c.source, links.c.external_id == known.c.external_id)
    )
    connection.execute(update(known).where(spoken_of.exists()).values(versions={}))
    return connection.execute(update(_TABLE).where(chosen).values(state="waiting", problem=None)).rowcount


def latest(
    connection: Connection, limit: int, state: State | None = None, source: str | None = None
) -> list[StoredDelivery]:
    """The newest deliveries first."""
    query = select(*_COLUMNS).order_by(_TABLE.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(_TABLE.c.state == state)
    if source is not None:
        query = query.where(_TABLE.c.source == source)
    return [_delivery(row) for row in connection.execute(query)]


def get(connection: Connection, delivery_id: int) -> StoredDelivery | None:
    """The delivery with this id, if there is one."""
    row = connection.execute(select(*_COLUMNS).where(_TABLE.c.id == delivery_id)).first()
    return _delivery(row) if row else None


def count_waiting(connection: Connection) -> int:
    """How many deliveries wait."""
    return connection.execute(select(func.count()).where(_TABLE.c.state == "waiting")).scalar_one()


def empty_old(connection: Connection, before: datetime) -> int:
    """Empty the bytes of deliveries that were worked off, or put aside, before a moment; how many."""
    settled_at = func.coalesce(_TABLE.c.processed_at, _TABLE.c.received_at)
    chosen = _TABLE.c.body.is_not(None) & (_TABLE.c.state != "waiting") & (settled_at < before)
    return connection.execute(update(_TABLE).where(chosen).values(body=None, query="")).rowcount


def forget(connection: Connection, keys: Iterable[tuple[str, str]]) -> None:
    """Empty every delivery of these responses (source, external id), and forget how new they are."""
    links, known = schema.inbox_responses, schema.responses
    for source, external_id in keys:
        of_source = select(_TABLE.c.id).where(_TABLE.c.source == source)
        chosen = (links.c.external_id == external_id) & links.c.inbox_id.in_(of_source)
        ids = connection.execute(select(links.c.inbox_id).where(chosen)).scalars().all()
        connection.execute(update(_TABLE).where(_TABLE.c.id.in_(ids)).values(body=None, query=""))
        connection.execute(delete(links).where(chosen))
        chosen = (known.c.source == source) & (known.c.external_id == external_id)
        connection.execute(delete(known).where(chosen, known.c.is_deleted.is_(False)))


def _delivery(row: Row[Any]) -> StoredDelivery:
    return StoredDelivery(**row._mapping)
