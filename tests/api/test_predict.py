"""The prediction contract, over HTTP."""

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from service.nlp.artefact import current_version
from service.nlp.tagger import Comment, Tagger
from service.settings import Settings
from tests.conftest import EXAMPLE


def _post(client: TestClient, comments: list[dict[str, Any]]) -> Any:
    return client.post("/v1/predict", json={"comments": comments})


def test_example(client: TestClient, models: Path) -> None:
    """The example sentence comes back with everything that a user must see."""
    answer = _post(client, [{"id": "42", "text": EXAMPLE, "score": 3}])
    assert answer.status_code == 200
    body = answer.json()
    assert body["model"] == current_version(models)
    [result] = body["results"]
    assert (result["id"], result["nps_group"]) == ("42", "detractor")
    late = result["tags"][0]
    assert late["title"] == "Сроки и логистика"
    assert late["evidence"] == [{"start": 0, "stop": 32, "text": "Задержали поставку на две недели"}]
    assert {"code": "logistics", "title": "Отдел логистики"} in late["departments"]
    assert {"code": "OTD", "title": "On-Time Delivery"} in late["kpis"]
    assert set(late) == {
        "category", "aspect", "polarity", "title", "probability", "evidence", "departments", "kpis",
    }  # fmt: skip


def test_order_and_ids_are_kept(client: TestClient) -> None:
    """Results stand in the order of the request, long requests too."""
    comments = [{"id": f"№{i}", "text": f"{EXAMPLE} {i}"} for i in range(999, -1, -1)]
    answer = _post(client, comments)
    assert answer.status_code == 200
    assert [result["id"] for result in answer.json()["results"]] == [c["id"] for c in comments]


def test_same_tags_as_the_tagger(client: TestClient, tagger: Tagger) -> None:
    """HTTP adds nothing and loses nothing, one by one or in a batch."""
    texts = [EXAMPLE, "", "цены задрали", "менеджер не отвечает, а станок супер 👍", "cроки"]
    answer = _post(client, [{"id": str(i), "text": text} for i, text in enumerate(texts)])
    expected = [result.to_json() for result in tagger.tag([Comment(text) for text in texts])]
    assert [{k: v for k, v in r.items() if k != "id"} for r in answer.json()["results"]] == expected
    for i, text in enumerate(texts):
        [alone] = _post(client, [{"id": str(i), "text": text}]).json()["results"]
        assert alone == {"id": str(i), **expected[i]}


def test_blank_text_and_empty_list(client: TestClient) -> None:
    """Nothing said is an empty result, not an error."""
    assert _post(client, []).json()["results"] == []
    [result] = _post(client, [{"id": "1", "text": " \u200b\n", "score": 10}]).json()["results"]
    assert result == {"id": "1", "nps_group": "promoter", "needs_review": False, "tags": []}


BAD_BODIES: dict[str, tuple[str | bytes, int, str]] = {
    "not JSON": ('{"comments": [', 400, "the body is not valid JSON"),
    "broken UTF-8": (b'{"comments": [{"id": "1", "text": "\xff"}]}', 400, ""),
    "100,000 lists deep": ("[" * 100_000, 400, ""),
    "a list": ("[]", 422, "body"),
    "no comments": ("{}", 422, "comments: Field required"),
    "no text": ('{"comments": [{"id": "1"}]}', 422, "comments[0].text: Field required"),
    "no id": ('{"comments": [{"text": "а"}]}', 422, "comments[0].id: Field required"),
    "empty id": ('{"comments": [{"id": "", "text": "а"}]}', 422, "comments[0].id"),
    "text is a number": ('{"comments": [{"id": "1", "text": 5}]}', 422, "comments[0].text"),
    "score 11": ('{"comments": [{"id": "1", "text": "а", "score": 11}]}', 422, "comments[0].score"),
    "score -1": ('{"comments": [{"id": "1", "text": "а", "score": -1}]}', 422, "comments[0].score"),
    "score 7.5": ('{"comments": [{"id": "1", "text": "а", "score": 7.5}]}', 422, "comments[0].score"),
    "score «9»": ('{"comments": [{"id": "1", "text": "а", "score": "9"}]}', 422, "comments[0].score"),
    "score NaN": ('{"comments": [{"id": "1", "text": "а", "score": NaN}]}', 422, "comments[0].score"),
    "score 1e400": ('{"comments": [{"id": "1", "text": "а", "score": 1e400}]}', 422, "comments[0].score"),
    "score 2**70": (f'{{"comments": [{{"id": "1", "text": "а", "score": {2**70}}}]}}', 422, "score"),
    "half a surrogate": ('{"comments": [{"id": "1", "text": "\\ud800"}]}', 422, "half of a surrogate pair"),
    "unknown field": ('{"comments": [{"id": "1", "text": "а", "sc": 1}]}', 422, "comments[0].sc"),
    "same id twice": (
        '{"comments": [{"id": "1", "text": "а"}, {"id": "1", "text": "б"}]}',
        422,
        "comments[1].id: the id is that of comments[0] too",
    ),
    "long text": (
        json.dumps({"comments": [{"id": "1", "text": "а" * 10_001}]}),
        422,
        "comments[0].text: found 10001 characters, the limit is 10000",
    ),
    "1,001 comments": (
        json.dumps({"comments": [{"id": str(i), "text": "а"} for i in range(1_001)]}),
        413,
        "found 1001 comments, the limit is 1000 a request",
    ),
    "over 2 MiB": ('{"comments": []}' + " " * (2 << 20), 413, "the limit is 2097152 bytes a request"),
}


