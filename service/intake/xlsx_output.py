"""Excel workbooks written row by row: the same rows give the same bytes."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from xlsxwriter import Workbook

from service.intake.outputs import OutputShape, join_lists
from service.intake.rows import Cells

_TITLE = "Отклик"
_MAX_ROWS = 1_048_576
_MAX_CELL_CHARS = 32_767
"""Excel's own limits."""
_MAX_EXACT = 1 << 53
"""Whole numbers above it lose digits in Excel, and are written as texts."""
_CREATED = datetime(2000, 1, 1)
"""In place of the time of day, so that the same rows give the same bytes."""
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_TIMES: dict[str, Callable[[str], object]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
}


def encode_rows(shape: OutputShape, rows: Sequence[Cells]) -> bytes:
    """Rows as lines of JSON, from which a sheet is made when all are there."""
    option = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_APPEND_NEWLINE
    return b"".join(orjson.dumps(join_lists(row), default=_encode, option=option) for row in rows)


def _encode(value: object) -> object:
    if isinstance(value, datetime | date | time):
        return {type(value).__name__: value.isoformat()}
    return str(value)


def _decode(value: Any) -> Any:  # noqa: ANN401  # a cell
    if isinstance(value, dict):
        [(kind, text)] = value.items()
        return _TIMES[kind](text)
    return value


class SheetWriter:
    """Writes rows; texts are written as texts, so that none becomes a formula or a link."""

    def __init__(self, book: Workbook, shape: OutputShape) -> None:
        self._book = book
        self._shape = shape
        formats = {datetime: "dd.mm.yyyy hh:mm:ss", date: "dd.mm.yyyy", time: "hh:mm:ss"}
        self._formats = {kind: book.add_format({"num_format": text}) for kind, text in formats.items()}
        self._bold = book.add_format({"bold": True})
        self._begin_sheet()

    def _begin_sheet(self) -> None:
        number = len(self._book.worksheets()) + 1
        self._sheet = self._book.add_worksheet(_TITLE if number == 1 else f"{_TITLE} {number}")
        self._sheet.freeze_panes(1, 0)
        for position, name in enumerate(self._shape.columns):
            self._sheet.write_string(0, position, name, self._bold)
        self._row = 1

    def write(self, rows: Sequence[Cells]) -> None:
        """Add rows; those that one sheet cannot hold go to the next one."""
        for row in rows:
            if self._row == _MAX_ROWS:
                self._begin_sheet()
            for position, value in enumerate(join_lists(row)):
                self._write_cell(position, value)
            self._row += 1

    def add_part(self, part: BinaryIO) -> None:
        """Add a part."""
        for line in part:
            self.write([[_decode(value) for value in orjson.loads(line)]])

    def _write_cell(self, position: int, value: object) -> None:
        if value is None or value == "":
            return
        if isinstance(value, bool):
            self._sheet.write_boolean(self._row, position, value)
        elif isinstance(value, int | float) and math.isfinite(value) and abs(value) <= _MAX_EXACT:
            self._sheet.write_number(self._row, position, value)
        elif isinstance(value, datetime | date | time) and _is_excel_time(value):
            self._sheet.write_datetime(self._row, position, value, self._formats[type(value)])
        else:
            self._sheet.write_string(self._row, position, _fitting(str(value)))


def _is_excel_time(value: datetime | date | time) -> bool:
    """Whether Excel has such a time: it knows no zones, and nothing before 1900."""
    if isinstance(value, date) and value.year < 1900:
        return False
    return getattr(value, "tzinfo", None) is None


def _fitting(text: str) -> str:
    return text if len(text) <= _MAX_CELL_CHARS else text[: _MAX_CELL_CHARS - 1] + "…"


@contextmanager
def create(path: Path, shape: OutputShape) -> Iterator[SheetWriter]:
    """A workbook with one sheet (more, if the rows are too many), each with its first row frozen."""
    book = Workbook(str(path), {**_OPTIONS, "tmpdir": str(path.parent)})
    book.use_zip64()
    book.set_properties({"created": _CREATED})
    yield SheetWriter(book, shape)
    book.close()
