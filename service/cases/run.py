"""Runs the funnels of all portals that have one."""

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from service.cases.funnel import FunnelRunner
from service.clients.bitrix24 import Bitrix24Api
from service.clients.connections import Bitrix24, read_connections
from service.clients.errors import ClientError
from service.clients.transport import open_client
from service.delivery.run import current_taxonomy, guard_of
from service.settings import Settings, expand
from service.store.database import Database
from service.store.errors import StoreError

_log = logging.getLogger(__name__)

EVERY_SECONDS = 60.0


@contextmanager
def open_funnels(settings: Settings) -> Iterator[list[FunnelRunner]]:
    """The funnels of the connections.

    Raises: ConnectionsError, SettingsError if the file of connections is wrong.
    """
    connections = read_connections(settings.connections, expand)
    taxonomy = current_taxonomy(settings.models)
    with ExitStack() as stack:
        database = Database(settings.database)
        stack.callback(database.close)
        http = stack.enter_context(open_client(guard_of(settings)))
        yield [
            FunnelRunner(database, name, Bitrix24Api.open(connection, http), connection.funnel, taxonomy)
            for name, connection in connections.items()
            if isinstance(connection, Bitrix24) and connection.funnel
        ]


@contextmanager
def running_funnels(settings: Settings) -> Iterator[None]:
    """Run the funnels once a minute, in a thread, while the block runs."""
    stop = threading.Event()
    with open_funnels(settings) as funnels:
        thread = threading.Thread(target=_run, args=(funnels, stop), name="otklik-funnels")
        if funnels:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            if funnels:
                thread.join()


def _run(funnels: list[FunnelRunner], stop: threading.Event) -> None:
    while not stop.is_set():
        for funnel in funnels:
            try:
                funnel.run()
            except (ClientError, StoreError) as error:
                _log.warning("the funnel of %s has to wait: %s", funnel.source, error)
            except Exception:
                _log.exception("the funnel of %s failed in a way that was not foreseen", funnel.source)
        stop.wait(EVERY_SECONDS)
