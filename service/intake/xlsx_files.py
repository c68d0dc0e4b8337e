"""Excel workbooks: the first sheet, with its column names in the first row that has any."""

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from service.intake.tables import BadRow, FileError, ReadOptions, Row, Table, join_lists

_MAX_UNPACKED_BYTES = 2 << 30
_MAX_RATIO = 200
_MAX_CELL_CHARS = 32_767
"""Excel's own limit."""


@contextmanager
def open_table(path: Path, options: ReadOptions) -> Iterator[Table]:
    """The first sheet of a workbook. Raises: FileError."""
    _refuse_bomb(path)
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, KeyError, ValueError, OSError) as error:
        raise FileError(f"{path}: not readable as an Excel workbook ({error})") from None
    try:
        sheet = book.worksheets[0]
        rows = enumerate(sheet.iter_rows(values_only=True), 1)
        header = next((row for _, row in rows if any(cell is not None for cell in row)), None)
        if header is None:
            raise FileError(f"{path}: the sheet «{sheet.title}» is empty; the first row names the columns")
        columns = tuple("" if cell is None else str(cell).strip() for cell in header)
        yield Table(columns, _rows(rows, len(columns)), f"sheet «{sheet.title}»")
    finally:
        book.close()


def _rows(rows: Iterator[tuple[int, Row]], width: int) -> Iterator[tuple[int, Row] | BadRow]:
    for number, row in rows:
        if all(cell is None for cell in row):
            continue
        yield number, (*row[:width], *(None,) * (width - len(row)))


def _refuse_bomb(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile:
        raise FileError(f"{path}: not an Excel workbook (.xlsx is a zip archive, this is none)") from None
    packed = max(1, path.stat().st_size)
    if unpacked > _MAX_UNPACKED_BYTES or (unpacked > 100 << 20 and unpacked > _MAX_RATIO * packed):
        raise FileError(f"{path}: unpacks from {packed:,} to {unpacked:,} bytes; refused, save it as CSV")


class XlsxWriter:
    """Writes rows; texts are written as texts, so that none becomes a formula."""

    def __init__(self, sheet: WriteOnlyWorksheet) -> None:
        self._sheet = sheet

    def write(self, row: Row) -> None:
        """Add a row."""
        self._sheet.append([self._cell(value) for value in join_lists(row)])

    def _cell(self, value: object) -> object:
        if not isinstance(value, str):
            return value
        text = ILLEGAL_CHARACTERS_RE.sub("", value)[:_MAX_CELL_CHARS]
        cell = WriteOnlyCell(self._sheet, value=text)
        cell.data_type = "s"
        return cell


@contextmanager
def create_table(path: Path, columns: Sequence[str], source: Table) -> Iterator[XlsxWriter]:
    """A workbook with one sheet, its first row frozen."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Отклик")
    sheet.freeze_panes = "A2"
    writer = XlsxWriter(sheet)
    writer.write(columns)
    yield writer
    book.save(path)
