"""The values that readers give: good rows, bad rows, and marks to go on from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import orjson

from service.nlp.errors import OtklikError

Cells: TypeAlias = Sequence[Any]
"""The values of a row, in the order of the columns; a blank is None or an empty text."""


class FileError(OtklikError):
    """A file cannot be read or written; the message names it, and what to do."""


class Mark(NamedTuple):
    """A place in a table from which reading can go on."""

    number: int
    """Number of the next row at the earliest."""
    offset: int = 0
    """Byte of the next row in the (unpacked) file; 0 in formats that count rows alone."""


_START = Mark(0)


class Row(NamedTuple):
    """A row that could be read."""

    number: int
    """As a person counts it: of the line or row in the file, the first being 1."""
    cells: Cells
    after: Mark
    """Where the next row starts."""
    raw: bytes | None = None
    """The row as it stands in the file, in formats of text."""


@dataclass(frozen=True)
class BadRow:
    """A row that could not be read as one of the table; reading goes on after it."""

    number: int
    """As a person counts it: of the line or row in the file, the first being 1."""
    reason: str
    """What was found and what was expected, for the file's owner."""
    raw: bytes = b""
    """The row as it stands in the file; in formats that are not text, its cells as JSON."""
    after: Mark = _START
    """Where the next row starts."""
    cells: Cells = ()
    """What the row had, as far as it could be read."""

    def fitted(self, width: int) -> Cells:
        """The cells as a row of `width`: blanks for missing ones, those too many joined to the last.

        >>> BadRow(3, "…", cells=("7", "долго", "и дорого")).fitted(2)
        ['7', 'долго; и дорого']
        """
        kept = [*self.cells[: width - 1], "; ".join(map(str, self.cells[width - 1 :])) or None]
        return [*kept, *(None,) * (width - len(kept))][:width]


@dataclass(frozen=True)
class Chunk:
    """Rows that are worked on and committed together."""

    index: int
    start: Mark
    """Where its first row is looked for; the same table read from here gives the same rows."""
    after: Mark
    """Where the next chunk starts."""
    rows: tuple[Row | BadRow, ...]


def raw_row(row: Row | BadRow) -> bytes:
    """The row as it stands in the file, or its cells as JSON where the format is not text.

    >>> raw_row(Row(2, ["7", "долго"], Mark(3))).decode()
    '["7","долго"]'
    """
    return encode_cells(row.cells) if row.raw is None else row.raw


def encode_cells(cells: Cells) -> bytes:
    """Cells as one line of JSON; what JSON has no type for is written as text."""
    return orjson.dumps(list(cells), default=str)
