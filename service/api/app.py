"""The FastAPI app, a function of its settings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from service.api.docs import add_docs
from service.api.endpoints import router
from service.api.metrics import Metrics
from service.api.predictor import Predictor
from service.api.problems import add_problem_handlers, body_too_large
from service.api.rooms import Rooms
from service.api.short_way import answer_shortly
from service.settings import Settings


class OtklikApp(FastAPI):
    """Counts every answer, and lets the framework's own «too large» be a problem like the others."""

    def openapi(self) -> dict[str, Any]:
        """The description of all endpoints, those of the rooms too."""
        self.state.rooms.open()
        return super().openapi()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        unread = await answer_shortly(self, scope, receive, send)
        if unread is None:
            return
        replaced = False

        async def send_counted(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start":
                self.state.metrics.count_request(_route(scope), message["status"])
                replaced = message["status"] == 413 and _is_plain(message)
                if replaced:
                    problem = body_too_large(self.state.settings.max_body_bytes)
                    await problem.response()(scope, receive, send)
            if not replaced:
                await send(message)

        await super().__call__(scope, unread, send_counted)


def create_app(settings: Settings, loads_first: bool = False) -> FastAPI:
    """An app that loads its model when it starts, and each one that is promoted later.

    Until the first is in, `/readyz` and predictions are 503; with `loads_first` the app begins to listen
    only then, for where other processes answer on the same port meanwhile.
    """
    metrics = Metrics()
    predictor = Predictor(settings, metrics)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        rooms: Rooms = app.state.rooms

        async def open_rooms() -> None:
            await predictor.tried.wait()
            await rooms.run()

        following = asyncio.create_task(predictor.follow())
        working = asyncio.create_task(open_rooms())
        if loads_first:
            await predictor.tried.wait()
        yield
        following.cancel()
        await rooms.close(working)
        predictor.close()

    app = OtklikApp(
        title="Отклик",
        summary="Tags open Russian NPS answers: about what, good or bad, whose, and which KPI",
        version=version("otklik"),
        lifespan=lifespan,
        max_body_size=settings.max_body_bytes,
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.predictor = predictor
    app.state.metrics = metrics
    app.include_router(router)
    add_docs(app)
    add_problem_handlers(app)
    app.state.rooms = Rooms(app)
    return app


def create_from_environment() -> FastAPI:
    """The app of one of several worker processes, which have only the environment in common."""
    return create_app(Settings.from_env(), loads_first=True)


def _route(scope: Scope) -> str:
    """The template of the route that answered, «other» where none did."""
    return str(getattr(scope.get("route"), "path", "other"))


def _is_plain(message: Message) -> bool:
    return any(
        name == b"content-type" and value.startswith(b"text/plain") for name, value in message["headers"]
    )
