"""What the README says of intake is so."""

import json
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import yaml
from starlette.testclient import TestClient

from service.api.app import create_app
from service.intake import adapters
from service.settings import Settings
from service.store.database import Database
from tests.inbox.serving import running
from training.settings import PROJECT

README = (PROJECT / "README.md").read_text(encoding="utf-8")
SECTION = re.search(r"## Let survey platforms deliver\n(.*?)\n## ", README, re.DOTALL)
assert SECTION
SHELL = re.findall(r"```sh\n(.*?)```", SECTION[1], re.DOTALL)
JSON = re.findall(r"```json\n(.*?)```", SECTION[1], re.DOTALL)


def test_the_try_example(project: Path) -> None:
    """`otklik intake try` prints what the README shows."""
    words = shlex.split(SHELL[0])
    run = [sys.executable, "-m", "service.cli", *words[1:]]
    done = subprocess.run(run, cwd=project, capture_output=True, text=True, check=True)
    assert done.stdout == JSON[0]


def test_the_curl_example(project: Path, models: Path, sqlite_store: Database) -> None:
    """The delivery of the README gets its answer, and is tagged."""
    address, curl = SHELL[1].splitlines()
    words = shlex.split(curl)
    path = address.removeprefix("address=http://127.0.0.1:8000")
    headers = dict([words[words.index("-H") + 1].split(": ")])
    settings = Settings(
        models=models, database=str(sqlite_store.url), intake=project / "data" / "examples" / "intake.yaml"
    )
    with TestClient(create_app(settings)) as client:
        answer = client.post(path, content=words[words.index("-d") + 1], headers=headers)
        assert (answer.status_code, answer.json()) == (200, json.loads(JSON[1]))
        deadline = time.monotonic() + 30
        while "otklik_intake_processed_total 1.0" not in client.get("/metrics").text:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_the_signed_example(project: Path, models: Path, tmp_path: Path) -> None:
    """The signed delivery of the README is stored, and its last command finds it, tagged."""
    example = yaml.safe_load((project / "data" / "examples" / "intake.yaml").read_text(encoding="utf-8"))
    otklik = f"OTKLIK_DATABASE=sqlite:///{tmp_path / 'otklik.db'} {sys.executable} -m service.cli"
    with running(models, tmp_path, sources=example["sources"]) as (server, _):
        script = SHELL[2].replace(".venv/bin/otklik", otklik).replace("http://127.0.0.1:8000", server.address)
        for name in ("отчёты", "другие"):  # by the second time everything is tagged
            command = ["bash", "-c", script.replace("отчёты", name)]
            done = subprocess.run(command, cwd=project, capture_output=True, check=True)
            server.wait_for("typeform", "a3a1")
        stored, found = done.stdout.decode().split("}", 1)
    assert json.loads(stored + "}") == {"status": "duplicate", "id": 1}
    [comment] = json.loads(found)["comments"]
    assert (comment["external_id"], comment["state"]) == ("a3a1", "tagged")


def test_the_table_of_sources() -> None:
    """Each adapter's line says what it documents and what is to be confirmed, as the adapter says it."""
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| .*? \| (.*?) \| (.*?) \|$", SECTION[1], re.MULTILINE)
    expected = []
    for name in adapters.names():
        adapter = adapters.find(name)
        assert adapter
        expected.append((name, adapter.documented, adapter.unconfirmed))
    assert rows == expected
