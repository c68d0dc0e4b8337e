"""Webhooks and the funnel's figures over HTTP: managed with an admin's key, and with no other."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from service.settings import Settings
from service.store import cases, keys, outbox, schema
from service.store.database import Database
from tests.outgoing.tagged import keep

FAR = ("203.0.113.7", 40_000)


@pytest.fixture
def store(sqlite_store: Database) -> Database:
    """A store that a real sender and the API share."""
    return sqlite_store


@pytest.fixture
def client(store: Database, tmp_path: Path) -> Iterator[TestClient]:
    """An administrator's client; these calls need no model."""
    settings = Settings(
        models=tmp_path / "none", database=str(store.url), private_networks="127.0.0.0/8, 10.1.0.0/16"
    )
    with TestClient(create_app(settings), raise_server_exceptions=False, client=FAR) as client:
        with store.write() as connection:
            key = keys.create(connection, "Анна", "admin")
        client.headers["Authorization"] = f"Bearer {key}"
        yield client


def test_a_webhook_from_its_birth_to_its_end(client: TestClient, stand_in):
    """Added, listed without its secret, tried, rotated, switched off and on, removed."""
    added = client.post("/v1/webhooks", json={"url": f"{stand_in.url}/hook", "source": "crm"})
    assert added.status_code == 201
    webhook = added.json()
    assert webhook["secret"].startswith("whsec_")
    place = f"/v1/webhooks/{webhook['id']}"
    [listed] = client.get("/v1/webhooks").json()["webhooks"]
    assert "secret" not in listed
    assert (listed["url"], listed["source"], listed["is_on"]) == (f"{stand_in.url}/hook", "crm", True)
    assert client.post(f"{place}/test").json() == {"delivered": True, "status": 200, "error": None}
    assert stand_in.seen[0].json["type"] == "webhook.test"
    assert client.post(f"{place}/rotate").json()["secret"] != webhook["secret"]
    off = client.patch(place, json={"is_on": False}).json()
    assert (off["is_on"], off["reason"]) == (False, "switched off by hand")
    assert client.patch(place, json={"is_on": True}).json()["reason"] is None
    assert client.delete(place).status_code == 204
    assert client.get("/v1/webhooks").json() == {"webhooks": []}


def test_what_was_given_up_is_listed_and_sent_again(client: TestClient, store: Database, stand_in, taxonomy):
    """Dead letters say why, page by page, and are replayed one by one or all."""
    client.post("/v1/webhooks", json={"url": stand_in.url})
    keep(store, taxonomy, "r-1", "r-2")
    with store.write() as connection:
        outbox.bury(connection, 1, "the endpoint answered 500")
    page = client.get("/v1/webhooks/dead").json()
    assert [one["error"] for one in page["deliveries"]] == ["the endpoint answered 500"] * 2
    assert client.get("/v1/webhooks/dead", params={"after": page["next"]}).json()["deliveries"] == []
    first = page["deliveries"][0]["id"]
    assert client.post("/v1/webhooks/replay", json={"ids": [first]}).json() == {"replayed": 1}
    assert client.post("/v1/webhooks/replay", json={}).json() == {"replayed": 1}


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://user:secret@example.ru/", "password"),
        ("ftp://example.ru/", "expected a URL such as"),
        ("ничего", "expected a URL such as"),
    ],
)
def test_a_url_that_cannot_be_called_is_refused(client: TestClient, url: str, found: str):
    """422 says what was expected, without repeating a password."""
    answer = client.post("/v1/webhooks", json={"url": url})
    assert answer.status_code == 422
    assert found in answer.json()["detail"]
    assert "secret" not in answer.text


def test_the_same_url_twice_is_a_conflict(client: TestClient, stand_in):
    """409, naming the webhook that is there."""
    assert client.post("/v1/webhooks", json={"url": stand_in.url}).status_code == 201
    again = client.post("/v1/webhooks", json={"url": stand_in.url})
    assert again.status_code == 409
    assert "target 1 already" in again.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/webhooks"), ("POST", "/v1/webhooks"), ("GET", "/v1/webhooks/dead"),
        ("POST", "/v1/webhooks/replay"), ("PATCH", "/v1/webhooks/1"), ("DELETE", "/v1/webhooks/1"),
        ("POST", "/v1/webhooks/1/rotate"), ("POST", "/v1/webhooks/1/test"),
    ],
)  # fmt: skip
def test_only_an_admin_manages_webhooks(client: TestClient, store: Database, method: str, path: str):
    """Without a key 401, with a writer's 403, and a webhook that is not there is 404."""
    admin = client.headers["Authorization"]
    del client.headers["Authorization"]
    assert client.request(method, path).status_code == 401
    with store.write() as connection:
        key = keys.create(connection, "Борис", "write")
    assert client.request(method, path, headers={"Authorization": f"Bearer {key}"}).status_code == 403
    if path.startswith("/v1/webhooks/1"):
        body = {"json": {"is_on": True}} if method == "PATCH" else {}
        answer = client.request(method, path, headers={"Authorization": admin}, **body)
        assert answer.status_code == 404


def test_the_quarters_figures_are_read_with_a_readers_key(client: TestClient, store: Database):
    """A quarter is the factory's own: a case of New Year's Eve in Moscow is not of next year."""
    with store.write() as connection:
        cases.open_new(connection, "bitrix24", [101, 102])
        for case, moment in zip(
            cases.find(connection, "bitrix24", ["opened"]),
            (datetime(2026, 9, 30, 20, 59, tzinfo=UTC), datetime(2026, 9, 30, 21, 0, tzinfo=UTC)),
            strict=True,
        ):
            cases.ask(connection, case, case.deal + 1000, moment)
            cases.close(connection, case, "satisfied", 10, moment)
        connection.execute(schema.cases.update().where(schema.cases.c.deal == 102).values(reviewed_at=moment))
        key = keys.create(connection, "Вера", "read")
    headers = {"Authorization": f"Bearer {key}"}
    found = client.get("/v1/cases/figures", headers=headers).json()["quarters"]
    assert [(one["quarter"], one["satisfied"], one["reviewed"], one["nps"]) for one in found] == [
        ("2026-Q3", 1, 0, 100),
        ("2026-Q4", 1, 1, 100),
    ]
    one = client.get("/v1/cases/figures", params={"zone": "UTC"}, headers=headers).json()["quarters"]
    assert [quarter["quarter"] for quarter in one] == ["2026-Q3"]
    wrong = client.get("/v1/cases/figures", params={"zone": "Луна"}, headers=headers)
    assert wrong.status_code == 422
