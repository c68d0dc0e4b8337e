"""From a deal that closes to the head's task, with a real model, through the files that users write."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from standardwebhooks import Webhook
from starlette.testclient import TestClient

from service.api.app import create_app
from service.cases.run import open_funnels
from service.collect.run import open_collector
from service.delivery import webhook_admin
from service.delivery.run import guard_of, open_sender
from service.delivery.webhook_admin import Filter
from service.settings import Settings
from service.store import inbox
from service.store.database import Database
from tests.conftest import EXAMPLE
from tests.outgoing.platforms import FakeBitrix24
from tests.outgoing.test_funnel import FUNNEL

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TOKEN = "t0k3n-0123456789abcdef"
EVENT = f"event=ONCRMDEALUPDATE&data[FIELDS][ID]=102&ts=1788253200&auth[application_token]={TOKEN}"


def _write_files(folder: Path, url: str) -> tuple[Path, Path]:
    connections, intake = folder / "connections.yaml", folder / "intake.yaml"
    bitrix24 = {"url": f"{url}/rest/1/secret/", "fields": {"tags": "ufCrmTags"}, "funnel": FUNNEL}
    connections.write_text(yaml.safe_dump({"connections": {"bitrix24": bitrix24}}), encoding="utf-8")
    intake.write_text(f"sources: {{bitrix24: {{tokens: {TOKEN}}}}}", encoding="utf-8")
    return connections, intake


def _wait_until_worked_off(database: Database) -> None:
    deadline = time.monotonic() + 60
    while True:
        with database.read() as connection:
            if not inbox.count_waiting(connection):
                return
        assert time.monotonic() < deadline, "the inbox is not worked off"
        time.sleep(0.05)


def test_a_closed_deal_comes_back_as_tags_a_webhook_and_a_task(
    sqlite_store: Database, models: Path, tmp_path: Path, open_stand_in
):
    """The portal tells of an id; the answer is fetched, tagged, written back, told, and given to the head."""
    site, receiver = open_stand_in(), open_stand_in()
    site.reply = portal = FakeBitrix24()
    connections, intake = _write_files(tmp_path, site.url)
    settings = Settings(
        models=models, database=str(sqlite_store.url), connections=connections, intake=intake,
        private_networks="127.0.0.0/8",
    )  # fmt: skip
    hook = webhook_admin.add(sqlite_store, guard_of(settings), receiver.url, Filter())

    with (
        open_funnels(settings) as [funnel],
        open_collector(settings) as collector,
        open_sender(settings) as sender,
    ):
        funnel.run()
        moment = datetime.now(UTC).isoformat(timespec="seconds")
        portal.add(101, title="Станок", categoryId=0, stageId="WON", movedTime=moment, contactId=9)
        assert funnel.run().asked == 1
        assert collector.collect_due() == 0
        later = datetime.now(UTC) + timedelta(seconds=2)
        portal.items[102].update(ufCrmScore="3", ufCrmWhy=EXAMPLE, updatedTime=later.isoformat())
        with TestClient(create_app(settings)) as client:
            delivered = client.post("/v1/intake/bitrix24", content=EVENT, headers=FORM)
            assert delivered.json()["status"] == "stored"
            _wait_until_worked_off(sqlite_store)
        soon = replace(collector, clock=lambda: datetime.now(UTC) + timedelta(seconds=10))
        assert soon.collect_due() == 1
        assert sender.drain() == 2
        assert funnel.run().answered == 1

    assert "Сроки и логистика: проблема" in portal.items[102]["ufCrmTags"]
    event = Webhook(hook.secret or "").verify(receiver.seen[0].body, receiver.seen[0].headers)
    assert event["data"]["external_id"] == "DEAL_102"
    assert [task["RESPONSIBLE_ID"] for task in portal.tasks] == [17]
    assert "Задержали поставку на две недели" in portal.tasks[0]["DESCRIPTION"]
