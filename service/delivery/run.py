"""Puts a sender together, and runs it beside the server."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from service.clients.addresses import AddressGuard
from service.delivery.sender import Manner, Sender
from service.delivery.webhooks import WebhookSender
from service.nlp.artefact import current_version, load_tagger
from service.nlp.taxonomy import Taxonomy
from service.settings import Settings
from service.store.database import Database
from service.store.targets import WEBHOOK


def guard_of(settings: Settings) -> AddressGuard:
    """What this installation may call. Raises: ForbiddenAddressError if the setting names no networks."""
    return AddressGuard.from_text(settings.private_networks.replace(",", " ").split())


def current_taxonomy(models: Path) -> Callable[[], Taxonomy]:
    """Gives the taxonomy of the model in use, read again when another model is."""
    known: dict[str, Taxonomy] = {}

    def taxonomy() -> Taxonomy:
        version = current_version(models)
        if version not in known:
            known[version] = load_tagger(models, version).taxonomy
        return known[version]

    return taxonomy


@contextmanager
def open_sender(settings: Settings, manner: Manner | None = None) -> Iterator[Sender]:
    """A sender for the settings' database."""
    database = Database(settings.database)
    webhooks = WebhookSender.open(guard_of(settings), current_taxonomy(settings.models))
    try:
        yield Sender(database, {WEBHOOK: webhooks}, manner or Manner())
    finally:
        webhooks.close()
        database.close()


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
