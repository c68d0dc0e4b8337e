"""Sources that send only ids, end to end: curl, a real server, the platform's API, the table of comments."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.store import schema
from service.store.database import Database
from service.store.migrate import upgrade
from tests.conftest import EXAMPLE
from tests.inbox.senders import forged, signed
from tests.inbox.serving import APPLICATION_TOKEN, Server, running
from tests.outgoing.platforms import FakeBitrix24, FakeQualtrics, FakeSurveyMonkey

ANSWERED = datetime.now(UTC).replace(microsecond=0)


def _survey_monkey() -> FakeSurveyMonkey:
    platform = FakeSurveyMonkey()
    platform.add(880012, ANSWERED, EXAMPLE)
    platform.responses[0]["id"] = "880012"
    return platform


def _bitrix24() -> FakeBitrix24:
    platform = FakeBitrix24(limited=1)  # the first call is put off with QUERY_LIMIT_EXCEEDED
    platform.add(5012, title="Сделка", contactId=9, ufCrm_1720019876="3", ufCrm_1720019877=EXAMPLE)
    return platform


def _qualtrics() -> FakeQualtrics:
    values = {"recordedDate": ANSWERED.isoformat(), "QID1": 3, "QID1_NPS_GROUP": 1, "QID2_TEXT": EXAMPLE}
    return FakeQualtrics(responses=[{"responseId": "R_1", "values": values}])


@dataclass(frozen=True)
class IdsOnly:
    """One such source: its stand-in, how it is called, what is looked through, and the answer's id."""

    open: Callable[[], Any]
    connection: dict[str, Any]
    scope: str
    external_id: str
    fields: dict[str, str] = field(default_factory=dict)
    """What intake.yaml has to say, where only the portal's own names of fields tell what is what."""


SOURCES = {
    "surveymonkey": IdsOnly(_survey_monkey, {"token": "sm-token", "surveys": ["511"]}, "511", "880012"),
    "bitrix24": IdsOnly(
        _bitrix24, {"items": [2]}, "2", "DEAL_5012", {"score": "ufCrm_1720019876", "text": "ufCrm_1720019877"}
    ),
    "qualtrics": IdsOnly(_qualtrics, {"token": "q-token", "surveys": ["SV_1"]}, "SV_1", "R_1"),
}


def _look_was_lately(folder: Path, source: str, scope: str) -> None:
    """The survey was looked through a while ago, and the next look is far: only a delivery brings one."""
    database = Database(f"sqlite:///{folder / 'otklik.db'}")
    upgrade(database)
    before = datetime.now(UTC) - timedelta(hours=1)
    row = {"source": source, "scope": scope, "mark": before, "started_at": before, "not_before": before}
    with database.write() as connection:
        connection.execute(schema.cursors.insert().values(**row, next_at=before + timedelta(days=1)))
    database.close()


def _predicted(server: Server, comment: dict[str, Any]) -> Any:
    asked = {"comments": [{"id": "1", "text": comment["text"], "question": comment["question"]}]}
    headers = {"Content-Type": "application/json"}
    return server.call("/v1/predict", "POST", json.dumps(asked).encode(), headers)[1]["results"][0]["tags"]


def _wait_until_idle(server: Server) -> None:
    deadline = time.monotonic() + 20
    while server.rows("inbox WHERE state = 'waiting'") and time.monotonic() < deadline:
        time.sleep(0.05)


@pytest.mark.parametrize("name", SOURCES)
def test_an_id_becomes_a_tagged_comment(models: Path, tmp_path: Path, open_stand_in, name: str) -> None:
    """What is named is fetched, stored and tagged; its repeat changes nothing, a forged one is refused."""
    source, site = SOURCES[name], open_stand_in()
    site.reply = source.open()
    path = "/rest/1/secret/" if name == "bitrix24" else ""
    connections = {name: {**source.connection, "url": site.url + path}}
    _look_was_lately(tmp_path, name, source.scope)
    sources = {"bitrix24": {"tokens": APPLICATION_TOKEN, "fields": source.fields}}
    with running(models, tmp_path, connections, sources) as (server, _):
        request = signed(name)
        status, problem = server.send(forged(request))
        assert (status, problem["status"], server.rows("inbox")) == (401, 401, 0)

        status, receipt = server.send(request)
        assert (status, receipt["status"]) == (200, "stored")
        comment = server.wait_for(name, source.external_id)
        assert (comment["text"], comment["score"]) == (EXAMPLE, 3)
        assert comment["tags"] == _predicted(server, comment) != []

        calls, before = len(site.seen), server.comments(name)
        assert server.send(request)[1] == {"status": "duplicate", "id": receipt["id"]}
        _wait_until_idle(server)
        time.sleep(2.5)  # longer than the collector rests between looks at its cursors
        assert (server.comments(name), len(site.seen)) == (before, calls)
