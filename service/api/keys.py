"""Who may call what: prediction is open on loopback, all else needs an API key with a scope.

A key comes as `Authorization: Bearer otk_…`, or as the password of Basic authentication where a tool knows
only that.
"""

import base64
import binascii
import time
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from service.api.callers import is_local
from service.api.problems import Problem
from service.store import keys
from service.store.database import Database
from service.store.keys import Key, Scope

_TRUSTED_SECONDS = 5.0
"""How long a key that predicts is trusted without asking the database again."""

_TRUSTED_KEYS = 1_000

_bearer = HTTPBearer(auto_error=False, scheme_name="API key", description="`otklik keys create` makes one")


class Doorkeeper:
    """Checks the keys of one app's callers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._trusted: dict[str, float] = {}

    async def let_in(self, request: Request, scope: Scope) -> Key:
        """The caller's key, if it allows `scope`. Raises: Problem 401 or 403."""
        found = _read_key(request.headers.get("authorization", ""))
        if found is None:
            raise _unauthorized("the call needs an API key: Authorization: Bearer otk_…; otklik keys create")
        key = await run_in_threadpool(self._check, found)
        if key is None or key.revoked_at is not None:
            raise _unauthorized("the API key is not known, or is revoked")
        if not key.allows(scope):
            raise Problem(403, f"the API key has the scope «{key.scope}», the call needs «{scope}»")
        return key

    async def let_predict(self, request: Request) -> None:
        """Let the caller predict: from this machine always, from elsewhere with a key."""
        if is_local(request.scope):
            return
        header = request.headers.get("authorization", "")
        if self._trusted.get(header, 0.0) > time.monotonic():
            return
        await self.let_in(request, "predict")
        if len(self._trusted) >= _TRUSTED_KEYS:
            self._trusted.clear()
        self._trusted[header] = time.monotonic() + _TRUSTED_SECONDS

    def _check(self, key: str) -> Key | None:
        with self._database.read() as connection:
            return keys.check(connection, key)


def get_doorkeeper(request: Request) -> Doorkeeper:
    """The app's doorkeeper."""
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    return doorkeeper


def needs(scope: Scope) -> Callable[[Request], Awaitable[Key]]:
    """A dependency that is the caller's key, for calls that need `scope`."""

    async def let_in(request: Request, _: Annotated[object, Security(_bearer)] = None) -> Key:
        return await get_doorkeeper(request).let_in(request, scope)

    return let_in


Reader = Annotated[Key, Depends(needs("read"))]
Writer = Annotated[Key, Depends(needs("write"))]
Admin = Annotated[Key, Depends(needs("admin"))]


def _read_key(header: str) -> str | None:
    kind, _, value = header.strip().partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None


def _unauthorized(detail: str) -> Problem:
    return Problem(401, detail, headers={"WWW-Authenticate": "Bearer"})
