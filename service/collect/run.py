"""Puts a collector together, and runs it beside the server."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx2
from sqlalchemy import Connection as Transaction

from service.clients.bitrix24 import DEAL
from service.clients.connections import Bitrix24, Connection, read_connections
from service.clients.factory import open_feed
from service.clients.transport import open_client
from service.collect.collector import Collected, Collector
from service.delivery.run import guard_of, synchronise_writebacks
from service.inbox.process import keep_answers
from service.intake import adapters
from service.intake.events import Answer
from service.intake.installation import Installation, read_installation
from service.intake.mapping import Choices
from service.nlp.artefact import current_version, load_tagger
from service.nlp.tagger import Tagger
from service.settings import Settings, expand
from service.store.database import Database


def current_tagger(models: Path) -> Callable[[], Tagger]:
    """Gives the model in use, loaded when it is first asked for and when the model changes."""
    known: list[Tagger] = []

    def tagger() -> Tagger:
        version = current_version(models)
        if not known or known[0].version != version:
            known[:] = [load_tagger(models, version)]
        return known[0]

    return tagger


@contextmanager
def open_collector(settings: Settings) -> Iterator[Collector]:
    """A collector of every connection that has something to be fetched.

    Raises: ConnectionsError, InstallationError, SettingsError if a file of connections or sources is wrong.
    """
    connections = read_connections(settings.connections, expand)
    installation = read_installation(settings.intake, expand)
    tagger = current_tagger(settings.models)

    def keep(transaction: Transaction, source: str, answers: list[Answer]) -> None:
        keep_answers(transaction, source, answers, tagger())

    with ExitStack() as stack:
        database = Database(settings.database)
        stack.callback(database.close)
        synchronise_writebacks(database, connections)
        http = stack.enter_context(open_client(guard_of(settings)))
        yield Collector(database, open_sources(connections, installation, http), keep)


def open_sources(
    connections: Mapping[str, Connection], installation: Installation, http: httpx2.Client
) -> dict[str, Collected]:
    """What is to be collected, by name; deliveries and what is fetched are read alike."""
    found = {}
    for name, connection in connections.items():
        configured = installation.find(name)
        choices = configured.choices if configured else Choices()
        if isinstance(connection, Bitrix24) and connection.funnel:
            connection, choices = _with_funnel(connection, choices)
        feed = open_feed(connection, http)
        adapter = adapters.find(connection.platform)
        if feed is not None and adapter is not None:
            found[name] = Collected(feed, adapter, choices)
    return found


def _with_funnel(connection: Bitrix24, choices: Choices) -> tuple[Bitrix24, Choices]:
    """The funnel names the fields of its answers, and the deals too where no other items are named."""
    funnel = connection.funnel
    assert funnel is not None
    named = replace(choices, score=choices.score or funnel.score, text=choices.text or funnel.comment)
    if connection.items:
        return connection, named
    where = {"categoryId": funnel.nps.category, f"!{funnel.score}": "", **connection.where}
    return connection.model_copy(update={"items": (DEAL,), "where": where}), named


@contextmanager
def collecting(settings: Settings) -> Iterator[None]:
    """Collect in a thread while the block runs; the page that is under way then is finished."""
    stop = threading.Event()
    with open_collector(settings) as collector:
        thread = threading.Thread(target=collector.run, args=(stop,), name="otklik-collector")
        if collector.sources:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            if collector.sources:
                thread.join()