@pytest.mark.parametrize(("body", "status", "detail"), BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_bad_requests(client: TestClient, body: str | bytes, status: int, detail: str) -> None:
    """Each is answered by a problem that names the field or the limit, and never repeats the input."""
    answer = client.post("/v1/predict", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert detail in problem["detail"]
    assert '"input"' not in answer.text


def test_limits_are_just_past_the_limit(client: TestClient) -> None:
    """A text of 10,000 characters and a request of 1,000 comments are served."""
    assert _post(client, [{"id": "1", "text": "а" * 10_000}]).status_code == 200
    assert _post(client, [{"id": str(i), "text": "да"} for i in range(1_000)]).status_code == 200


def test_over_2_mib_in_pieces(client: TestClient) -> None:
    """A body without a length is cut off too."""
    pieces = (b" " * 65_536 for _ in range(40))
    answer = client.post("/v1/predict", content=pieces, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["status"]) == (413, 413)


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nope", 404), ("GET", "/v1/predict", 405)])
def test_wrong_address(client: TestClient, method: str, path: str, status: int) -> None:
    """Addresses and methods that are not ours are problems too."""
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()["status"]) == (status, status)


def test_neighbours(client: TestClient, models: Path) -> None:
    """Taxonomy, model, health, readiness, metrics and documentation are there."""
    assert client.get("/v1/taxonomy").json()["categories"][0]["code"] == "quality"
    model = client.get("/v1/model").json()
    assert model["model"] == current_version(models)
    assert model["figures"]["otklik"]["figures"]["macro_f1"]["value"] > 0.5
    assert client.get("/healthz").json()["status"] == "ok"
    assert client.get("/readyz").json() == {"status": "ready", "model": current_version(models)}
    _post(client, [{"id": "1", "text": EXAMPLE}])
    _post(client, [{"id": "1"}])
    figures = client.get("/metrics").text
    assert 'otklik_requests_total{route="/v1/predict",status="422"} 1.0' in figures
    assert 'otklik_tags_total{category="logistics",polarity="problem"} 1.0' in figures
    assert "cdn" not in client.get("/docs").text
    assert client.get("/docs-assets/swagger-ui-bundle.js").status_code == 200


def test_not_ready_without_a_model(tmp_path: Path) -> None:
    """Until the model is in, readiness and predictions are 503 with the reason; liveness is ok."""
    with TestClient(create_app(Settings(models=tmp_path)), client=("127.0.0.1", 50_000)) as client:
        for answer in (client.get("/readyz"), _post(client, [{"id": "1", "text": "а"}])):
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "1"
            assert answer.json()["status"] == 503
        assert client.get("/healthz").status_code == 200


def test_answers_keep_to_the_schema(client: TestClient) -> None:
    """What is sent without a check of its own would pass the check."""
    from service.api.schemas import PredictOut

    answer = _post(client, [{"id": "1", "text": EXAMPLE, "score": 9}, {"id": "2", "text": "дорого"}])
    PredictOut.model_validate(answer.json(), strict=False)
    assert PredictOut.model_validate(answer.json()).model_dump(mode="json") == answer.json()


@pytest.mark.parametrize(
    "body",
    [
        {"comments": [{"id": "1", "text": EXAMPLE, "score": 3}, {"id": "«2»", "text": " "}]},
        {"comments": []},
        {"comments": [{"id": "1", "text": EXAMPLE}] * 2},
        {"comments": [{"id": "1", "text": EXAMPLE, "score": "3"}]},
        {"comments": [{"id": "1", "text": "x" * 10_001}]},
        [],
    ],
)
def test_the_short_way_answers_as_the_framework(client: TestClient, body: object) -> None:
    """What is answered at the app's door has the status and the bytes of the way through the framework."""
    content = json.dumps(body, ensure_ascii=False).encode()
    short, long = (
        client.post("/v1/predict", content=content, headers={"Content-Type": kind})
        for kind in ("application/json", "application/json; charset=utf-8")
    )
    assert (short.status_code, short.content) == (long.status_code, long.content)
    assert short.headers["content-type"] == long.headers["content-type"]


def test_the_short_way_is_counted(client: TestClient) -> None:
    """An answer counts under its route, whichever way it went."""
    _post(client, [{"id": "1", "text": EXAMPLE}])
    assert 'otklik_requests_total{route="/v1/predict",status="200"} 1.0' in client.get("/metrics").text
