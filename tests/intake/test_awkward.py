"""Awkward files come out right: every letter, every row, and what is wrong with one row harms no other."""

from pathlib import Path
from typing import Any

import pytest

from service.intake.rows import BadRow, Row
from service.intake.tables import Table, open_table
from tests.intake.awkward import AWKWARD, Awkward


@pytest.fixture(params=AWKWARD.values(), ids=AWKWARD.keys())
def case(request: pytest.FixtureRequest) -> Awkward:
    """One awkward file."""
    awkward: Awkward = request.param
    return awkward


def _open(case: Awkward, folder: Path) -> Table:
    path = folder / case.name
    path.write_bytes(case.make())
    return open_table(path, case.options)


def _plain(cells: Any) -> list[Any]:
    """Cells with one kind of blank."""
    return [None if cell == "" else cell for cell in cells]


def test_what_comes_out(case: Awkward, tmp_path: Path) -> None:
    """Columns, rows, and what is to be quarantined with number, reason and original bytes."""
    table = _open(case, tmp_path)
    rows = list(table.rows())
    assert table.columns == case.columns
    assert [_plain(row.cells) for row in rows if isinstance(row, Row)] == case.rows
    bad = [row for row in rows if isinstance(row, BadRow)]
    assert [(row.number, row.raw) for row in bad] == [(row.number, row.raw) for row in case.bad]
    assert all(row.reason.startswith(known.reason) for row, known in zip(bad, case.bad, strict=True))


def test_what_is_found_out(case: Awkward, tmp_path: Path) -> None:
    """Encoding, separator, header and columns are found out, and told."""
    table = _open(case, tmp_path)
    assert {name: getattr(table.layout, name) for name in case.found} == case.found
    assert {name: getattr(table.layout.roles, name) for name in case.roles} == case.roles
    assert f"comments in «{case.roles['text']}»" in table.description


def test_a_bad_row_keeps_what_can_be_told(tmp_path: Path) -> None:
    """The cells of a row with stray quotes or a broken letter are there to be seen, as far as they go."""
    path = tmp_path / "a.csv"
    path.write_bytes('№;Оценка;Отзыв\n1;5;ёж\n2;5;"долго\n3;6;да@\n4;7;ок\n'.encode().replace(b"@", b"\xcf"))
    bad = [row.fitted(3) for row in open_table(path).rows() if isinstance(row, BadRow)]
    assert bad == [["2", "5", "долго"], ["3", "6", r"да\xcf"]]


def test_reading_goes_on_from_each_row(case: Awkward, tmp_path: Path) -> None:
    """From the mark after any row, the rows that follow are the same, bad ones too."""
    table = _open(case, tmp_path)
    rows = list(table.rows())
    for position, row in enumerate(rows[:8] + rows[-3:]):
        following = rows[rows.index(row) + 1 :]
        assert list(table.rows(row.after)) == following, position
