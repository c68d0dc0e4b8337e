"""kill -9 while batches are being stored, on the real server: no half state, no answered batch lost."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

from sqlalchemy import func, select

from service.store import keys, schema
from service.store.database import Database
from tests.conftest import EXAMPLE

BATCH = 150
OTKLIK = [sys.executable, "-m", "service.cli"]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _post_until_it_dies(address: str, key: str, first: int) -> list[int]:
    """Store batches one after the other; the numbers of those that were answered with success."""
    answered = []
    for number in range(first, first + 1_000):
        rows = [{"external_id": f"{number}-{i}", "text": f"{EXAMPLE} {number}-{i}"} for i in range(BATCH)]
        request = urllib.request.Request(
            f"{address}/v1/comments",
            json.dumps({"source": "crm", "comments": rows}).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
        )
        try:
            with urllib.request.urlopen(request):
                answered.append(number)
        except (urllib.error.URLError, OSError):
            return answered
    return answered


def _serve_and_kill(database: Database, models: Path, key: str, seconds: float, first: int) -> list[int]:
    """Serve, store batches, kill -9 after `seconds` of them; the batches that were answered."""
    port = _free_port()
    command = [*OTKLIK, "serve", "--port", str(port), "--models", str(models)]
    environment = os.environ | {"OTKLIK_DATABASE": database.url.render_as_string(hide_password=False)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{address}/readyz"):
                    break
            except OSError:
                time.sleep(0.05)
        killer = threading.Timer(seconds, process.send_signal, [signal.SIGKILL])
        killer.start()
        answered = _post_until_it_dies(address, key, first)
        killer.join()
    return answered


def test_kill_9_during_stored_batches(database: Database, models: Path) -> None:
    """Each batch is there whole or not at all, with its predictions and tags; answered ones are there."""
    with database.write() as connection:
        key = keys.create(connection, "test", "write")
    answered = _serve_and_kill(database, models, key, 0.7, 0)
    again = _serve_and_kill(database, models, key, 0.4, 1_000)
    with database.read() as connection:
        ids = connection.execute(select(schema.comments.c.external_id)).scalars()
        stored = Counter(int(name.split("-")[0]) for name in ids)
        counts = [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (schema.comments, schema.predictions)
        ]
        tagged = connection.execute(select(func.count(schema.tags.c.comment_id.distinct()))).scalar_one()
    assert set(stored.values()) <= {BATCH}
    assert {*answered, *again} <= set(stored)
    assert counts == [BATCH * len(stored)] * 2
    assert tagged == counts[0]
