"""A real server to which platforms deliver, and a client of it."""

import json
import sqlite3
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.store import keys
from service.store.database import Database
from service.store.migrate import upgrade
from tests.test_server import OTKLIK, free_port, wait_until_ready
from training.settings import PROJECT

CAPTURES = PROJECT / "data" / "examples" / "deliveries"
TOKEN = "demo-token-0123456789"
APPLICATION_TOKEN = "t0k3n-0123456789abcdef"
SECRET = "demo-secret"
WEBHOOK_SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
CLIENT = "demo-client&demo-secret"

INTAKE = f"""
sources:
  typeform: {{secrets: [the-old-one, {SECRET}]}}
  tally: {{secrets: {SECRET}}}
  delighted: {{secrets: {SECRET}}}
  chatwoot: {{secrets: {SECRET}}}
  surveymonkey: {{secrets: {CLIENT}}}
  formbricks: {{secrets: {WEBHOOK_SECRET}}}
  qualtrics: {{secrets: {SECRET}}}
  qualtrics-workflow: {{adapter: qualtrics, tokens: {TOKEN}}}
  amocrm: {{tokens: {TOKEN}}}
  amocrm-chat: {{adapter: amocrm, secrets: {SECRET}}}
  signed: {{adapter: generic, secrets: {WEBHOOK_SECRET}, tokens: {TOKEN}}}
  bitrix24: {{tokens: {APPLICATION_TOKEN}}}
""" + "".join(
    f"  {name}: {{tokens: {TOKEN}}}\n"
    for name in (
        "anketolog", "generic", "google-forms", "limesurvey", "msforms", "promoter", "sendpulse", "testograf",
        "webask", "yandex-forms",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Request:
    """What is sent."""

    path: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"


@dataclass(frozen=True)
class Server:
    """A running server, and a key to its comments."""

    address: str
    key: str
    store: Path

    def send(self, request: Request) -> tuple[int, Any]:
        """Deliver with curl; the status and the JSON of the answer. Raises: ConnectionError without any."""
        command = ["curl", "-s", "-g", "-X", request.method, f"{self.address}{request.path}"]
        for name, value in request.headers.items():
            command += ["-H", f"{name}: {value}" if value else f"{name};"]
        if request.body:
            command += ["--data-binary", "@-"]
        command += ["-w", "\n%{http_code}"]
        done = subprocess.run(command, input=request.body, capture_output=True)
        content, _, status = done.stdout.rpartition(b"\n")
        if int(status) == 0:
            raise ConnectionError(f"curl ended with {done.returncode}")
        return int(status), _json(content)

    def call(
        self, path: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """The status and the JSON of any answer."""
        asked = urllib.request.Request(f"{self.address}{path}", body, headers or {}, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return answer.status, _json(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, _json(error.read())

    def comments(self, source: str) -> list[dict[str, Any]]:
        """The stored comments of a source."""
        query = urllib.parse.urlencode({"source": source, "limit": 200})
        status, page = self.call(f"/v1/comments?{query}", headers={"Authorization": f"Bearer {self.key}"})
        assert status == 200
        return list(page["comments"])

    def wait_for(self, source: str, external_id: str) -> dict[str, Any]:
        """The comment once it is tagged."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for comment in self.comments(source):
                if comment["external_id"] == external_id and comment["state"] == "tagged":
                    return comment
            time.sleep(0.05)
        raise TimeoutError(f"{source} {external_id} was not tagged")

    def counted(self, source: str, status: str) -> float:
        """How many deliveries /metrics counts."""
        with urllib.request.urlopen(f"{self.address}/metrics") as answer:
            text = answer.read().decode()
        line = f'otklik_intake_deliveries_total{{source="{source}",status="{status}"}} '
        return float(next((one.removeprefix(line) for one in text.splitlines() if one.startswith(line)), 0))

    def rows(self, table: str) -> int:
        """How many rows the table has."""
        with sqlite3.connect(self.store) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def _json(content: bytes) -> Any:
    return json.loads(content) if content else None


@contextmanager
def running(
    models: Path,
    folder: Path,
    connections: Mapping[str, object] | None = None,
    sources: Mapping[str, object] | None = None,
) -> Iterator[tuple[Server, "subprocess.Popen[str]"]]:
    """A server whose store and settings lie in `folder`, and its process.

    `connections` may be on loopback; `sources` stand in intake.yaml in place of those of the same name.
    """
    store = folder / "otklik.db"
    database = Database(f"sqlite:///{store}")
    upgrade(database)
    with database.write() as connection:
        key = keys.create(connection, f"test {time.monotonic_ns()}", "admin")
    database.close()
    intake = {"sources": yaml.safe_load(INTAKE)["sources"] | dict(sources or {})}
    (folder / "intake.yaml").write_text(yaml.safe_dump(intake), encoding="utf-8")
    (folder / "connections.yaml").write_text(json.dumps({"connections": connections or {}}), encoding="utf-8")
    port = free_port()
    command = [*OTKLIK, "serve", "--port", str(port), "--models", str(models)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTKLIK_DATABASE", f"sqlite:///{store}")
        patch.setenv("OTKLIK_INTAKE", str(folder / "intake.yaml"))
        patch.setenv("OTKLIK_CONNECTIONS", str(folder / "connections.yaml"))
        patch.setenv("OTKLIK_PRIVATE_NETWORKS", "127.0.0.0/8" if connections else "")
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, text=True)
    with process:
        try:
            wait_until_ready(f"http://127.0.0.1:{port}")
            yield Server(f"http://127.0.0.1:{port}", key, store), process
        finally:
            process.terminate()
            process.wait(10)


def bearer() -> dict[str, str]:
    """Headers with the token of the sources that do not sign."""
    return {"Authorization": f"Bearer {TOKEN}"}
