"""A re-tag tells what has changed, comment by comment, and replaces nothing."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from service.backfill.run import Outcome
from service.backfill.totals import describe
from service.nlp.errors import OtklikError

Run = Callable[..., Outcome]


def read_csv(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV as our writers make it."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def _alter(path: Path, number: str, **cells: str) -> None:
    """Let the earlier run have said something else of row `number`."""
    rows = read_csv(path)
    for row in rows:
        row.update(cells if row["№"] == number else {})
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, rows[0], delimiter=";")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def earlier(run: Run, few: Path, tmp_path: Path) -> Path:
    """The output of an earlier run."""
    run(few, output=tmp_path / "earlier.csv")
    return tmp_path / "earlier.csv"


def test_nothing_has_changed(run: Run, earlier: Path, tmp_path: Path) -> None:
    """The same model over its own output changes nothing, and gives the same bytes."""
    outcome = run(earlier, output=tmp_path / "new.csv", retag=True)
    assert not outcome.totals.changes
    assert (tmp_path / "new.csv").read_bytes() == earlier.read_bytes()
    assert not (tmp_path / "new.csv.changes.csv").exists()


def test_each_change_is_told(run: Run, earlier: Path, tmp_path: Path) -> None:
    """Tags gained, lost and turned round: a line each, sums in summary and report, the old file untouched."""
    rows = read_csv(earlier)
    praised = next(row for row in rows if row["quality"] == "praise")
    silent = next(row for row in rows if not row["price"] and row is not praised)
    tagged = next(row for row in rows if row["logistics"] and row not in (praised, silent))
    _alter(earlier, praised["№"], quality="problem")
    _alter(earlier, silent["№"], price="neutral")
    _alter(earlier, tagged["№"], logistics="")
    before = earlier.read_bytes()
    outcome = run(earlier, output=tmp_path / "new.csv", retag=True)
    changes = read_csv(tmp_path / "new.csv.changes.csv")
    told = {(row["category"], row["before"], row["now"], row["comment"]) for row in changes}
    assert told == {
        ("quality", "problem", "praise", praised["Комментарий"]),
        ("price", "neutral", "", silent["Комментарий"]),
        ("logistics", "", tagged["logistics"], tagged["Комментарий"]),
    }
    assert earlier.read_bytes() == before
    assert "3 rows are tagged otherwise than before:\n  logistics: no tag → " in describe(outcome.totals)
    report = (tmp_path / "new.csv.report.html").read_text(encoding="utf-8")
    assert "Что изменилось с прошлой разметки" in report
    assert list(read_csv(tmp_path / "new.csv")[0]) == list(rows[0])


def test_a_category_that_is_gone(run: Run, own_models: Path, few: Path, tmp_path: Path) -> None:
    """What the old taxonomy called otherwise is told as lost, and its column does not stay."""
    run(few, output=tmp_path / "earlier.csv", models=own_models)
    version = (own_models / "current").read_text().strip()
    old = own_models / "older"
    shutil.copytree(own_models / version, old)
    taxonomy = json.loads((old / "taxonomy.json").read_text(encoding="utf-8"))
    text = json.dumps(taxonomy, ensure_ascii=False).replace('"logistics"', '"shipping"')
    (old / "taxonomy.json").write_text(text, encoding="utf-8")
    earlier = (tmp_path / "earlier.csv").read_text(encoding="utf-8-sig")
    header, body = earlier.split("\n", 1)
    renamed = header.replace("logistics", "shipping") + "\n" + body.replace(version, "older")
    (tmp_path / "earlier.csv").write_text(renamed, encoding="utf-8-sig", newline="")
    outcome = run(tmp_path / "earlier.csv", output=tmp_path / "new.csv", retag=True, models=own_models)
    columns = list(read_csv(tmp_path / "new.csv")[0])
    assert "shipping" not in columns
    assert "logistics" in columns
    lost = sum(
        count
        for (category, _, now), count in outcome.totals.changes.items()
        if category == "shipping" and not now
    )
    gained = sum(
        count
        for (category, was, _), count in outcome.totals.changes.items()
        if category == "logistics" and not was
    )
    assert lost == gained > 0


def test_typed_tables_stay_typed(run: Run, few: Path, tmp_path: Path) -> None:
    """Parquet in, Parquet out: the columns of the source keep their types through a re-tag."""
    frame = pd.DataFrame({"n": [7, 8], "comment": ["Долго везли", "Дорого"]})
    frame.to_parquet(tmp_path / "a.parquet")
    run(tmp_path / "a.parquet", output=tmp_path / "b.parquet")
    outcome = run(tmp_path / "b.parquet", output=tmp_path / "c.parquet", retag=True)
    assert not outcome.totals.changes
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "b.parquet"), pd.read_parquet(tmp_path / "c.parquet")
    )


def test_the_file_of_each_row_stays(run: Run, few: Path, tmp_path: Path) -> None:
    """The column that tells which file a row came from is kept as the other columns are."""
    (tmp_path / "b.csv").write_text("Комментарий\nДорого\n", encoding="utf-8")
    run(few, tmp_path / "b.csv", output=tmp_path / "both.csv")
    run(tmp_path / "both.csv", output=tmp_path / "new.csv", retag=True)
    assert (tmp_path / "new.csv").read_bytes() == (tmp_path / "both.csv").read_bytes()


def test_what_is_no_earlier_output(run: Run, few: Path, tmp_path: Path) -> None:
    """A table that no run has written is refused."""
    with pytest.raises(
        OtklikError, match="found no column «aspects»; --retag reads what an earlier run wrote"
    ):
        run(few, output=tmp_path / "out.csv", retag=True)
