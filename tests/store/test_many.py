"""100,000 corrections: what is asked of them goes by indexes, and comes page by page."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from sqlalchemy import Connection, Select, event, text

from service.nlp.taxonomy import Taxonomy
from service.review import agreement, queue
from service.review.queue import Wish
from service.store import corrections, search
from service.store.corrections import NewCorrection
from service.store.database import Database
from service.store.learning import corrected_rows
from service.store.search import Filter
from training.corrections import mix, read_corrections

COUNT = 100_000
PRICE = '[{"category": "price", "aspect": null, "polarity": "problem", "probability": null, "evidence": []}]'
FILL = f"""
    WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {COUNT + 1_000})
    INSERT INTO comments (id, source, external_id, text, score, revision, state, certainty, doubt,
                          created_at, updated_at)
    SELECT i, 'crm', i, 'дорого', i % 11, 1, CASE WHEN i <= {COUNT} THEN 'corrected' ELSE 'tagged' END,
           i / 200000.0, 'price', '2026-01-01', '2026-01-01' FROM numbers;
    INSERT INTO predictions (comment_id, revision, model, tags, needs_review, created_at)
    SELECT id, 1, 'm', '{PRICE}', 0, '2026-01-01' FROM comments;
    INSERT INTO tags (comment_id, category, polarity, evidence)
    SELECT id, 'price', 'problem', '[]' FROM comments;
    INSERT INTO corrections (comment_id, prediction_id, revision, proposed, tags, author, via, blind,
                             created_at)
    SELECT id, id, 1, '{PRICE}', CASE WHEN id % 4 THEN '{PRICE}' ELSE '[]' END, 'Анна', 'api', id % 10 = 0,
           '2026-01-01' FROM comments WHERE state = 'corrected'
"""


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Database:
    """A store with 101,000 comments, of which 100,000 are corrected."""
    from service.store.migrate import upgrade

    database = Database(f"sqlite:///{tmp_path_factory.mktemp('big')}/otklik.db")
    upgrade(database)
    with database.write() as connection:
        for statement in FILL.split(";"):
            connection.execute(text(statement))
    return database


def test_figures_over_all_of_them(big: Database) -> None:
    """The figure of agreement is exact."""
    with big.read() as connection:
        found = agreement.measure(connection)
    assert (found.blind.count, found.open.count) == (COUNT // 10, COUNT * 9 // 10)
    assert found.open.hits + found.blind.hits == COUNT * 3 // 4


@contextmanager
def _plans(database: Database) -> Iterator[list[str]]:
    """How SQLite goes about each query of the block."""
    plans: list[str] = []

    def explain(connection: Connection, clause: object, *_: object) -> None:
        if isinstance(clause, Select):
            compiled = clause.compile(database.engine, compile_kwargs={"render_postcompile": True})
            plan = connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {compiled}", tuple(compiled.params.values())
            )
            plans.extend(str(row[3]) for row in plan)

    event.listen(database.engine, "before_execute", explain)
    try:
        yield plans
    finally:
        event.remove(database.engine, "before_execute", explain)


def _scans(plans: list[str]) -> list[str]:
    return [plan for plan in plans if plan.startswith("SCAN ") and "USING" not in plan]


PAGES = {
    "source": (Filter(source="crm"), COUNT + 1_000),
    "state": (Filter(state="corrected"), COUNT),
    "tag": (Filter(category="price", polarity="problem"), COUNT + 1_000),
    "a tag that none has": (Filter(category="support", polarity="praise"), None),
}


@pytest.mark.parametrize(("wanted", "first"), PAGES.values(), ids=PAGES.keys())
def test_pages_go_by_indexes(big: Database, wanted: Filter, first: int | None) -> None:
    """A page reads no whole table and sorts nothing: it costs the same wherever it is."""
    with big.read() as connection, _plans(big) as plans:
        page = search.find(connection, wanted, 100)
    assert [comment.id for comment in page.comments] == (
        [] if first is None else list(range(first, first - 100, -1))
    )
    assert plans
    assert not _scans(plans)
    assert "USE TEMP B-TREE FOR ORDER BY" not in plans


def test_the_queue_and_one_more_correction_go_by_indexes(big: Database, taxonomy: Taxonomy) -> None:
    """Neither reads a whole table."""
    with big.write() as connection, _plans(big) as plans:
        assert len(queue.choose(connection, taxonomy, Wish(100), 10)) == 100
        corrections.add(connection, NewCorrection(5, (), "Борис"), taxonomy)
    assert len(plans) > 5
    assert not _scans(plans)


def test_all_of_them_reach_a_training_run(big: Database, taxonomy: Taxonomy, tmp_path: Path) -> None:
    """They leave the store a page at a time, and training makes one example of what they say of one text."""
    path = tmp_path / "corrections.jsonl"
    with big.read() as connection, path.open("wb") as file:
        rows = corrected_rows(connection)
        file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    read = read_corrections(path, taxonomy)
    assert len(read) == COUNT
    [example] = mix([], read, [])
    assert [label.category for label in example.labels] == ["price"], "three of four said so"
