"""Excel workbooks: the first sheet, with its column names in the first row that has any."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.worksheet import Worksheet

from service.intake.layout import Layout, ReadOptions
from service.intake.rows import BadRow, FileError, Mark, Row
from service.intake.sources import Source

_MAX_UNPACKED_BYTES = 2 << 30
_MAX_RATIO = 200


def find_layout(source: Source, options: ReadOptions) -> Layout:
    """How the first sheet of a workbook is to be read. Raises: FileError."""
    with _sheet(source) as sheet:
        for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
            if any(cell is not None for cell in row):
                columns = tuple("" if cell is None else str(cell).strip() for cell in row)
                return Layout("xlsx", columns, Mark(number + 1), sheet=sheet.title)
        raise FileError(f"{source.name}: the sheet «{sheet.title}» is empty; the first row names the columns")


def read_rows(source: Source, layout: Layout, start: Mark) -> Iterator[Row | BadRow]:
    """The rows of the sheet from `start` on. The file is gone through from its beginning."""
    width = len(layout.columns)
    with _sheet(source) as sheet:
        for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
            if number >= start.number and any(cell is not None for cell in row):
                yield Row(number, (*row[:width], *(None,) * (width - len(row))), Mark(number + 1))


@contextmanager
def _sheet(source: Source) -> Iterator[Worksheet]:
    _refuse_bomb(source)
    with source.open() as binary:
        try:
            book = load_workbook(binary, read_only=True, data_only=True)
        except (InvalidFileException, KeyError, ValueError, OSError) as error:
            raise FileError(f"{source.name}: not readable as an Excel workbook ({error})") from None
        try:
            yield book.worksheets[0]
        finally:
            book.close()


def _refuse_bomb(source: Source) -> None:
    with source.open() as binary:
        try:
            with zipfile.ZipFile(binary) as archive:
                unpacked = sum(member.file_size for member in archive.infolist())
        except zipfile.BadZipFile:
            raise FileError(
                f"{source.name}: not an Excel workbook (.xlsx is a zip archive, this is none)"
            ) from None
    packed = max(1, source.size())
    if unpacked > _MAX_UNPACKED_BYTES or (unpacked > 100 << 20 and unpacked > _MAX_RATIO * packed):
        raise FileError(
            f"{source.name}: unpacks from {packed:,} to {unpacked:,} bytes; refused, save it as CSV"
        )
