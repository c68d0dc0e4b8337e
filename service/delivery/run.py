"""Puts a sender together, and runs it beside the server."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from service.clients.addresses import AddressGuard
from service.clients.connections import Bitrix24, Connection, ConnectionsError, Formbricks, read_connections
from service.clients.transport import open_client
from service.delivery.sender import Deliverer, Manner, Sender
from service.delivery.webhooks import WebhookSender
from service.delivery.writeback import WRITEBACK, WriteBack, open_writers, takes_tags
from service.intake.installation import Installation, read_installation
from service.nlp.artefact import current_version, load_taxonomy
from service.nlp.taxonomy import Taxonomy
from service.settings import Settings, expand
from service.store import targets
from service.store.database import Database
from service.store.targets import WEBHOOK, NewTarget


def guard_of(settings: Settings) -> AddressGuard:
    """What this installation may call. Raises: ForbiddenAddressError if the setting names no networks."""
    return AddressGuard.from_text(settings.private_networks.replace(",", " ").split())


def current_taxonomy(models: Path) -> Callable[[], Taxonomy]:
    """Gives the taxonomy of the model in use, read when it is first asked for and when the model changes."""
    known: dict[str, Taxonomy] = {}

    def taxonomy() -> Taxonomy:
        version = current_version(models)
        if version not in known:
            version, found = load_taxonomy(models)
            known[version] = found
        return known[version]

    return taxonomy


def check_settings(settings: Settings) -> None:
    """Refuse settings and files with which nothing could be sent or taken in.

    Raises: ForbiddenAddressError, ConnectionsError, InstallationError, SettingsError.
    """
    guard_of(settings)
    connections = read_connections(settings.connections, expand)
    check_fields(connections, read_installation(settings.intake, expand))


@contextmanager
def open_sender(settings: Settings, manner: Manner | None = None) -> Iterator[Sender]:
    """A sender for the settings' database: webhooks, and the platforms that take tags back.

    Raises: ConnectionsError, InstallationError, SettingsError if a file of connections or sources is wrong.
    """
    guard, taxonomy = guard_of(settings), current_taxonomy(settings.models)
    connections = read_connections(settings.connections, expand)
    check_fields(connections, read_installation(settings.intake, expand))
    with ExitStack() as stack:
        database = Database(settings.database)
        stack.callback(database.close)
        webhooks = WebhookSender.open(guard, taxonomy)
        stack.callback(webhooks.close)
        http = stack.enter_context(open_client(guard))
        writers = open_writers(connections, http)
        synchronise_writebacks(database, connections)
        deliverers: dict[str, Deliverer] = {WEBHOOK: webhooks, WRITEBACK: WriteBack(writers, taxonomy)}
        yield Sender(database, deliverers, manner or Manner())


def synchronise_writebacks(database: Database, connections: Mapping[str, Connection]) -> None:
    """Let the outbox note from now on what the platforms of `connections` are to take back, and no others."""
    wanted = [NewTarget(WRITEBACK, name, source=name) for name, one in connections.items() if takes_tags(one)]
    with database.write() as connection:
        targets.synchronise(connection, WRITEBACK, wanted)


def check_fields(connections: Mapping[str, Connection], installation: Installation) -> None:
    """Refuse what could take our own words for the customer's.

    Where tags go into a field beside the answers, that field comes back with them; a guess at which of them
    is the comment could fall on it. So the comment's field must be named.

    Raises: ConnectionsError.
    """
    for name, connection in connections.items():
        source = installation.find(name)
        is_named = source is not None and bool(source.choices.text)
        match connection:
            case Formbricks():
                writes_beside = True
            case Bitrix24(fields=fields, funnel=None):
                writes_beside = bool(fields.tags or fields.departments or fields.kpis)
            case _:
                writes_beside = False
        if writes_beside and not is_named:
            raise ConnectionsError(
                f"connections.{name} writes tags beside the answers; name the field of the comment "
                f"(sources.{name}.fields.text in intake.yaml), so that tags are never read as a comment"
            )


@contextmanager
def sending(settings: Settings) -> Iterator[None]:
    """Send what the outbox holds, in threads, while the block runs; what is under way then is finished."""
    stop = threading.Event()
    with open_sender(settings) as sender:
        thread = threading.Thread(target=sender.run, args=(stop,), name="otklik-sender")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
