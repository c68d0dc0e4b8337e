"""CSV as Russian Excel and survey systems write it."""

import codecs
import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from service.intake.tables import BadRow, FileError, ReadOptions, Row, Table, join_lists

if TYPE_CHECKING:
    from _csv import Reader as _Reader
    from _csv import Writer as _Writer

SEPARATORS = (";", ",", "\t", "|")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAX_CELL_CHARS = 1_000_000
_BLOCK = 1 << 20
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@contextmanager
def open_table(path: Path, options: ReadOptions) -> Iterator[Table]:
    """The table in a text file. Raises: FileError."""
    encoding = options.encoding or detect_encoding(path)
    csv.field_size_limit(_MAX_CELL_CHARS)
    try:
        with path.open(encoding=encoding, newline="") as file:
            first = file.readline(_MAX_CELL_CHARS)
            file.seek(0)
            separator = options.separator or detect_separator(first)
            reader = csv.reader(file, delimiter=separator, strict=True)
            header = next(reader, None)
            if not header or not any(cell.strip() for cell in header):
                raise FileError(f"{path}: found no header row; the first line names the columns")
            columns = tuple(cell.strip() for cell in header)
            shown = {"\t": "tab"}.get(separator, separator)
            yield Table(columns, _rows(path, reader, len(columns)), f"{encoding}, separated by «{shown}»")
    except (UnicodeDecodeError, LookupError) as error:
        raise FileError(f"{path}: cannot be read as {encoding} ({error}); give --encoding") from None


def detect_encoding(path: Path) -> str:
    """The encoding of a text file: by its first bytes, else UTF-8 if it is that, else cp1251."""
    with path.open("rb") as file:
        start = file.read(4)
        for bom, encoding in _BOMS:
            if start.startswith(bom):
                return encoding
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1251"
    return "utf-8"


def detect_separator(header: str) -> str:
    """The separator that the header line has most of, outside quotes; «;» where it has none.

    >>> detect_separator('№;"Что, по-вашему, улучшить?";Оценка')
    ';'
    """
    outside = "".join(header.split('"')[::2])
    return max(SEPARATORS, key=outside.count)


def _rows(path: Path, reader: "_Reader", width: int) -> Iterator[tuple[int, Row] | BadRow]:
    while True:
        start = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise FileError(f"{path}:{start}: not readable as CSV ({error}); mend the quotes there") from None
        if not row:
            continue
        if len(row) != width:
            yield BadRow(start, f"found {len(row)} cells, expected {width}", tuple(row))
        else:
            yield start, row


class CsvWriter:
    """Writes rows for Excel: formulas in cells of ours are disarmed, theirs stay as they are."""

    def __init__(self, writer: "_Writer", n_original: int) -> None:
        self._writer = writer
        self._n_original = n_original

    def write(self, row: Row) -> None:
        """Add a row."""
        theirs, ours = row[: self._n_original], join_lists(row[self._n_original :])
        self._writer.writerow([*theirs, *map(disarm, ours)])


def disarm(value: object) -> object:
    """`value`, with an apostrophe before a text that a spreadsheet would take for a formula.

    >>> disarm("=HYPERLINK(1)"), disarm("цена"), disarm(0.5)
    ("'=HYPERLINK(1)", 'цена', 0.5)
    """
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


@contextmanager
def create_table(path: Path, columns: Sequence[str], source: Table) -> Iterator[CsvWriter]:
    """A CSV that Excel opens by double click: UTF-8 with a mark, separated by «;» (a tab in .tsv)."""
    separator = "\t" if path.suffix.lower() == ".tsv" else ";"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(columns)
        yield CsvWriter(writer, len(source.columns))
