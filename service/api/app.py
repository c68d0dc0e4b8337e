"""The FastAPI app, a function of its settings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from service.api import cases, comments, intake, label_studio, review, webhooks
from service.api.docs import add_docs
from service.api.endpoints import router
from service.api.inbox_worker import InboxWorker
from service.api.keys import Doorkeeper
from service.api.metrics import Metrics
from service.api.predictor import Predictor
from service.api.problems import add_problem_handlers, body_too_large
from service.intake.installation import read_installation
from service.settings import Settings, expand
from service.store.database import Database


class OtklikApp(FastAPI):
    """Counts every answer, and lets the framework's own «too large» be a problem like the others."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
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

        await super().__call__(scope, receive, send_counted)


def create_app(settings: Settings, loads_first: bool = False) -> FastAPI:
    """An app that loads its model when it starts, and each one that is promoted later.

    Until the first is in, `/readyz` and predictions are 503; with `loads_first` the app begins to listen
    only then, for where other processes answer on the same port meanwhile.
    """
    metrics = Metrics()
    predictor = Predictor(settings, metrics)
    database = Database(settings.database)
    installation = read_installation(settings.intake, expand)
    inbox_worker = InboxWorker(database, installation, predictor, settings, metrics)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        following = asyncio.create_task(predictor.follow())
        working = asyncio.create_task(inbox_worker.run())
        if loads_first:
            await predictor.tried.wait()
        yield
        following.cancel()
        await inbox_worker.stop(working)
        predictor.close()
        database.close()

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
    app.state.database = database
    app.state.inbox_worker = inbox_worker
    app.state.doorkeeper = Doorkeeper(database)
    app.include_router(router)
    for module in (comments, intake, review, label_studio, webhooks, cases):
        app.include_router(module.router)
    add_docs(app)
    add_problem_handlers(app)
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
