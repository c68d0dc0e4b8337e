"""What holds for any table and any bytes."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.intake.cells import guard, parse_date, parse_score, unguard
from service.intake.columns import Columns
from service.intake.layout import ReadOptions
from service.intake.outputs import create_table, output_shape
from service.intake.rows import BadRow, FileError, Row
from service.intake.tables import Table, open_table

COLUMNS = ("id", "comment")
OPTIONS = ReadOptions(columns=Columns(text="comment"), header_row=1, header_rows=1)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
ROWS = st.lists(st.tuples(st.from_regex(r"[1-9]\d{0,5}", fullmatch=True), TEXT), min_size=1, max_size=8)
FAST = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)


def _write(path: Path, rows: list[tuple[str, str]]) -> Table:
    source = path.with_name("empty.csv")
    source.write_text("id;comment\n1;x\n", encoding="utf-8")
    with create_table(path, output_shape(path, open_table(source), []), replace=True) as writer:
        writer.write(rows)
    return open_table(path, OPTIONS)


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet"])
@FAST
@given(rows=ROWS)
def test_what_is_written_is_read(ending: str, rows: list[tuple[str, str]], tmp_path: Path) -> None:
    """Any letters, quotes, separators and line breaks come back, formulas less their guard."""
    table = _write(tmp_path / f"a.{ending}", rows)
    assert table.columns == COLUMNS
    read = [row.cells for row in table.rows() if isinstance(row, Row)]
    if ending != "parquet":
        read = [(id_, unguard(text)) for id_, text in read]
        rows = [(id_, unguard(text)) for id_, text in rows]  # an apostrophe of one's own may be a guard
    assert [tuple(cells) for cells in read] == rows


@FAST
@given(body=st.binary(max_size=300), encoding=st.sampled_from([None, "utf-8", "cp1251", "utf-16-le"]))
def test_no_bytes_are_lost(body: bytes, encoding: str | None, tmp_path: Path) -> None:
    """Whatever the bytes, each line with something in it is in one row, good or bad, as it stands."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"id;comment\n1;x\n" + body)
    try:
        table = open_table(path, ReadOptions(encoding, ";", columns=Columns(text="comment"), header_row=1))
        rows = list(table.rows())
    except FileError:
        return
    if table.layout.encoding == "utf-16-le" or table.layout.newline == "\r":
        return
    kept = _plain(b"\n".join(row.raw or b"" for row in rows))
    lines = [line for line in _plain(b"1;x\n" + body).split(b"\n") if line.strip(b"; ")]
    assert [line for line in lines if line not in kept] == []
    assert all(isinstance(row, BadRow) or len(row.cells) == len(table.columns) for row in rows)


def _plain(raw: bytes) -> bytes:
    """Bytes without quotes and carriage returns."""
    return raw.replace(b"\r", b"").replace(b'"', b"")


@FAST
@given(text=TEXT)
def test_a_guard_comes_off(text: str) -> None:
    """What is guarded begins with no formula, and is the same without its guard."""
    guarded = guard(text)
    assert guarded == text or unguard(guarded) == text
    assert not guarded.startswith(("=", "@", "\t", "\r"))


@FAST
@given(text=TEXT)
def test_cells_are_parsed_or_refused(text: str) -> None:
    """A score is from 0 to 10, a date is a date, or the cell is refused with a reason."""
    score, date = _told(parse_score, text), _told(parse_date, text)
    assert score is None or isinstance(score, str) or (isinstance(score, int) and 0 <= score <= 10)
    assert date is None or isinstance(date, datetime) or "found" in str(date)


def _told(parse: Callable[[object], object], text: str) -> object:
    """What is parsed, or the message of the refusal."""
    try:
        return parse(text)
    except ValueError as error:
        return str(error)
