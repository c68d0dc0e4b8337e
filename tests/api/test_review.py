"""The review queue and Label Studio's protocol over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.label_studio import DataIn
from service.api.store_schemas import AgreementOut, QueueOut
from service.nlp.tagger import Comment
from service.settings import Settings
from service.store import keys
from service.store.database import Database
from tests.conftest import EXAMPLE


@pytest.fixture
def analyst(sqlite_store: Database, models: Path) -> Iterator[TestClient]:
    """A client on another machine, with a key to write, and with 20 stored comments."""
    with sqlite_store.write() as connection:
        key = keys.create(connection, "Анна", "write")
    app = create_app(Settings(models=models, database=str(sqlite_store.url), blind_percent=30))
    with TestClient(app, raise_server_exceptions=False, client=("203.0.113.7", 1)) as client:
        while client.get("/readyz").status_code == 503:
            pass
        client.headers["Authorization"] = f"Bearer {key}"
        rows = [{"external_id": str(i), "text": f"{EXAMPLE} {i}"} for i in range(20)]
        assert client.post("/v1/comments", json={"source": "crm", "comments": rows}).status_code == 200
        yield client


def test_the_queue_from_proposal_to_agreement(analyst: TestClient) -> None:
    """Blind items hide what the model says; corrections empty the queue and make up the agreement."""
    answer = analyst.get("/v1/review", params={"limit": 100})
    QueueOut.model_validate(answer.json())
    items = answer.json()["items"]
    assert len(items) == 20
    blind = [item for item in items if item["blind"]]
    assert 0 < len(blind) < 20
    assert all(
        (item["comment"]["tags"], item["certainty"], item["doubt"]) == ([], None, None) for item in blind
    )
    for item in items:
        tags = [
            {name: tag[name] for name in ("category", "aspect", "polarity")}
            for tag in item["comment"]["tags"]
        ]
        body = {"tags": tags, "blind": item["blind"], "revision": item["comment"]["revision"]}
        path = f"/v1/comments/{item['comment']['id']}/corrections"
        assert analyst.post(path, json=body).status_code == 201
    assert analyst.get("/v1/review").json() == {"items": []}
    agreement = analyst.get("/v1/review/agreement")
    AgreementOut.model_validate(agreement.json())
    assert agreement.json()["open"]["value"] == 1.0
    assert agreement.json()["blind"] | {"interval": None} == {
        "hits": 0, "count": len(blind), "value": 0.0, "interval": None,
    }  # fmt: skip
    assert agreement.json()["nodding"] == 1.0


def _event(comment: dict[str, Any], action: str = "ANNOTATION_CREATED") -> dict[str, Any]:
    value = {"start": 0, "end": 32, "text": EXAMPLE[:32]}
    common = {"id": "x", "to_name": "text"}
    result = [
        {**common, "from_name": "tag", "type": "labels", "value": value | {"labels": ["logistics/delivery"]}},
        {**common, "from_name": "polarity", "type": "choices", "value": value | {"choices": ["problem"]}},
    ]
    data = {"text": comment["text"], "comment": comment["id"], "revision": comment["revision"]}
    return {
        "action": action,
        "project": {"id": 1, "title": "Отклик"},
        "task": {"id": 5, "data": data},
        "annotation": {"id": 9, "completed_by": 1, "result": result, "was_cancelled": False},
    }


def test_label_studio_asks_and_tells(analyst: TestClient) -> None:
    """Health, setup, predictions of any task, and an annotation that becomes a correction, once."""
    assert analyst.get("/label-studio/health").json()["status"] == "UP"
    version = analyst.post("/label-studio/setup", json={"project": "1.1", "schema": "<View/>"}).json()
    assert analyst.get("/label-studio/versions").json() == {"versions": [version["model_version"]]}
    request = {
        "tasks": [
            {"id": 1, "data": {"text": f"👍 Спасибо. {EXAMPLE}"}, "annotations": []},
            {"id": 2, "data": {"text": EXAMPLE, "blind": True}},
        ],
        "project": "1.1", "label_config": "<View/>", "params": {"context": None},
    }  # fmt: skip
    seen, hidden = analyst.post("/label-studio/predict", json=request).json()["results"]
    assert seen["model_version"] == version["model_version"]
    tag, polarity = seen["result"][:2]
    assert tag["value"] == {
        "start": 11, "end": 43, "text": "Задержали поставку на две недели", "labels": ["logistics/deadlines"],
    }  # fmt: skip
    assert (tag["id"], polarity["value"]["choices"]) == (polarity["id"], ["problem"])
    assert hidden["result"] == []

    [comment] = analyst.get("/v1/comments", params={"external_id": "3"}).json()["comments"]
    assert analyst.post("/label-studio/webhook", json=_event(comment)).json() == {"added": 1, "unchanged": 0}
    again = analyst.post("/label-studio/webhook", json=_event(comment, "ANNOTATION_UPDATED"))
    assert again.json() == {"added": 0, "unchanged": 1}
    shown = analyst.get(f"/v1/comments/{comment['id']}").json()
    assert [tag["aspect"] for tag in shown["tags"]] == ["delivery"]
    assert (shown["corrections"][0]["author"], shown["corrections"][0]["via"]) == (
        "label-studio:1",
        "label-studio",
    )


@pytest.mark.parametrize(("score", "read"), [("9", 9), (9, 9), ("", None), (4.8, None), (["x"], None)])
def test_what_label_studio_tells_of_a_task_is_read_with_its_text(score: object, read: int | None) -> None:
    """Our own tasks bring score and question; what others keep under these names is left alone."""
    told = DataIn.model_validate({"text": "долго", "score": score, "question": "Что улучшить?", "more": 1})
    assert told.as_read() == Comment("долго", read, "Что улучшить?")
    assert DataIn.model_validate({"text": "долго", "question": ["x"]}).as_read() == Comment("долго")


def test_label_studio_is_kept_out_without_a_key(analyst: TestClient) -> None:
    """Its events write, so they need a key; what is not ours is refused by name; other events are heard."""
    [comment] = analyst.get("/v1/comments", params={"external_id": "3"}).json()["comments"]
    key = analyst.headers.pop("Authorization")
    assert analyst.post("/label-studio/webhook", json=_event(comment)).status_code == 401
    assert analyst.post("/label-studio/predict", json={"tasks": []}).status_code == 401
    analyst.headers["Authorization"] = key
    foreign = analyst.post("/label-studio/webhook", json=_event(comment | {"id": None}))
    assert foreign.status_code == 422
    assert "found no comment and revision in its data" in foreign.json()["detail"]
    other = analyst.post("/label-studio/webhook", json={"action": "START_TRAINING", "project": {}})
    assert other.json() == {"added": 0, "unchanged": 0}
