"""Tables of HTML, such as a CRM saves as «.xls»."""

import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import islice

from service.intake.file_encodings import find_encoding
from service.intake.layout import Layout, ReadOptions
from service.intake.rows import BadRow, FileError, Mark, Row, encode_cells
from service.intake.sources import Source

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]+)", re.IGNORECASE)
_BLOCK = 1 << 16
_MAX_ROW_CHARS = 1 << 20
_MAX_SPAN = 1_000
_BROKEN = "\N{REPLACEMENT CHARACTER}"


def find_form(source: Source, options: ReadOptions) -> Layout:
    """The encoding of the page: as given, else as it says itself, else by its letters. Raises: FileError."""
    with source.open() as file:
        named = _CHARSET.search(file.read(_BLOCK))
    given = options.encoding or (named[1].decode() if named else None)
    return Layout("html", (), Mark(1), encoding=find_encoding(source, given).name, note="a table of HTML")


def read_grid(source: Source, layout: Layout, start: Mark) -> Iterator[Row | BadRow]:
    """The rows of all tables of the page from `start` on; it is gone through from its beginning."""
    yield from islice(_all_rows(source, layout), start.number - 1, None)


def _all_rows(source: Source, layout: Layout) -> Iterator[Row | BadRow]:
    parser = _Parser(layout.encoding or "utf-8")
    with (
        source.open() as binary,
        io.TextIOWrapper(binary, layout.encoding, errors="replace") as text,
    ):
        while block := text.read(_BLOCK):
            parser.feed(block)
            if len(parser.rawdata) > _MAX_ROW_CHARS:
                raise FileError(f"{source.name}: found a tag or a comment that is not closed; save it as CSV")
            yield from parser.take_rows()
        parser.close()
        parser.end_row()
        yield from parser.take_rows()


class _Parser(HTMLParser):
    """Collects the rows of tables as they end."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding
        self._rows: list[Row | BadRow] = []
        self._number = 0
        self._cells: list[str | None] | None = None
        self._texts: list[str] | None = None
        self._size = 0
        self._span = 1
        self._hanging: dict[int, int] = {}
        """Columns that a cell of an earlier row reaches down to, and for how many rows yet."""
        self._reach = 1

    def take_rows(self) -> list[Row | BadRow]:
        """The rows that ended since."""
        rows, self._rows = self._rows, []
        return rows

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a row or a cell; the one before ends, whether it says so or not."""
        if tag == "tr":
            self.end_row()
            self._cells, self._size = [], 0
        elif tag in ("td", "th") and self._cells is not None:
            self._end_cell()
            self._texts = []
            spans = {name: value or "" for name, value in attrs}
            self._span, self._reach = (_span_of(spans.get(name)) for name in ("colspan", "rowspan"))
        elif tag == "br" and self._texts is not None:
            self._texts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """End a cell or a row."""
        if tag in ("td", "th"):
            self._end_cell()
        elif tag in ("tr", "table"):
            self.end_row()
            if tag == "table":
                self._hanging = {}

    def handle_data(self, data: str) -> None:
        """Text of a cell; the page's own line breaks are spaces."""
        if self._texts is not None:
            self._size += len(data)
            if self._size <= _MAX_ROW_CHARS:
                self._texts.append(re.sub(r"\s+", " ", data))

    def end_row(self) -> None:
        """End the row, if there is one."""
        self._end_cell()
        if self._cells is None:
            return
        self._fill_hanging()
        self._number += 1
        number, cells, after = self._number, self._cells, Mark(self._number + 1)
        self._cells = None
        fault = self._fault(cells)
        self._rows.append(
            BadRow(number, fault, encode_cells(cells), after, cells) if fault else Row(number, cells, after)
        )

    def _fault(self, cells: list[str | None]) -> str:
        if self._size > _MAX_ROW_CHARS:
            return f"found a row of {self._size:,} characters, the limit is {_MAX_ROW_CHARS:,}"
        if any(cell and _BROKEN in cell for cell in cells):
            return f"found bytes that are not {self._encoding}, expected text"
        return ""

    def _end_cell(self) -> None:
        if self._texts is None or self._cells is None:
            return
        lines = [" ".join(line.split(" ")).strip() for line in "".join(self._texts).split("\n")]
        self._texts = None
        self._fill_hanging()
        if self._reach > 1:
            at = len(self._cells)
            self._hanging.update((at + i, self._reach - 1) for i in range(self._span))
        self._cells += ["\n".join(lines).strip() or None, *(None,) * (self._span - 1)]

    def _fill_hanging(self) -> None:
        """Leave out the columns that a cell above reaches down to."""
        if self._cells is None:
            return
        while (left := self._hanging.get(len(self._cells), 0)) > 0:
            self._hanging[len(self._cells)] = left - 1
            self._cells.append(None)


def _span_of(value: str | None) -> int:
    return min(int(value), _MAX_SPAN) if value and value.isdecimal() and int(value) else 1
