"""What /metrics says of inbox and outbox."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from service.api.app import create_app
from service.settings import Settings
from service.store import inbox, outbox, schema, targets
from service.store.database import Database
from service.store.inbox import NewDelivery
from service.store.targets import NewTarget
from tests.outgoing.tagged import keep

Figures = dict[tuple[str, ...], float]


def _figures(database: Database) -> Figures:
    """The gauges that an app without a model, hence without work, shows."""
    app = create_app(Settings(models=Path("none"), database=database.url.render_as_string(False)))
    text = TestClient(app).get("/metrics").text
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(one.name.removeprefix("otklik_"), *one.labels.values()): one.value for one in found}


def _fill(database: Database, taxonomy) -> None:
    """Two comments to tell, one of them given up; three deliveries, one of them broken."""
    with database.write() as connection:
        target = targets.add(connection, NewTarget(targets.WEBHOOK, "https://example.ru"))
        for number, state in enumerate(("waiting", "waiting", "unreadable")):
            inbox.add(connection, NewDelivery("crm", str(number), "POST", "", {}, b"{}", state))
    keep(database, taxonomy, "r-1")
    with database.write() as connection:
        outbox.bury(connection, target.id, "gone")
    keep(database, taxonomy, "r-2")
    before = datetime.now(UTC) - timedelta(hours=1)
    with database.write() as connection:
        connection.execute(schema.inbox.update().where(schema.inbox.c.key == "1").values(received_at=before))
        connection.execute(schema.deliveries.update().values(created_at=before))


def test_gauges_of_what_waits(database: Database, taxonomy) -> None:
    """Pending, dead, waiting and unreadable are counted, with the age of the oldest that is still to do."""
    empty = _figures(database)
    assert (empty["queue", "outbox", "dead"], empty["queue_oldest_seconds", "inbox"]) == (0, 0)
    _fill(database, taxonomy)
    figures = _figures(database)
    counts = {key[1:]: value for key, value in figures.items() if key[0] == "queue"}
    assert counts == {
        ("inbox", "waiting"): 2, ("inbox", "unreadable"): 1, ("outbox", "pending"): 1, ("outbox", "dead"): 1,
    }  # fmt: skip
    for queue in ("inbox", "outbox"):
        assert figures["queue_oldest_seconds", queue] == pytest.approx(3_600, abs=60)
    assert figures["store_up",] == 1


def test_the_database_is_away(tmp_path: Path) -> None:
    """The other figures are still shown, and that the database does not answer."""
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"not a database" * 100)
    figures = _figures(Database(f"sqlite:///{broken}"))
    assert figures["store_up",] == 0
    assert not any(key[0].startswith("queue") for key in figures)
