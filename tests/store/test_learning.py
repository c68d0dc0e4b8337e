"""What people corrected reaches the training run, and stored comments are tagged again by another model."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from service.cli import main
from service.nlp.artefact import current_version, load_tagger
from service.nlp.tagger import Tagger
from service.registry.switch import promote
from service.store import corrections, predictions, schema, targets
from service.store.comments import IncomingComment
from service.store.corrections import NewCorrection
from service.store.database import Database
from service.store.erasure import Erasure, erase
from service.store.learning import comment_rows, corrected_rows
from service.store.migrate import upgrade
from service.store.predictions import StoredTag
from service.store.retagging import count_comments, retag
from service.store.tagging import store_and_tag
from service.store.targets import NewTarget
from tests.conftest import EXAMPLE
from tests.registry.variants import add_variant
from training.corpus import CORRECTIONS
from training.corrections import read_corrections

PRICE = StoredTag("price", "value", "problem", evidence=((0, 6),))
SALES = StoredTag("sales", None, "praise")


def _keep(database: Database, tagger: Tagger, *texts: str) -> list[int]:
    incoming = [IncomingComment("crm", str(number), text=text) for number, text in enumerate(texts)]
    return [kept.comment.id for kept in store_and_tag(database, tagger, incoming) if kept.comment]


def _correct(database: Database, tagger: Tagger, comment: int, author: str, *tags: StoredTag) -> None:
    with database.write() as connection:
        corrections.add(connection, NewCorrection(comment, tags, author), tagger.taxonomy)


def test_corrected_comments_become_examples(database: Database, tagger: Tagger, tmp_path: Path) -> None:
    """Each corrected comment is a row with its verdict and readings, which training reads as it stands."""
    first, second, _ = _keep(database, tagger, "дорого у вас", "всё хорошо", "не исправлен")
    _correct(database, tagger, first, "Анна", PRICE)
    _correct(database, tagger, second, "Анна", SALES)
    _correct(database, tagger, second, "Анна")
    with database.read() as connection:
        rows = list(corrected_rows(connection))
    assert [(row["text"], row["optional"]) for row in rows] == [("дорого у вас", []), ("всё хорошо", [])]
    path = tmp_path / "corrections.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    priced, emptied = read_corrections(path, tagger.taxonomy)
    assert (priced.author, priced.labels[0].aspect) == (CORRECTIONS, "value")
    assert priced.marks[0].span.of(priced.text) == "дорого"
    assert emptied.labels == ()


def test_a_dispute_teaches_nothing(database: Database, tagger: Tagger) -> None:
    """Where two people contradict each other, the category is optional until a third decides."""
    [comment] = _keep(database, tagger, "дорого у вас, но продавец хороший")
    _correct(database, tagger, comment, "Анна", PRICE, SALES)
    _correct(database, tagger, comment, "Борис", SALES)
    with database.read() as connection:
        [row] = corrected_rows(connection)
    assert [label["category"] for label in row["labels"]] == ["sales"]
    assert row["optional"] == ["price"]
    assert [reading["by"] for reading in row["readings"]] == ["Анна", "Борис"]
    _correct(database, tagger, comment, "Вера", SALES)
    with database.read() as connection:
        [row] = corrected_rows(connection)
    assert row["optional"] == []


def test_erased_words_are_not_handed_over(database: Database, tagger: Tagger) -> None:
    """After a deletion neither the comment nor its correction reaches a training run."""
    first, second = _keep(database, tagger, "дорого у вас", "всё хорошо")
    _correct(database, tagger, first, "Анна", PRICE)
    erase(database, Erasure(comment_id=first))
    with database.read() as connection:
        assert list(corrected_rows(connection)) == []
        assert [row["id"] for row in comment_rows(connection)] == [str(second)]


def test_retagging(database: Database, tagger: Tagger, own_models: Path) -> None:
    """Every comment gets the new model's prediction; corrections hold, and only other tags are told."""
    first, second, same = _keep(database, tagger, EXAMPLE, "дорого у вас", "Отличное качество станка")
    _correct(database, tagger, first, "Анна", SALES)
    with database.write() as connection:
        targets.add(connection, NewTarget(targets.WEBHOOK, "https://example.ru"))
    other = load_tagger(own_models, add_variant(own_models, "2026-12-01-aaaaaa", 6.0))
    assert count_comments(database) == 3
    assert list(retag(database, other)) == [(3, 3)]
    assert list(retag(database, other)) == [(3, 0)]
    with database.read() as connection:
        models = [own.model for own in predictions.history(connection, first)]
        holds = predictions.tags_that_hold(connection, [first, second, same])
        told = connection.execute(select(schema.deliveries.c.comment_id)).scalars().all()
        before = predictions.history(connection, same)[0].tags
    assert models == [tagger.version, other.version]
    assert [tag.category for tag in holds[first]] == ["sales"]
    assert "quality" in [tag.category for tag in holds[second]]
    assert predictions.kinds(before) == predictions.kinds(holds[same])
    assert told == [second]


def test_the_commands(
    tagger: Tagger,
    own_models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exports are for this user only; `history` says which model tagged a comment, made from what."""
    url = f"sqlite:///{tmp_path / 'otklik.db'}"
    monkeypatch.setenv("OTKLIK_DATABASE", url)
    monkeypatch.setenv("OTKLIK_MODELS", str(own_models))
    database = Database(url)
    upgrade(database)
    comment, _ = _keep(database, tagger, EXAMPLE, "дорого у вас")
    _correct(database, tagger, comment, "Анна", SALES)
    database.close()
    for kind, count in (("corrections", "1 corrected comments"), ("comments", "2 comments")):
        path = tmp_path / f"{kind}.jsonl"
        assert main(["store", f"export-{kind}", str(path)]) == 0
        assert count in capsys.readouterr().out
        assert path.stat().st_mode & 0o777 == 0o600
        assert len(path.read_text(encoding="utf-8").splitlines()) == int(count[0])
    version = add_variant(own_models, "2026-12-01-aaaaaa", 6.0)
    first = current_version(own_models)
    promote(own_models, version, "anna", forced="test")
    assert main(["store", "retag"]) == 0
    assert f"2 of 2 comments tagged again by {version}" in capsys.readouterr().out
    assert main(["store", "history", str(comment)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" · ")[1].split()[0] for line in lines] == [first, version]
    assert all("(made from 2" in line for line in lines)
    assert main(["store", "history", "99"]) == 2
    assert "comment 99 is not in the store" in capsys.readouterr().err
