"""CSV as Russian Excel and survey systems write it: what is wrong with a row leaves the next rows alone."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from service.intake.file_encodings import find_encoding
from service.intake.layout import Layout, ReadOptions
from service.intake.lines import MAX_ROW_BYTES, Line, read_lines
from service.intake.rows import BadRow, FileError, Mark, Row
from service.intake.sources import Source

if TYPE_CHECKING:
    from _csv import Reader as _Reader

SEPARATORS = (";", ",", "\t", "|")
_QUOTES = "found stray quotes, expected them around a whole cell and doubled within"
_SAMPLE = 50
_SAME_WIDTH = 0.7
"""Share of rows with the same number of cells from which on a separator is believed."""


def find_form(source: Source, options: ReadOptions) -> Layout:
    """Encoding and separator of a text file; the columns are not yet known. Raises: FileError."""
    encoding = find_encoding(source, options.encoding)
    form = Layout("csv", (), Mark(1, encoding.start), encoding=encoding.name, newline=encoding.newline)
    if options.separator is not None and len(options.separator) != 1:
        raise FileError(f"{source.name}: found the separator «{options.separator}», expected one character")
    return replace(form, separator=options.separator or _find_separator(source, form))


def read_grid(source: Source, layout: Layout, start: Mark) -> Iterator[Row | BadRow]:
    """The rows from `start` on, of any number of cells, the header among them; blank lines are left out."""
    # The limit is the whole process's; that of a row, which is ours, is reached first.
    csv.field_size_limit(MAX_ROW_BYTES)
    with source.open() as file:
        file.seek(start.offset)
        yield from _read_records(_Feed(read_lines(file, _newline(layout), start), layout), layout)


def _read_records(feed: "_Feed", layout: Layout) -> Iterator[Row | BadRow]:
    reader = _reader(feed, layout)
    while True:
        feed.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _TooLongError) as error:
            yield _bad_line(feed, f"{_QUOTES} ({error})")
            reader = _reader(feed, layout)
            continue
        if layout.columns and len(cells) != len(layout.columns) and feed.holds_a_row():
            yield _bad_line(feed, f"{_QUOTES} (the next line is a row by itself)")
            reader = _reader(feed, layout)
        elif feed.fault:
            yield BadRow(feed.number, feed.fault, feed.raw(), feed.after(), cells)
        elif cells:
            yield Row(feed.number, cells, feed.after(), feed.raw())


def _reader(feed: "Iterable[str]", layout: Layout) -> "_Reader":
    return csv.reader(feed, delimiter=layout.separator or ";", strict=True)


def _bad_line(feed: "_Feed", reason: str) -> BadRow:
    """The first line of a row that is none; those after it are read once more, as rows of their own."""
    line = feed.give_back()
    return BadRow(line.number, line.fault or reason, feed.raw(), feed.after(), feed.guessed_cells(line))


class _TooLongError(Exception):
    """More lines than a row can have."""


class _Feed:
    """Gives lines to the parser, and remembers those of the row that it is at."""

    def __init__(self, lines: Iterator[Line], layout: Layout) -> None:
        self._lines = lines
        self._layout = layout
        self._codec = _codec(layout)
        self._ends = ("\n".encode(self._codec), "\r".encode(self._codec))
        self._again: list[Line] = []
        self._taken: list[Line] = []
        self._size = 0
        self.fault = ""

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._lines)
        self._taken.append(line)
        self._size += line.size
        if self._size > MAX_ROW_BYTES:
            raise _TooLongError(f"not closed within {MAX_ROW_BYTES:,} bytes")
        try:
            return line.raw.decode(self._codec)
        except UnicodeDecodeError as error:
            found = " ".join(f"{byte:02x}" for byte in line.raw[error.start : error.end])
            place = f"byte {error.start + 1} of line {line.number}"
            self.fault = f"found bytes that are not {self._codec} ({found}, {place}), expected text"
            return line.raw.decode(self._codec, "backslashreplace")

    def begin(self) -> None:
        """A row ends here, and the next one begins."""
        self._taken, self._size, self.fault = [], 0, ""

    def give_back(self) -> Line:
        """The first line of the row; the others will be given once more."""
        first, *others = self._taken
        self._again += reversed(others)
        self._taken = [first]
        return first

    def holds_a_row(self) -> bool:
        """Whether the row has several lines, and its second one is a whole row by itself."""
        if len(self._taken) < 2:
            return False
        second = self._taken[1].raw.decode(self._codec, "replace")
        try:
            [cells] = _reader([second], self._layout)
        except csv.Error:
            return False
        return len(cells) == len(self._layout.columns)

    def guessed_cells(self, line: Line) -> list[str]:
        """The cells of a bad line as far as they can be told, for its owner to see."""
        text = "" if line.fault else line.raw.decode(self._codec, "backslashreplace").rstrip("\r\n")
        try:
            return next(csv.reader([text], delimiter=self._layout.separator or ";"), [])
        except csv.Error:
            return [text]

    @property
    def number(self) -> int:
        """Number of the row's first line."""
        return self._taken[0].number

    def raw(self) -> bytes:
        """The row as it stands in the file, without the end of its last line."""
        raw = self._taken[0].raw if len(self._taken) == 1 else b"".join(line.raw for line in self._taken)
        return raw.removesuffix(self._ends[0]).removesuffix(self._ends[1])

    def after(self) -> Mark:
        """Where the next row starts."""
        return Mark(self._taken[-1].number + 1, self._taken[-1].end)


def _find_separator(source: Source, form: Layout) -> str:
    """The separator with which most of the first rows have the same number of cells, above one.

    Where none is so even, the one that the first line has most of; «;» where it has none.
    """
    with source.open() as file:
        file.seek(form.body.offset)
        first = next(read_lines(file, _newline(form), form.body), None)
    line = first.raw.decode(_codec(form), "replace") if first else ""
    if line.startswith("sep=") and line[4:5]:
        return line[4]
    evenness = {separator: _evenness(source, replace(form, separator=separator)) for separator in SEPARATORS}
    best = max(SEPARATORS, key=evenness.__getitem__)
    return best if evenness[best] > (0, 0) else count_separators(line)


def _evenness(source: Source, form: Layout) -> tuple[float, int]:
    """The share of rows with the commonest number of cells, and this number; zeros where it tells nothing."""
    rows = list(islice(read_grid(source, form, form.body), _SAMPLE))
    [(width, count)] = Counter(len(row.cells) for row in rows).most_common(1) or [(0, 0)]
    share = count / max(1, len(rows))
    return (round(share, 1), width) if width > 1 and share >= _SAME_WIDTH else (0, 0)


def count_separators(header: str) -> str:
    """The separator that a header line has most of, outside quotes; «;» where it has none.

    >>> count_separators('№;"Что, по-вашему, улучшить?";Оценка')
    ';'
    """
    outside = "".join(header.split('"')[::2])
    return max(SEPARATORS, key=outside.count)


def _codec(layout: Layout) -> str:
    return {"utf-8-sig": "utf-8"}.get(layout.encoding or "", layout.encoding or "utf-8")


def _newline(layout: Layout) -> bytes:
    return layout.newline.encode(_codec(layout))
