"""The outbox: what is still to be told, written with the prediction, claimed and settled by senders.

A claim is a lease: it counts an attempt and moves the delivery's next turn behind the lease. A sender that
dies settles nothing, and the delivery comes due again by itself. Hence at least once, never not at all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from service.store import schema, targets
from service.store.comments import now
from service.store.predictions import StoredTag

State = Literal["pending", "delivered", "dead", "dropped"]
"""`dead`: given up, waits for a replay · `dropped`: nothing left to tell (deleted, or a newer text came)."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """A prediction that has just been stored."""

    comment_id: int
    prediction_id: int
    source: str
    tags: Sequence[StoredTag]
    before: Sequence[StoredTag] = ()
    """The tags that these take the place of: who was told of them is told of these."""

    def touched(self) -> list[tuple[str, str]]:
        """Category and polarity of each tag that came or went."""
        return [(tag.category, tag.polarity) for tag in (*self.tags, *self.before)]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing to tell one target; see `schema.deliveries`."""

    id: int
    target_id: int
    comment_id: int
    prediction_id: int
    state: State
    attempts: int
    due_at: datetime
    status: int | None
    error: str | None
    created_at: datetime
    finished_at: datetime | None


_TABLE = schema.deliveries
_COLUMNS = [_TABLE.c[field.name] for field in fields(Delivery)]


def add(connection: Connection, tagged: Sequence[Tagged]) -> None:
    """Note for every target that wants it what has been tagged, in the transaction that stores it."""
    listening = [target for target in targets.all_of(connection) if target.is_on] if tagged else []
    moment = now()
    rows = [
        {
            "target_id": target.id,
            "comment_id": one.comment_id,
            "prediction_id": one.prediction_id,
            "state": "pending",
            "attempts": 0,
            "due_at": moment,
            "created_at": moment,
        }
        for one in tagged
        for target in listening
        if target.wants(one.source, one.touched())
    ]
    if rows:
        connection.execute(insert(_TABLE), rows)


def due_targets(connection: Connection, moment: datetime) -> list[int]:
    """The targets that are on and have something due."""
    query = (
        select(_TABLE.c.target_id)
        .join(schema.targets, schema.targets.c.id == _TABLE.c.target_id)
        .where(_TABLE.c.state == "pending", _TABLE.c.due_at <= moment, schema.targets.c.is_on)
        .distinct()
    )
    return list(connection.execute(query).scalars())


def claim(
    connection: Connection, target_id: int, moment: datetime, limit: int, lease: timedelta
) -> list[Delivery]:
    """Take up to `limit` deliveries that are due, the oldest first; nobody else gets them within `lease`."""
    due = (
        select(_TABLE.c.id)
        .where(_TABLE.c.target_id == target_id, _TABLE.c.state == "pending", _TABLE.c.due_at <= moment)
        .order_by(_TABLE.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list(connection.execute(due).scalars())
    claimed = connection.execute(
        update(_TABLE)
        .where(_TABLE.c.id.in_(ids))
        .values(attempts=_TABLE.c.attempts + 1, due_at=moment + lease)
        .returning(*_COLUMNS)
    )
    return sorted((_delivery(row) for row in claimed), key=lambda delivery: delivery.id)


def settle(
    connection: Connection,
    claimed: Delivery,
    state: State,
    status: int | None = None,
    error: str | None = None,
) -> None:
    """Close a claimed delivery, unless its lease has ended and another sender has it.

    What has arrived counts as delivered even if everything else for its target was given up meanwhile.
    """
    _write(connection, claimed, state=state, status=status, error=error, finished_at=now())


def postpone(
    connection: Connection,
    claimed: Delivery,
    due_at: datetime,
    status: int | None = None,
    error: str | None = None,
    *,
    counts: bool = True,
) -> None:
    """Let a claimed delivery be tried again at `due_at`; one that was not let through need not count."""
    attempts = claimed.attempts if counts else claimed.attempts - 1
    _write(connection, claimed, due_at=due_at, attempts=attempts, status=status, error=error)


def bury(connection: Connection, target_id: int, reason: str) -> None:
    """Give up everything that is pending for a target."""
    chosen = (_TABLE.c.target_id == target_id) & (_TABLE.c.state == "pending")
    connection.execute(update(_TABLE).where(chosen).values(state="dead", error=reason, finished_at=now()))


def dead(connection: Connection, limit: int = 100, after: int = 0) -> list[Delivery]:
    """What was given up, the oldest first."""
    query = select(*_COLUMNS).where(_TABLE.c.state == "dead", _TABLE.c.id > after).order_by(_TABLE.c.id)
    return [_delivery(row) for row in connection.execute(query.limit(limit))]


def replay(connection: Connection, ids: Iterable[int] | None = None) -> int:
    """Let what was given up be tried afresh from now: all of it, or these; how many there were."""
    chosen: ColumnElement[bool] = _TABLE.c.state == "dead"
    if ids is not None:
        chosen &= _TABLE.c.id.in_(list(ids))
    fresh = {"state": "pending", "attempts": 0, "due_at": now(), "finished_at": None}
    return connection.execute(update(_TABLE).where(chosen).values(**fresh)).rowcount


def counts(connection: Connection) -> dict[tuple[int, State], int]:
    """How many deliveries each target has in each state."""
    query = select(_TABLE.c.target_id, _TABLE.c.state, func.count()).group_by(
        _TABLE.c.target_id, _TABLE.c.state
    )
    return {(target_id, state): count for target_id, state, count in connection.execute(query)}


def forget(connection: Connection, target_id: int) -> None:
    """Remove a target with all that was or is to be told to it."""
    connection.execute(_TABLE.delete().where(_TABLE.c.target_id == target_id))
    connection.execute(schema.targets.delete().where(schema.targets.c.id == target_id))


def clear_old(connection: Connection, before: datetime) -> int:
    """Remove what was delivered or dropped before a moment; how many."""
    chosen = _TABLE.c.state.in_(("delivered", "dropped")) & (_TABLE.c.finished_at < before)
    return connection.execute(_TABLE.delete().where(chosen)).rowcount


def _write(connection: Connection, claimed: Delivery, **values: object) -> None:
    open_states = ("pending", "dead") if values.get("state") == "delivered" else ("pending",)
    ours = (
        (_TABLE.c.id == claimed.id)
        & _TABLE.c.state.in_(open_states)
        & (_TABLE.c.attempts == claimed.attempts)
    )
    connection.execute(update(_TABLE).where(ours).values(**values))


def _delivery(row: Row[tuple[object, ...]]) -> Delivery:
    return Delivery(**row._mapping)
