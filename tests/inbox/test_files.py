"""Exports of every system go the way of deliveries."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from sqlalchemy import select

from service.inbox.files import take_file
from service.inbox.process import Worker
from service.inbox.receive import receive
from service.intake.deliveries import Delivery
from service.intake.installation import Installation
from service.intake.layout import ReadOptions
from service.nlp.tagger import Tagger
from service.settings import Settings
from service.store import comments, schema
from service.store.database import Database
from tests.intake.exports import EXPORTS

ANNOTATORS = ("argilla", "doccano", "label_studio", "excel")
TOKEN = "demo-token-0123456789"


def _stored(database: Database) -> dict[str, comments.StoredComment]:
    with database.read() as connection:
        ids = connection.execute(select(schema.comments.c.id)).scalars()
        return {one.external_id: one for one in comments.get(connection, ids).values()}


@pytest.mark.parametrize("name", [name for name in EXPORTS if name not in ANNOTATORS])
def test_exports_of_every_source(name: str, sqlite_store: Database, tagger: Tagger, tmp_path: Path) -> None:
    """An export is read by the profile of its source, stored and tagged; taken again, it changes nothing."""
    export = EXPORTS[name]
    path = tmp_path / export.name
    path.write_bytes(export.make())
    source = Installation().find(name.replace("_", "-"))
    assert source
    for _ in range(2):
        summary = take_file(sqlite_store, tagger, source, path, ReadOptions(), Settings())
        assert summary.rejected == []
        found = _stored(sqlite_store)
        assert len(found) == summary.answers > 0
        first = found.get(export.id) or next(iter(found.values()))  # exports of Google Forms have no ids
        assert (first.text, first.score) == (export.comment, export.score)
        assert {one.state for one in found.values()} <= {"tagged", "waiting"}
        assert {one.revision for one in found.values()} == {1}


def test_file_and_webhook_meet(sqlite_store: Database, tagger: Tagger, tmp_path: Path) -> None:
    """A webhook and a file that speak of the same response make one comment, in its newer words."""
    source = Installation().find("testograf")
    assert source
    document = {
        "Номер ответа": "1",
        "Дата ответа": "02.09.2026 12:00",
        "1. Почему?": "Новые слова о задержке",
    }
    delivery = Delivery("POST", {"x-api-key": TOKEN}, "", orjson.dumps(document))
    trusted = replace(source, tokens=(TOKEN,))
    receive(sqlite_store, trusted, delivery, 2**21)
    Worker(sqlite_store, Installation({"testograf": trusted}), tagger, Settings()).process_waiting()
    path = tmp_path / "a.csv"
    path.write_text(
        "Номер ответа;Дата ответа;Оценка;Почему?\n1;01.09.2026 12:00;3;Старые слова\n"
        "2;01.09.2026 12:00;11;Дорого\n"
        "3;01.09.2026 12:00;;\n",
        encoding="utf-8-sig",
    )
    summary = take_file(sqlite_store, tagger, source, path, ReadOptions(), Settings())
    found = _stored(sqlite_store)
    assert {key: (one.text, one.score) for key, one in found.items()} == {"1": ("Новые слова о задержке", 3)}
    assert "row 3: found the score «11», expected 0 to 10" in str(summary)
    assert "1 rows have neither a score nor a comment" in str(summary)


def test_the_command(
    project: Path, models: Path, sqlite_store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`otklik intake file` takes the shipped export and tells what it found."""
    monkeypatch.setenv("OTKLIK_DATABASE", str(sqlite_store.url))
    command = [sys.executable, "-m", "service.cli", "intake", "file", "data/examples/answers.csv"]
    command += ["--source", "testograf", "--models", str(models)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    assert "comments in «Почему вы поставили такую оценку?»" in done.stderr
    assert "200 answers taken as «testograf»" in done.stderr
    assert len(_stored(sqlite_store)) == 200
