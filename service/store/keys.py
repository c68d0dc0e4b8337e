"""API keys: only a hash of each is kept, so that who reads the database cannot use them."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import Connection, insert, select, update

from service.store import schema
from service.store.comments import now
from service.store.errors import ConflictError, MissingError

Scope = Literal["predict", "read", "write", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""Each allows what those before it allow."""

_PREFIX = "otk"
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key, without its secret."""

    id: str
    """The part of the key that may be shown."""
    name: str
    scope: Scope
    created_at: datetime
    revoked_at: datetime | None

    def allows(self, scope: Scope) -> bool:
        """Whether the key may be used for calls that need `scope`."""
        return self.revoked_at is None and SCOPES.index(self.scope) >= SCOPES.index(scope)


_COLUMNS = [schema.keys.c[name] for name in ("id", "name", "scope", "created_at", "revoked_at")]


def create(connection: Connection, name: str, scope: Scope) -> str:
    """Make a key; the whole of it, which is never to be had again.

    Raises: ConflictError if a key of this name is in use.
    """
    table = schema.keys
    if connection.execute(
        select(table.c.id).where(table.c.name == name, table.c.revoked_at.is_(None))
    ).first():
        raise ConflictError(f"a key «{name}» is in use; revoke it first, or choose another name")
    key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(_SECRET_BYTES)
    values = {"id": key_id, "name": name, "scope": scope, "hash": _hash(secret), "created_at": now()}
    connection.execute(insert(table).values(**values))
    return f"{_PREFIX}_{key_id}_{secret}"


def check(connection: Connection, key: str) -> Key | None:
    """The key that `key` is the whole of, revoked or not; None if there is none.

    A secret has 256 random bits, so one round of SHA-256 hides it; hashes are compared in constant time.
    """
    prefix, _, rest = key.partition("_")
    key_id, _, secret = rest.partition("_")
    if prefix != _PREFIX or not secret:
        return None
    row = connection.execute(select(schema.keys).where(schema.keys.c.id == key_id)).first()
    if row is None or not hmac.compare_digest(row.hash, _hash(secret)):
        return None
    return Key(row.id, row.name, row.scope, row.created_at, row.revoked_at)


def revoke(connection: Connection, key_id: str) -> None:
    """Let a key be of no use from now on. Raises: MissingError."""
    table = schema.keys
    chosen = (table.c.id == key_id) & table.c.revoked_at.is_(None)
    if not connection.execute(update(table).where(chosen).values(revoked_at=now())).rowcount:
        raise MissingError(f"there is no key «{key_id}» in use; otklik keys list shows them")


def list_all(connection: Connection) -> list[Key]:
    """All keys, the oldest first."""
    return [Key(*row) for row in connection.execute(select(*_COLUMNS).order_by(schema.keys.c.created_at))]


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
