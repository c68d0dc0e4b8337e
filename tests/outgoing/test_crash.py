"""A crash loses nothing: what was stored is told, however often the process is killed."""

import random
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from service.clients.addresses import AddressGuard
from service.delivery import webhook_admin
from service.delivery.sender import Manner, Sender
from service.delivery.webhook_admin import Filter
from service.delivery.webhooks import WebhookSender
from service.store import outbox, schema
from service.store.database import Database

KILLS = 4


def _run_and_kill(project: Path, url: str, prefix: str, seconds: float) -> int:
    """Let a worker store and send, and kill it without warning; how many stored comments it told us of."""
    command = [sys.executable, "-m", "tests.outgoing.worker", url, prefix]
    worker = subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    assert worker.stdout.readline() == "0\n"
    time.sleep(seconds)
    worker.kill()
    rest = worker.stdout.read()
    worker.wait()
    worker.stdout.close()
    return 1 + rest.count("\n")


def test_a_killed_process_loses_no_event(
    project: Path, sqlite_template: Path, tmp_path: Path, stand_in, loopback: AddressGuard, taxonomy
):
    """Killed at random moments while it stores and sends, each stored comment is told in the end."""
    chance = random.Random(7)
    path = tmp_path / "otklik.db"
    path.write_bytes(sqlite_template.read_bytes())
    url = f"sqlite:///{path}"
    database = Database(url)
    webhook_admin.add(database, loopback, stand_in.url, Filter())
    acknowledged = sum(
        _run_and_kill(project, url, f"run-{number}", chance.uniform(0.05, 0.4)) for number in range(KILLS)
    )
    with database.read() as connection:
        stored = set(connection.execute(select(schema.comments.c.external_id)).scalars())
        noted = connection.execute(select(func.count()).select_from(schema.deliveries)).scalar()
    assert len(stored) >= acknowledged >= KILLS
    assert noted == len(stored), "each prediction has its place in the outbox, and nothing else has"

    webhooks = WebhookSender.open(loopback, lambda: taxonomy)
    sender = Sender(database, {"webhook": webhooks}, Manner(lease=timedelta(seconds=5), idle=0.02))
    stop = threading.Event()
    thread = threading.Thread(target=sender.run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + 30
    while _pending(database):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    stop.set()
    thread.join()
    webhooks.close()
    database.close()
    told = [seen.json["data"]["external_id"] for seen in stand_in.seen]
    assert set(told) == stored
    assert len({seen.headers["webhook-id"] for seen in stand_in.seen}) == len(stored), (
        "ids tell repeats apart"
    )


def _pending(database: Database) -> int:
    with database.read() as connection:
        return sum(count for (_, state), count in outbox.counts(connection).items() if state != "delivered")
