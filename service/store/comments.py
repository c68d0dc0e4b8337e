"""Comments: stored under their source and the id they have there, found again, and forgotten on request."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Executable, Row, case, func, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from service.store import schema
from service.store.errors import MissingError

State = Literal["waiting", "tagged", "corrected", "contested", "erased"]
"""`waiting` for its text, `tagged` by a model, `corrected` by people, `contested` among them, `erased`."""


@dataclass(frozen=True, slots=True)
class IncomingComment:
    """What a source says of one answer; None is «not said», so that score and text may come apart."""

    source: str
    external_id: str
    text: str | None = None
    score: int | None = None
    question: str | None = None
    respondent: str | None = None
    answered_at: datetime | None = None
    attributes: dict[str, Any] | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What tells the comment from all others."""
        return self.source, self.external_id


@dataclass(frozen=True, slots=True)
class StoredComment:
    """A comment as it is kept; see `schema.comments`."""

    id: int
    source: str
    external_id: str
    respondent: str | None
    text: str | None
    question: str | None
    score: int | None
    answered_at: datetime | None
    attributes: dict[str, Any] | None
    revision: int
    state: State
    certainty: float | None
    doubt: str | None
    created_at: datetime
    updated_at: datetime


_COLUMNS = [schema.comments.c[field.name] for field in fields(StoredComment)]
_WORDS = ("source", "external_id", "text", "question", "respondent")
_MERGED = ("text", "score", "question", "respondent", "answered_at", "attributes")


def upsert(connection: Connection, incoming: Sequence[IncomingComment]) -> list[StoredComment | None]:
    """Store each comment, over what is known of it already; what is not said stays as it was.

    Of one comment's several rows the later ones win. None stands for a comment whose deletion was asked for:
    it stays deleted, whatever a source sends again.
    """
    merged = merge(incoming)
    erased = _find_erased(connection, [comment.key for comment in merged])
    moment = now()
    rows = [_values(comment, moment) for comment in merged if comment.key not in erased]
    stored: dict[tuple[str, str], StoredComment] = {}
    if rows:
        for row in connection.execute(_upsert_statement(connection), rows):
            stored[row.source, row.external_id] = to_comment(row)
    return [stored.get(_storable(comment).key) for comment in incoming]


def merge(incoming: Sequence[IncomingComment]) -> list[IncomingComment]:
    """Each comment once, as it will be stored; of its several rows the later ones win."""
    merged: dict[tuple[str, str], IncomingComment] = {}
    for comment in map(_storable, incoming):
        key = comment.key
        merged[key] = _merge(merged[key], comment) if key in merged else comment
    return list(merged.values())


def get(connection: Connection, ids: Iterable[int]) -> dict[int, StoredComment]:
    """The comments with these ids that there are, by id."""
    query = select(*_COLUMNS).where(schema.comments.c.id.in_(list(ids)))
    return {row.id: to_comment(row) for row in connection.execute(query)}


def one(connection: Connection, comment_id: int) -> StoredComment:
    """The comment with this id. Raises: MissingError."""
    found = get(connection, [comment_id])
    if not found:
        raise MissingError(f"there is no comment {comment_id}")
    return found[comment_id]


def get_by_keys(
    connection: Connection, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], StoredComment]:
    """The comments of these (source, external id) that there are, by them."""
    table = schema.comments
    query = select(*_COLUMNS).where(tuple_(table.c.source, table.c.external_id).in_(list(keys)))
    return {(row.source, row.external_id): to_comment(row) for row in connection.execute(query)}


def lock(connection: Connection, ids: Iterable[int]) -> dict[int, StoredComment]:
    """As `get`, the comments held until the transaction ends: what follows from them is decided once."""
    query = select(*_COLUMNS).where(schema.comments.c.id.in_(list(ids)))
    ordered = query.order_by(schema.comments.c.id).with_for_update()  # in one order: no two wait crosswise
    return {row.id: to_comment(row) for row in connection.execute(ordered)}


def set_state(connection: Connection, comment_ids: Sequence[int], state: State) -> None:
    """Write the state of comments."""
    table = schema.comments
    connection.execute(update(table).where(table.c.id.in_(comment_ids)).values(state=state))


def erase(connection: Connection, comment_ids: Sequence[int]) -> None:
    """Empty comments, and the reasons of their corrections, of all words and of who said them.

    Score, time, tags and where the evidence stood stay, so that figures do. What stands in a comment's place
    keeps a source's later copy of it from coming back.
    """
    table = schema.comments
    chosen = table.c.id.in_(comment_ids)
    for row in connection.execute(
        select(table.c.id, table.c.source, table.c.external_id).where(chosen)
    ).all():
        values: dict[str, Any] = dict.fromkeys(("text", "question", "respondent", "attributes"))
        values |= {"external_id": _tombstone(row.source, row.external_id), "state": "erased"}
        connection.execute(update(table).where(table.c.id == row.id).values(**values, updated_at=now()))
    table = schema.corrections
    connection.execute(update(table).where(table.c.comment_id.in_(comment_ids)).values(reason=None))


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def _tombstone(source: str, external_id: str) -> str:
    return "erased:" + hashlib.sha256(f"{source}\n{external_id}".encode()).hexdigest()


def _find_erased(connection: Connection, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    by_tombstone = {_tombstone(*key): key for key in keys}
    column = schema.comments.c.external_id
    found = connection.execute(select(column).where(column.in_(list(by_tombstone)))).scalars()
    return {by_tombstone[tombstone] for tombstone in found}


def _storable(comment: IncomingComment) -> IncomingComment:
    """Blank text is none yet; a NUL, which PostgreSQL cannot keep, becomes a mark of the same length."""
    given: dict[str, Any] = {}
    for name in _WORDS:
        value = getattr(comment, name)
        if value is not None and "\0" in value:
            given[name] = _kept(value)
    if comment.text is not None and not comment.text.strip():
        given["text"] = None
    if comment.attributes is not None:
        given["attributes"] = {
            _kept(name): _kept(value) if isinstance(value, str) else value
            for name, value in comment.attributes.items()
        }
    return replace(comment, **given) if given else comment


def _kept(text: str) -> str:
    return text.replace("\0", "\ufffd")


def _merge(old: IncomingComment, new: IncomingComment) -> IncomingComment:
    later = {name: getattr(new, name) for name in _MERGED if getattr(new, name) is not None}
    earlier = {name: getattr(old, name) for name in _MERGED}
    return IncomingComment(old.source, old.external_id, **(earlier | later))


def _values(comment: IncomingComment, moment: datetime) -> dict[str, Any]:
    values = {field.name: getattr(comment, field.name) for field in fields(IncomingComment)}
    state = "waiting" if comment.text is None else "tagged"
    return values | {"revision": 1, "state": state, "created_at": moment, "updated_at": moment}


def _upsert_statement(connection: Connection) -> Executable:
    table = schema.comments
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    new = statement.excluded
    changed = new.text.is_not(None) & new.text.is_distinct_from(table.c.text)
    values: dict[str, ColumnElement[Any]] = {
        "revision": case((changed, table.c.revision + 1), else_=table.c.revision),
        "state": case((changed, "tagged"), else_=table.c.state),
        "updated_at": new.updated_at,
    }
    values |= {name: func.coalesce(new[name], table.c[name]) for name in _MERGED}
    upserted = statement.on_conflict_do_update(index_elements=["source", "external_id"], set_=values)
    returning: Executable = upserted.returning(*_COLUMNS)
    return returning


def to_comment(row: Row[Any]) -> StoredComment:
    return StoredComment(**row._mapping)
