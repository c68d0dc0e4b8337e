"""How new each part of a response is, so that deliveries may come in any order, and more than once.

Each part (the comment, the score, an attribute …) is a register of its own, in which the later version stays;
of two of one version, one is chosen by its content. So the outcome depends on what came, not on when.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from service.store import schema
from service.store.comments import IncomingComment

_TABLE = schema.responses
_PARTS = ("text", "score", "question", "respondent", "answered_at")

_Versions = dict[str, list[str]]
"""Version and digest of the content, by the name of the part; an attribute's begins with «.»."""


@dataclass(frozen=True, slots=True)
class VersionedComment:
    """What one delivery says of a response, and how new that is."""

    comment: IncomingComment
    version: datetime


def keep_newest(
    connection: Connection, said: Sequence[VersionedComment]
) -> tuple[list[IncomingComment], set[tuple[str, str]]]:
    """What of `said` is newer than what was said before, each response once; and which are deleted.

    The transaction holds the responses, so that what follows from it is decided once.
    """
    kept: list[IncomingComment] = []
    deleted = set()
    for key in _sorted_keys(said):
        versions, is_deleted = _hold(connection, *key)
        if is_deleted:
            deleted.add(key)
            continue
        before = dict(versions)
        parts: dict[str, Any] = {}
        for one in said:
            if one.comment.key == key:
                _merge(parts, versions, one)
        if versions != before:
            _write(connection, key, versions)
            kept.append(_comment(connection, key, parts))
    return kept, deleted


def hold_all(
    connection: Connection, said: Sequence[VersionedComment], deleted: Iterable[tuple[str, str]]
) -> None:
    """Hold responses until the transaction ends; in one order, so that workers cannot block each other."""
    for key in sorted({*_sorted_keys(said), *deleted}):
        _hold(connection, *key)


def mark_deleted(connection: Connection, source: str, external_id: str) -> None:
    """Let nothing more of a response be kept, whatever is delivered of it."""
    _hold(connection, source, external_id)
    chosen = (_TABLE.c.source == source) & (_TABLE.c.external_id == external_id)
    connection.execute(update(_TABLE).where(chosen).values(is_deleted=True, versions={}))


def _sorted_keys(said: Sequence[VersionedComment]) -> list[tuple[str, str]]:
    return sorted({one.comment.key for one in said})


def _hold(connection: Connection, source: str, external_id: str) -> tuple[_Versions, bool]:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    values = {"source": source, "external_id": external_id, "versions": {}, "is_deleted": False}
    connection.execute(dialect.insert(_TABLE).values(**values).on_conflict_do_nothing())
    chosen = (_TABLE.c.source == source) & (_TABLE.c.external_id == external_id)
    query = select(_TABLE.c.versions, _TABLE.c.is_deleted).where(chosen).with_for_update()
    row = connection.execute(query).one()
    return dict(row.versions), row.is_deleted


def _merge(parts: dict[str, Any], versions: _Versions, said: VersionedComment) -> None:
    comment = said.comment
    given = {name: getattr(comment, name) for name in _PARTS}
    given |= {f".{name}": value for name, value in (comment.attributes or {}).items()}
    version = said.version.astimezone(UTC).isoformat(timespec="microseconds")
    for name, value in given.items():
        if value is None:
            continue
        rank = [version, _digest(value)]
        if rank > versions.get(name, ["", ""]):
            versions[name] = rank
            parts[name] = value


def _digest(value: object) -> str:
    content = orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.sha256(content).hexdigest()[:16]


def _comment(connection: Connection, key: tuple[str, str], parts: dict[str, Any]) -> IncomingComment:
    """What is new of a comment; its attributes beside those that it has."""
    new = {name[1:]: value for name, value in parts.items() if name.startswith(".")}
    table = schema.comments
    chosen = (table.c.source == key[0]) & (table.c.external_id == key[1])
    known = connection.execute(select(table.c.attributes).where(chosen)).scalar() or {}
    said = {name: value for name, value in parts.items() if not name.startswith(".")}
    return IncomingComment(*key, **said, attributes={**known, **new} if new else None)


def _write(connection: Connection, key: tuple[str, str], versions: _Versions) -> None:
    chosen = (_TABLE.c.source == key[0]) & (_TABLE.c.external_id == key[1])
    connection.execute(update(_TABLE).where(chosen).values(versions=versions))
