"""Stored comments over HTTP: keys, keeping, finding, correcting, deleting; and a database that goes away."""

import contextlib
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.store_schemas import CorrectionOut, HistoryOut, PageOut, StoreOut
from service.settings import Settings
from service.store import keys
from service.store.database import Database
from service.store.keys import Scope
from tests.conftest import EXAMPLE
from tests.databases import Cluster

FAR = ("203.0.113.7", 40_000)


def _key(database: Database, scope: Scope) -> dict[str, str]:
    with database.write() as connection:
        return {"Authorization": f"Bearer {keys.create(connection, f'Анна {scope}', scope)}"}


def _client(url: str, models: Path, client: tuple[str, int] = FAR) -> TestClient:
    reports = Path(url.removeprefix("sqlite:///")).parent
    app = create_app(Settings(models=models, database=url, reports=reports))
    return TestClient(app, raise_server_exceptions=False, client=client)


def _wait_until_ready(client: TestClient) -> None:
    while client.get("/readyz").status_code == 503:
        time.sleep(0.01)


@pytest.fixture
def far(sqlite_store: Database, models: Path) -> Iterator[TestClient]:
    """A client on another machine, with a key to all."""
    with _client(str(sqlite_store.url), models) as client:
        _wait_until_ready(client)
        client.headers.update(_key(sqlite_store, "admin"))
        yield client


def _store(client: TestClient, *comments: dict[str, Any]) -> Response:
    return client.post("/v1/comments", json={"source": "crm", "comments": list(comments)})


def test_an_answer_from_score_to_correction(far: TestClient) -> None:
    """The score comes, then the text; it is tagged, found, corrected, and shown with its history."""
    first = _store(far, {"external_id": "42", "score": 3})
    assert first.status_code == 200
    StoreOut.model_validate(first.json())
    [waiting] = first.json()["results"]
    assert (waiting["outcome"], waiting["state"], waiting["tags"]) == ("created", "waiting", [])
    [tagged] = _store(far, {"external_id": "42", "text": EXAMPLE}).json()["results"]
    assert (tagged["outcome"], tagged["state"], tagged["id"]) == ("updated", "tagged", waiting["id"])
    whole = {"id": "1", "text": EXAMPLE, "score": 3}
    [predicted] = far.post("/v1/predict", json={"comments": [whole]}).json()["results"]
    assert tagged["tags"] == predicted["tags"]

    page = far.get("/v1/comments", params={"department": "logistics", "nps_group": "detractor"})
    PageOut.model_validate(page.json())
    [found] = page.json()["comments"]
    assert (found["score"], found["text"], found["tags"]) == (3, EXAMPLE, tagged["tags"])
    assert far.get("/v1/comments", params={"kpi": "SLA"}).json() == {"comments": [], "before": None}

    tags = [{"category": "logistics", "aspect": "delivery", "polarity": "problem",
             "evidence": [{"start": 0, "stop": 32}]}]  # fmt: skip
    corrected = far.post(
        f"/v1/comments/{found['id']}/corrections", json={"tags": tags, "reason": "везли долго"}
    )
    assert corrected.status_code == 201
    CorrectionOut.model_validate(corrected.json())
    assert corrected.json()["author"] == "Анна admin"
    assert corrected.json()["tags"][0]["evidence"][0]["text"] == "Задержали поставку на две недели"
    shown = far.get(f"/v1/comments/{found['id']}").json()
    HistoryOut.model_validate(shown)
    assert shown["state"] == "corrected"
    assert [tag["aspect"] for tag in shown["tags"]] == ["delivery"]
    assert shown["predictions"][0]["tags"] == shown["corrections"][0]["proposed"] == tagged["tags"]


def test_pages_follow_each_other(far: TestClient) -> None:
    """`before` of one answer asks for the next page, until there is none."""
    _store(far, *({"external_id": str(i), "score": 1} for i in range(5)))
    first = far.get("/v1/comments", params={"limit": 3}).json()
    second = far.get("/v1/comments", params={"limit": 3, "before": first["before"]}).json()
    ids = [comment["external_id"] for page in (first, second) for comment in page["comments"]]
    assert (ids, second["before"]) == (["4", "3", "2", "1", "0"], None)


