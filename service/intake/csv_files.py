"""CSV as Russian Excel and survey systems write it."""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from service.intake.layout import Layout, ReadOptions
from service.intake.outputs import OutputShape, join_lists
from service.intake.rows import BadRow, Cells, FileError, Mark, Row
from service.intake.sources import Source

SEPARATORS = (";", ",", "\t", "|")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAX_CELL_CHARS = 1_000_000
_BLOCK = 1 << 20
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def find_layout(source: Source, options: ReadOptions) -> Layout:
    """How the table in a text file is to be read. Raises: FileError."""
    encoding = options.encoding or detect_encoding(source)
    with _text(source, encoding) as file:
        first = file.readline(_MAX_CELL_CHARS)
        separator = options.separator or detect_separator(first)
        file.seek(0)
        header = next(csv.reader(file, delimiter=separator), None)
    if not header or not any(cell.strip() for cell in header):
        raise FileError(f"{source.name}: found no header row; the first line names the columns")
    columns = tuple(cell.strip() for cell in header)
    return Layout("csv", columns, Mark(2), encoding=encoding, separator=separator)


def read_rows(source: Source, layout: Layout, start: Mark) -> Iterator[Row | BadRow]:
    """The rows of a text file from `start` on."""
    width = len(layout.columns)
    csv.field_size_limit(_MAX_CELL_CHARS)
    with _text(source, layout.encoding or "") as file:
        reader = csv.reader(file, delimiter=layout.separator or ";", strict=True)
        while True:
            number = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise FileError(
                    f"{source.name}:{number}: not readable as CSV ({error}); mend the quotes there"
                ) from None
            if not cells or number < start.number:
                continue
            after = Mark(reader.line_num + 1)
            if len(cells) != width:
                reason = f"found {len(cells)} cells, expected {width}"
                yield BadRow(number, reason, _joined(cells), after, cells)
            else:
                yield Row(number, cells, after, _joined(cells))


def _joined(cells: Cells) -> bytes:
    return ";".join(cells).encode()


@contextmanager
def _text(source: Source, encoding: str) -> Iterator[io.TextIOWrapper]:
    try:
        with source.open() as binary, io.TextIOWrapper(binary, encoding=encoding, newline="") as file:
            yield file
    except (UnicodeDecodeError, LookupError) as error:
        raise FileError(f"{source.name}: cannot be read as {encoding} ({error}); give --encoding") from None


def detect_encoding(source: Source) -> str:
    """The encoding of a text file: by its first bytes, else UTF-8 if it is that, else cp1251."""
    with source.open() as file:
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


def disarm(value: object) -> object:
    """`value`, with an apostrophe before a text that a spreadsheet would take for a formula.

    >>> disarm("=HYPERLINK(1)"), disarm("цена"), disarm(0.5)
    ("'=HYPERLINK(1)", 'цена', 0.5)
    """
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def encode_rows(shape: OutputShape, rows: Sequence[Cells]) -> bytes:
    """Rows as lines of CSV; formulas in cells of ours are disarmed, theirs stay as they are."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=shape.separator)
    for row in rows:
        theirs, ours = row[: shape.n_original], join_lists(row[shape.n_original :])
        writer.writerow([*theirs, *map(disarm, ours)])
    return text.getvalue().encode()


class CsvWriter:
    """Writes rows for Excel."""

    def __init__(self, file: BinaryIO, shape: OutputShape) -> None:
        self._file = file
        self._shape = shape

    def write(self, rows: Sequence[Cells]) -> None:
        """Add rows."""
        self._file.write(encode_rows(self._shape, rows))

    def add_part(self, part: BinaryIO) -> None:
        """Add a part."""
        while block := part.read(_BLOCK):
            self._file.write(block)


@contextmanager
def create(path: Path, shape: OutputShape) -> Iterator[CsvWriter]:
    """A CSV that Excel opens by double click: UTF-8 with a mark, separated by «;» (a tab in .tsv)."""
    with path.open("wb") as file:
        file.write(codecs.BOM_UTF8)
        writer = CsvWriter(file, shape)
        writer.write([shape.columns])
        yield writer
