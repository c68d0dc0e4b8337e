"""Excel workbooks of today (.xlsx): one sheet, row by row."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from service.intake.archives import refuse_bomb
from service.intake.layout import Layout, ReadOptions
from service.intake.rows import BadRow, FileError, Mark, Row
from service.intake.sheets import choose_sheet
from service.intake.sources import Source

_DAMAGES = (ParseError, DefusedXmlException, zipfile.BadZipFile, zlib.error, EOFError)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
"""How a workbook writes a character that XML has not, or a carriage return."""


def find_form(source: Source, options: ReadOptions) -> Layout:
    """The sheet to be read: the one given, else the first that is not empty. Raises: FileError."""
    with _opened(source) as book:
        names = [sheet.title for sheet in book.worksheets]
        return choose_sheet(source.name, "xlsx", names, lambda name: _values(book[name]), options)


def read_grid(source: Source, layout: Layout, start: Mark) -> Iterator[Row | BadRow]:
    """The rows of the sheet from `start` on; the file is gone through from its beginning."""
    with _opened(source) as book:
        rows = enumerate(_values(book[layout.sheet or ""]), 1)
        for number, cells in islice(rows, start.number - 1, None):
            yield Row(number, cells, Mark(number + 1))


def _values(sheet: Worksheet) -> Iterator[tuple[object, ...]]:
    # Some programs note a size that the sheet has not; openpyxl would cut it to that.
    sheet.reset_dimensions()  # type: ignore[attr-defined]  # of a read-only sheet
    for row in sheet.iter_rows(values_only=True):
        yield tuple(_unescaped(cell) if isinstance(cell, str) else cell for cell in row)


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


@contextmanager
def _opened(source: Source) -> Iterator[Workbook]:
    _refuse_bomb(source)
    with source.open() as binary:
        try:
            book = load_workbook(binary, read_only=True, data_only=True)
        except (InvalidFileException, KeyError, ValueError, OSError, *_DAMAGES) as error:
            raise FileError(f"{source.name}: not readable as an Excel workbook ({error})") from None
        try:
            yield book
        except _DAMAGES as error:
            raise FileError(
                f"{source.name}: is damaged ({error}); open it in Excel and save it anew"
            ) from None
        finally:
            book.close()


def _refuse_bomb(source: Source) -> None:
    try:
        refuse_bomb(source)
    except zipfile.BadZipFile:
        raise FileError(
            f"{source.name}: not an Excel workbook (.xlsx is a zip archive, this is none)"
        ) from None
