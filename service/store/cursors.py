"""Until when each platform has been looked through, and when it is to be looked through again."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Row, insert, or_, select, tuple_, update

from service.store import schema
from service.store.comments import now


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far one scope of one source has been read; see `schema.cursors`."""

    source: str
    scope: str
    mark: datetime | None
    """All that changed before is stored; None: nothing was read yet."""
    started_at: datetime | None
    next_at: datetime
    not_before: datetime
    woken_at: datetime | None
    error: str | None


_TABLE = schema.cursors
_COLUMNS = [_TABLE.c[field.name] for field in fields(Cursor)]


def ensure(connection: Connection, source: str, scopes: Iterable[str]) -> None:
    """Let there be a cursor for each scope."""
    known = set(connection.execute(select(_TABLE.c.scope).where(_TABLE.c.source == source)).scalars())
    moment = now()
    rows = [
        {"source": source, "scope": scope, "next_at": moment, "not_before": moment}
        for scope in dict.fromkeys(scopes)
        if scope not in known
    ]
    if rows:
        connection.execute(insert(_TABLE), rows)


def wake(connection: Connection, source: str, scope: str) -> None:
    """Let a scope be looked through soon, for something in it has changed."""
    ensure(connection, source, [scope])
    connection.execute(update(_TABLE).where(_is(source, scope)).values(woken_at=now()))


def all_of(connection: Connection) -> list[Cursor]:
    """Every cursor."""
    query = select(*_COLUMNS).order_by(_TABLE.c.source, _TABLE.c.scope)
    return [_cursor(row) for row in connection.execute(query)]


def claim(
    connection: Connection, scopes: Iterable[tuple[str, str]], moment: datetime, lease: timedelta
) -> Cursor | None:
    """Take one of these (source, scope) that is due; nobody else gets it within `lease`."""
    woken = _TABLE.c.woken_at.is_not(None) & or_(
        _TABLE.c.started_at.is_(None), _TABLE.c.woken_at > _TABLE.c.started_at
    )
    due = (
        select(*_COLUMNS)
        .where(
            tuple_(_TABLE.c.source, _TABLE.c.scope).in_(list(scopes)),
            _TABLE.c.not_before <= moment,
            or_(_TABLE.c.next_at <= moment, woken),
        )
        .order_by(_TABLE.c.next_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = connection.execute(due).first()
    if row is None:
        return None
    cursor = _cursor(row)
    _write(connection, cursor, started_at=moment, not_before=moment + lease)
    return cursor


def advance(connection: Connection, cursor: Cursor, mark: datetime | None, lease_until: datetime) -> None:
    """Note that everything until `mark` is stored, in the transaction that stores it, and keep the lease."""
    values: dict[str, object] = {"not_before": lease_until}
    if mark is not None:
        values["mark"] = mark
    _write(connection, cursor, **values)


def release(
    connection: Connection, cursor: Cursor, next_at: datetime, not_before: datetime, error: str | None = None
) -> None:
    """End a look: when the next one is due, when it may be at the earliest, and what went wrong."""
    _write(connection, cursor, next_at=next_at, not_before=not_before, error=error)


def _write(connection: Connection, cursor: Cursor, **values: object) -> None:
    connection.execute(update(_TABLE).where(_is(cursor.source, cursor.scope)).values(**values))


def _is(source: str, scope: str) -> ColumnElement[bool]:
    return (_TABLE.c.source == source) & (_TABLE.c.scope == scope)


def _cursor(row: Row[tuple[object, ...]]) -> Cursor:
    return Cursor(**row._mapping)
