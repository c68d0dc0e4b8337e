"""How much waits in the inbox and in the outbox, and for how long: what an operator watches."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, func, select

from service.store import schema


@dataclass(frozen=True, slots=True)
class Queue:
    """One of the two, as far as it is not done with."""

    name: str
    counts: dict[str, int]
    """By state, those with none included."""
    oldest: datetime | None
    """When the first came of those that somebody has still to work off; None where nothing waits."""


def all_of(connection: Connection) -> list[Queue]:
    """The inbox, of which the unreadable wait for a person; the outbox, of which the dead do."""
    return [
        _count(connection, "inbox", schema.inbox, "received_at", "waiting", "unreadable"),
        _count(connection, "outbox", schema.deliveries, "created_at", "pending", "dead"),
    ]


def _count(connection: Connection, name: str, table: Table, since: str, open_state: str, stuck: str) -> Queue:
    query = (
        select(table.c.state, func.count(), func.min(table.c[since]))
        .where(table.c.state.in_((open_state, stuck)))
        .group_by(table.c.state)
    )
    found = {state: (count, first) for state, count, first in connection.execute(query)}
    counts = {state: found.get(state, (0, None))[0] for state in (open_state, stuck)}
    return Queue(name, counts, found.get(open_state, (0, None))[1])
