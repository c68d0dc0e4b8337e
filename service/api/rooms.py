"""The rooms of the app that need the store: opened once predictions are possible.

Importing the store, and all endpoints that stand on it, takes longer than the rest of the start together.
So the app begins without them, and opens them beside the first predictions; a call that wants one of them
earlier opens them itself, and waits that long.
"""

import asyncio
import threading
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from starlette.types import Receive, Scope, Send

if TYPE_CHECKING:
    from service.api.store_rooms import StoreRooms


class Rooms:
    """Those of one app."""

    def __init__(self, app: FastAPI) -> None:
        self.opened = threading.Event()
        """Set once they are open, or it is known that they cannot be."""
        self._app = app
        self._found: StoreRooms | None = None
        self._lock = threading.Lock()
        self._not_found = app.router.default
        app.router.default = self._open_and_look_again

    def open(self) -> "StoreRooms":
        """Add their routes to the app, if they are not there yet. Raises: OtklikError."""
        with self._lock:
            if self._found is None:
                from service.api.store_rooms import open_rooms

                self._found = open_rooms(self._app)
            return self._found

    async def let_predict(self, request: Request) -> None:
        """Let a caller from elsewhere predict, if it has a key. Raises: Problem 401 or 403."""
        found = self._found
        if found is None:
            found = await asyncio.to_thread(self.open)
        await found.doorkeeper.let_predict(request)

    async def run(self) -> None:
        """Open them, and work off what comes in there, until cancelled."""
        try:
            found = await asyncio.to_thread(self.open)
        finally:
            self.opened.set()
        await found.inbox_worker.run()

    async def close(self, running: "asyncio.Task[None]") -> None:
        """End the task of `run`, with what is in hand."""
        if self._found is None:
            running.cancel()
            return
        await self._found.close(running)

    async def _open_and_look_again(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Where no route answers: it may be one of theirs."""
        await asyncio.to_thread(self.open)
        self._app.router.default = self._not_found
        await self._app.router.app(scope, receive, send)
