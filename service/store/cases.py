"""Closed deals whose customers are asked, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, Row, insert, select, update

from service.store import schema
from service.store.comments import now

State = Literal["opened", "asked", "satisfied", "passive", "dissatisfied", "no_answer"]
"""`opened`: the NPS deal is still to be made · `asked`: it is there, and has no answer that was seen to."""


@dataclass(frozen=True, slots=True)
class Case:
    """One closed deal; see `schema.cases`."""

    id: int
    source: str
    deal: int
    nps_deal: int | None
    state: State
    score: int | None
    asked_at: datetime
    answered_at: datetime | None
    thanked_at: datetime | None
    """When the portal's process that thanks the customer was started; written before it is."""
    reviewed_at: datetime | None


_TABLE = schema.cases
_COLUMNS = [_TABLE.c[field.name] for field in fields(Case)]


def open_new(connection: Connection, source: str, deals: Sequence[int]) -> int:
    """Open a case for each deal that has none; how many there were."""
    known_query = select(_TABLE.c.deal).where(_TABLE.c.source == source, _TABLE.c.deal.in_(deals))
    known = set(connection.execute(known_query).scalars())
    moment = now()
    rows = [
        {"source": source, "deal": number, "state": "opened", "asked_at": moment}
        for number in deals
        if number not in known
    ]
    if rows:
        connection.execute(insert(_TABLE), rows)
    return len(rows)


def find(connection: Connection, source: str, states: Sequence[State]) -> list[Case]:
    """The cases of a source in these states, the oldest first."""
    query = select(*_COLUMNS).where(_TABLE.c.source == source, _TABLE.c.state.in_(states))
    return [_case(row) for row in connection.execute(query.order_by(_TABLE.c.id))]


def asked_between(connection: Connection, start: datetime, stop: datetime) -> list[Case]:
    """The cases that were asked in a half-open time."""
    query = select(*_COLUMNS).where(_TABLE.c.asked_at >= start, _TABLE.c.asked_at < stop)
    return [_case(row) for row in connection.execute(query.order_by(_TABLE.c.asked_at))]


def ask(connection: Connection, case: Case, nps_deal: int, moment: datetime) -> None:
    """Note the NPS deal by which the customer is asked."""
    _write(connection, case, nps_deal=nps_deal, state="asked", asked_at=moment)


def close(
    connection: Connection, case: Case, state: State, score: int | None = None, moment: datetime | None = None
) -> None:
    """Note what the answer was, or that there is none."""
    _write(connection, case, state=state, score=score, answered_at=moment)


def thank(connection: Connection, case: Case, moment: datetime | None) -> None:
    """Note that the customer is being thanked; None: that it was refused."""
    _write(connection, case, thanked_at=moment)


def review(connection: Connection, case: Case, moment: datetime) -> None:
    """Note that the customer has left a public review."""
    _write(connection, case, reviewed_at=moment)


def _write(connection: Connection, case: Case, **values: object) -> None:
    connection.execute(update(_TABLE).where(_TABLE.c.id == case.id).values(**values))


def _case(row: Row[tuple[object, ...]]) -> Case:
    return Case(**row._mapping)
