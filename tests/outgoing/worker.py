"""A process that stores comments and sends what its outbox holds, until it is killed.

Usage: python -m tests.outgoing.worker DATABASE PREFIX
"""

import itertools
import sys
import threading
from datetime import timedelta

from service.clients.addresses import AddressGuard
from service.delivery.sender import Manner, Sender
from service.delivery.webhooks import WebhookSender
from service.nlp.taxonomy_file import read_taxonomy
from service.store.database import Database
from tests.outgoing.tagged import keep
from training.settings import PROJECT


def main(url: str, prefix: str) -> None:
    """Run for ever."""
    taxonomy = read_taxonomy(PROJECT / "data" / "taxonomy.yaml")
    webhooks = WebhookSender.open(AddressGuard.from_text(["127.0.0.0/8"]), lambda: taxonomy)
    sender = Sender(
        Database(url), {"webhook": webhooks}, Manner(at_once=2, lease=timedelta(seconds=1), idle=0.01)
    )
    threading.Thread(target=sender.run, args=(threading.Event(),)).start()
    database = Database(url)
    for number in itertools.count():
        keep(database, taxonomy, f"{prefix}-{number}")
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
