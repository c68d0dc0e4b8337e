"""Workbooks of old Excel (.xls), and .xlsb and .ods besides: calamine reads them, one sheet as a whole.

An .xls sheet has at most 65,536 rows, so that it fits into memory.
"""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from service.intake.archives import ZIP, refuse_bomb, refuse_repeats
from service.intake.layout import Layout, ReadOptions
from service.intake.rows import BadRow, FileError, Mark, Row
from service.intake.sheets import choose_sheet
from service.intake.sources import Source

_MAX_BYTES = 512 << 20


def find_form(source: Source, options: ReadOptions) -> Layout:
    """The sheet to be read: the one given, else the first that is not empty. Raises: FileError."""
    with _opened(source) as book:
        return choose_sheet(
            source.name,
            "xls",
            book.sheet_names,
            lambda name: book.get_sheet_by_name(name).to_python(),
            options,
        )


def read_grid(source: Source, layout: Layout, start: Mark) -> Iterator[Row | BadRow]:
    """The rows of the sheet from `start` on."""
    with _opened(source) as book:
        rows = book.get_sheet_by_name(layout.sheet or "").to_python(skip_empty_area=False)
    for number, cells in islice(enumerate(rows, 1), start.number - 1, None):
        yield Row(number, [None if cell == "" else cell for cell in cells], Mark(number + 1))


@contextmanager
def _opened(source: Source) -> Iterator[CalamineWorkbook]:
    size = source.size()
    if size > _MAX_BYTES:
        raise FileError(f"{source.name}: found {size:,} bytes, the limit is {_MAX_BYTES:,}; save it as CSV")
    _refuse_bomb(source)
    with source.open() as binary:
        try:
            with CalamineWorkbook.from_filelike(binary) as book:
                yield book
        except PasswordError:
            raise FileError(f"{source.name}: is locked with a password; save it without one") from None
        except (CalamineError, OSError) as error:
            raise FileError(f"{source.name}: not readable as an Excel workbook ({error})") from None


def _refuse_bomb(source: Source) -> None:
    """An .xlsb or .ods is a zip archive, and an .ods may say of a cell that it fills the sheet."""
    with source.open() as binary:
        if binary.read(len(ZIP)) != ZIP:
            return
    try:
        refuse_bomb(source)
        refuse_repeats(source)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise FileError(f"{source.name}: is cut short or damaged ({error}); get it anew") from None