def test_deletion(far: TestClient, sqlite_store: Database) -> None:
    """A respondent's words go, one comment's, and pages that quote some; what is not there is told."""
    page = Path(str(sqlite_store.url.database)).parent / "compare-a-b.html"
    page.write_text("«дорого»", encoding="utf-8")
    _store(
        far, {"external_id": "1", "text": "дорого", "respondent": "r1"}, {"external_id": "2", "text": "цена"}
    )
    assert far.post("/v1/erasures", json={"respondent": "r1"}).json() == {"erased": 1}
    assert not page.exists()
    assert far.post("/v1/erasures", json={"respondent": "r1"}).status_code == 404
    [second, first] = far.get("/v1/comments").json()["comments"]
    assert (first["text"], first["state"], second["text"]) == (None, "erased", "цена")
    assert far.delete(f"/v1/comments/{second['id']}").json() == {"erased": 1}
    [again] = _store(far, {"external_id": "2", "text": "цена"}).json()["results"]
    assert (again["outcome"], again["id"], again["state"]) == ("erased", None, "erased")


BAD_CALLS: dict[str, tuple[str, str, Any, int, str]] = {
    "no source": ("POST", "/v1/comments", {"comments": []}, 422, "source: Field required"),
    "score 11": (
        "POST", "/v1/comments", {"source": "crm", "comments": [{"external_id": "1", "score": 11}]}, 422,
        "comments[0].score: Input should be less than or equal to 10",
    ),
    "an id twice": (
        "POST", "/v1/comments", {"source": "crm", "comments": [{"external_id": "1"}] * 2}, 422,
        "comments[1].external_id: the id is that of comments[0] too",
    ),
    "no zone": (
        "POST", "/v1/comments",
        {"source": "crm", "comments": [{"external_id": "1", "answered_at": "2026-01-01T00:00:00"}]}, 422,
        "comments[0].answered_at: Input should have timezone info",
    ),
    "too long": (
        "POST", "/v1/comments", {"source": "crm", "comments": [{"external_id": "1", "text": "а" * 10_001}]},
        422,
        "comments[0].text: found 10001 characters",
    ),
    "no such comment": ("GET", "/v1/comments/99", None, 404, "there is no comment 99"),
    "correcting none": ("POST", "/v1/comments/99/corrections", {"tags": []}, 404, "there is no comment 99"),
    "correcting a score": ("POST", "/v1/comments/1/corrections", {"tags": []}, 409, "has no text to correct"),
    "unknown aspect": (
        "POST", "/v1/comments/2/corrections",
        {"tags": [{"category": "price", "aspect": "taste", "polarity": "praise"}]}, 422,
        "tags[0]: found the aspect «taste» of price, expected one of value, terms",
    ),
    "unknown filter": ("GET", "/v1/comments?mood=bad", None, 422, "mood: Extra inputs are not permitted"),
    "far too high": ("GET", "/v1/comments?limit=5000", None, 422, "limit: Input should be less than"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_calls(far: TestClient, name: str) -> None:
    """Each is a problem that names the field, the limit or the thing."""
    method, path, body, status, detail = BAD_CALLS[name]
    _store(far, {"external_id": "a", "score": 1}, {"external_id": "b", "text": "дорого"})
    answer = far.request(method, path, json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert detail in answer.json()["detail"]


CALLS: list[tuple[Scope, str, str, Any]] = [
    ("predict", "POST", "/v1/predict", {"comments": []}),
    ("read", "GET", "/v1/comments", None),
    ("read", "GET", "/v1/comments/1", None),
    ("write", "POST", "/v1/comments", {"source": "crm", "comments": []}),
    ("write", "POST", "/v1/comments/1/corrections", {"tags": []}),
    ("admin", "DELETE", "/v1/comments/1", None),
    ("admin", "POST", "/v1/erasures", {"respondent": "r"}),
]


def test_every_call_needs_its_scope(sqlite_store: Database, models: Path) -> None:
    """Without a key, with a wrong or revoked one: 401; with a lesser scope: 403; with enough: let in."""
    with _client(str(sqlite_store.url), models) as client:
        _wait_until_ready(client)
        own = {scope: _key(sqlite_store, scope) for scope in keys.SCOPES}
        for needed, method, path, body in CALLS:
            for wrong in ({}, {"Authorization": "Bearer otk_12345678_nope"}, {"Authorization": "Basic ?"}):
                answer = client.request(method, path, json=body, headers=wrong)
                assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            for scope in keys.SCOPES:
                answer = client.request(method, path, json=body, headers=own[scope])
                allowed = keys.SCOPES.index(scope) >= keys.SCOPES.index(needed)
                assert (answer.status_code not in (401, 403)) == allowed, (path, scope, answer.text)
        with sqlite_store.write() as connection:
            for key in keys.list_all(connection):
                keys.revoke(connection, key.id)
        for _, method, path, body in CALLS[1:]:
            assert client.request(method, path, json=body, headers=own["admin"]).status_code == 401


def test_basic_authentication(sqlite_store: Database, models: Path) -> None:
    """A tool that knows only name and password gives the key as the password."""
    bearer = _key(sqlite_store, "read")["Authorization"].removeprefix("Bearer ")
    with _client(str(sqlite_store.url), models) as client:
        _wait_until_ready(client)
        assert client.get("/v1/comments", auth=("anyone", bearer)).status_code == 200
        assert client.get("/v1/comments", auth=("anyone", "wrong")).status_code == 401


def test_this_machine_predicts_without_a_key(sqlite_store: Database, models: Path) -> None:
    """Only prediction is open on loopback; what is stored needs a key there too."""
    with _client(str(sqlite_store.url), models, ("127.0.0.1", 40_000)) as client:
        _wait_until_ready(client)
        assert client.post("/v1/predict", json={"comments": []}).status_code == 200
        assert client.get("/v1/comments").status_code == 401


def _hear(client: TestClient, cluster: Cluster, seconds: float) -> list[Response]:
    """What a caller hears while the store is gone for `seconds`, and the first answer after it."""
    heard = []
    with client:
        _wait_until_ready(client)
        assert _store(client, {"external_id": "0", "text": EXAMPLE}).status_code == 200
        cluster.stop()
        back = threading.Timer(seconds, cluster.start)
        back.start()
        while back.is_alive():
            heard.append(_store(client, {"external_id": "1", "text": EXAMPLE}))
            time.sleep(0.2)
        back.join()
        heard.append(_store(client, {"external_id": "1", "text": EXAMPLE}))
        assert len(client.get("/v1/comments").json()["comments"]) == 2
    return heard


def test_postgresql_gone_for_ten_seconds(cluster: Cluster, postgresql_template: str, models: Path) -> None:
    """Meanwhile 503 with Retry-After, at once; afterwards all works again, with nothing to restart."""
    database = Database(cluster.create("gone", postgresql_template))
    client = _client(cluster.url("gone"), models)
    client.headers.update(_key(database, "write"))
    heard = _hear(client, cluster, 10)
    database.close()
    assert len(heard) > 5
    assert heard[-1].status_code == 200
    for answer in heard[:3]:
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["title"] == "The service is not ready"
        assert "does not answer" in answer.json()["detail"]


def test_a_store_that_is_no_database(tmp_path: Path, models: Path, sqlite_store: Database) -> None:
    """A file that is damaged is a 503 too; predictions go on."""
    headers = _key(sqlite_store, "write")
    path = Path(shutil.copy(str(sqlite_store.url.database), tmp_path / "damaged.db"))
    path.write_bytes(b"no database" * 500)
    with _client(f"sqlite:///{path}", models, ("127.0.0.1", 40_000)) as client:
        _wait_until_ready(client)
        client.headers.update(headers)
        answer = _store(client, {"external_id": "1", "text": EXAMPLE})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert client.post("/v1/predict", json={"comments": []}).status_code == 200


def test_a_full_disk(tmp_path: Path, models: Path, sqlite_template: Path) -> None:
    """No room for a batch: 503, and nothing of it is there; with room again all works, nothing is lost."""
    disk = tmp_path / "disk"
    disk.mkdir()
    line = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if subprocess.run(line, capture_output=True, check=False).returncode:
        pytest.skip("no small file system can be mounted here (needs root)")
    try:
        database = Database(f"sqlite:///{shutil.copy(sqlite_template, disk / 'otklik.db')}")
        headers = _key(database, "write")
        database.close()
        with _client(f"sqlite:///{disk}/otklik.db", models, ("127.0.0.1", 40_000)) as client:
            _wait_until_ready(client)
            client.headers.update(headers)
            assert _store(client, {"external_id": "before", "text": EXAMPLE}).status_code == 200
            _fill(disk / "filler")
            rows = [{"external_id": str(i), "text": f"{EXAMPLE} {i}"} for i in range(500)]
            refused = _store(client, *rows)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            assert client.post("/v1/predict", json={"comments": []}).status_code == 200
            assert _count(client) == 1
            (disk / "filler").unlink()
            assert _store(client, *rows).status_code == 200
            assert _count(client) == 501
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4_096)


def _count(client: TestClient) -> int:
    found, before = 0, ""
    while True:
        page = client.get(f"/v1/comments?limit=100{before}").json()
        found += len(page["comments"])
        if page["before"] is None:
            return found
        before = f"&before={page['before']}"
