"""All that needs the store: its endpoints, the keys of callers, the inbox. See `service.api.rooms`."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import FastAPI

from service.api import cases, comments, intake, label_studio, review, webhooks
from service.api.inbox_worker import InboxWorker
from service.api.keys import Doorkeeper
from service.intake.installation import read_installation
from service.settings import Settings, expand
from service.store import queues
from service.store.database import Database
from service.store.errors import StoreError
from service.store.queues import Queue

_ROOMS = (comments, intake, review, label_studio, webhooks, cases)


@dataclass(frozen=True)
class StoreRooms:
    """What the rooms have beside their routes."""

    database: Database
    doorkeeper: Doorkeeper
    inbox_worker: InboxWorker

    def read_queues(self) -> Sequence[Queue]:
        """What waits in inbox and outbox; nothing where the database is away."""
        try:
            with self.database.read() as connection:
                return queues.all_of(connection)
        except StoreError:
            return ()

    async def close(self, running: "asyncio.Task[None]") -> None:
        """Let the inbox finish the batch in hand, and the database go."""
        await self.inbox_worker.stop(running)
        self.database.close()


def open_rooms(app: FastAPI) -> StoreRooms:
    """Add the routes to `app`, and to its state what they ask for. Raises: OtklikError."""
    settings: Settings = app.state.settings
    database = Database(settings.database)
    installation = read_installation(settings.intake, expand)
    worker = InboxWorker(database, installation, app.state.predictor, settings, app.state.metrics)
    rooms = StoreRooms(database, Doorkeeper(database), worker)
    app.state.database = database
    app.state.doorkeeper = rooms.doorkeeper
    app.state.inbox_worker = worker
    for module in _ROOMS:
        app.include_router(module.router)
    return rooms
