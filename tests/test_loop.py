"""The analyst's loop as the README has it: store, correct, train, compare, promote, tag again, roll back."""

import json
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.cli import main as otklik
from service.nlp.artefact import current_version
from service.nlp.taxonomy import Taxonomy
from tests.test_server import serving
from training.__main__ import main as training
from training.corpus import Example, parse_corpus
from training.settings import TrainingSettings

COMMENTS = 120
CORRECTED = 24

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def installation(tmp_path: Path, own_models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model in use and an empty store, which all commands are told of."""
    monkeypatch.setenv("OTKLIK_MODELS", str(own_models))
    monkeypatch.setenv("OTKLIK_DATABASE", f"sqlite:///{tmp_path / 'otklik.db'}")
    monkeypatch.setenv("OTKLIK_REPORTS", str(tmp_path / "reports"))
    return tmp_path


@pytest.fixture
def customers(project: Path, installation: Path, taxonomy: Taxonomy) -> list[Example]:
    """Comments of an author whom the model does not know, with what a person would say of them."""
    [path] = (project / "data" / "corpus").glob("a13-*.txt")
    return parse_corpus(path.read_text(encoding="utf-8"), taxonomy)[:COMMENTS]


def _store(ask: Ask, customers: list[Example]) -> None:
    rows = [{"external_id": str(i), "text": example.text} for i, example in enumerate(customers)]
    assert len(ask("POST", "/v1/comments", {"source": "crm", "comments": rows})["results"]) == COMMENTS


def _correct(ask: Ask, customers: list[Example]) -> None:
    """Say of the most urgent comments what their author meant."""
    known = {example.text: example for example in customers}
    items = ask("GET", f"/v1/review?limit={CORRECTED}")["items"]
    assert len(items) == CORRECTED
    for item in items:
        example = known[item["comment"]["text"]]
        tags = [
            {"category": label.category, "aspect": label.aspect, "polarity": label.polarity, "evidence": []}
            for label in example.labels
        ]
        ask("POST", f"/v1/comments/{item['comment']['id']}/corrections", {"tags": tags, "author": "Анна"})


def _small_corpus(source: Path, target: Path) -> Path:
    """A sixth of each file: enough to train on, quickly, and another model than the one in use."""
    target.mkdir()
    for path in sorted(source.iterdir()):
        lines = path.read_text(encoding="utf-8").splitlines()
        (target / path.name).write_text("\n".join(lines[: len(lines) // 6]) + "\n", encoding="utf-8")
    return target


def test_the_loop(
    installation: Path,
    customers: list[Example],
    small_settings: TrainingSettings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every step with its command; the candidate is promoted with a reason, tags, and is rolled back."""
    models = installation / "models"
    first = current_version(models)
    capsys.readouterr()
    assert otklik(["keys", "create", "Анна", "--scope", "admin"]) == 0
    key = capsys.readouterr().out.split()[0]
    with serving(models) as address:
        ask = _client(address, key)
        _store(ask, customers)
        _correct(ask, customers)
        _train(installation, _small_corpus(small_settings.corpus, installation / "corpus"))
        printed = capsys.readouterr().out
        assert f"{CORRECTED} corrections" in printed
        assert "stored comments: tags of" in printed
        [page] = (installation / "reports").glob("compare-*.html")
        assert "Исправленные отзывы" in page.read_text(encoding="utf-8")
        assert current_version(models) == first
        _switch_and_back(models, first, ask, capsys)


def _train(installation: Path, corpus: Path) -> None:
    """What `make train` runs."""
    files = {name: installation / f"{name}.jsonl" for name in ("corrections", "comments")}
    for name, path in files.items():
        assert otklik(["store", f"export-{name}", str(path)]) == 0
    options = ["--corpus", str(corpus), "--models", str(installation / "models")]
    options += ["--reports", str(installation / "reports")]
    assert training(["train", *options, *(f"--{name}={path}" for name, path in files.items())]) == 0


def _switch_and_back(models: Path, first: str, ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    assert otklik(["models", "promote", "--force", "--reason", "to see it work"]) == 0
    second = current_version(models)
    assert second != first
    _wait_until_named(ask, second)
    assert otklik(["store", "retag"]) == 0
    assert f"{COMMENTS} of {COMMENTS} comments tagged again by {second}" in capsys.readouterr().out
    [shown] = ask("GET", f"/v1/comments?limit=1&model={second}")["comments"]
    assert otklik(["store", "history", str(shown["id"])]) == 0
    told = capsys.readouterr().out
    assert first in told
    assert f"{second} (made from" in told
    assert f"{CORRECTED} corrections)" in told
    assert otklik(["models", "rollback"]) == 0
    _wait_until_named(ask, first)
    assert otklik(["models", "journal"]) == 0
    assert "«to see it work»" in capsys.readouterr().out


def _client(address: str, key: str) -> Ask:
    def ask(method: str, path: str, body: object = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address + path, content, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            return dict(json.load(answer))

    return ask


def _wait_until_named(ask: Ask, version: str) -> None:
    deadline = time.monotonic() + 20
    while (
        named := ask("POST", "/v1/predict", {"comments": [{"id": "1", "text": "долго"}]})["model"]
    ) != version:
        assert time.monotonic() < deadline, named
        time.sleep(0.05)
