"""Tables in files, whatever the format, read row by row from any mark."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from service.intake.columns import detect_columns
from service.intake.layout import Layout, ReadOptions
from service.intake.rows import BadRow, Chunk, FileError, Mark, Row
from service.intake.sources import Source, find_source

READERS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".xlsx": "xlsx",
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
"""The reader for each ending of a name."""

_SAMPLE = 200
"""Rows that are looked at to find out what the columns hold."""


@dataclass(frozen=True)
class Table:
    """A table in a file. It holds nothing open, and can be sent to another process."""

    source: Source
    layout: Layout

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns; each is there once."""
        return self.layout.columns

    @property
    def description(self) -> str:
        """What was found out about the file, for its owner to check before the run."""
        return f"{self.source.name}: {self.layout}"

    def rows(self, start: Mark | None = None) -> Iterator[Row | BadRow]:
        """The rows from `start` on (from the first by default), in constant memory.

        Raises:
            FileError: where the file as a whole cannot be read on; what is wrong with one row is a BadRow.
        """
        module = _reader(self.layout.format)
        rows: Iterator[Row | BadRow] = module.read_rows(self.source, self.layout, start or self.layout.body)
        return rows

    def chunks(self, size: int, start: Mark | None = None, index: int = 0) -> Iterator[Chunk]:
        """The rows from `start` on, `size` at a time; the first chunk has the number `index`.

        The same size over the same file always gives the same chunks, and reading from `chunk.after` gives
        the chunk that comes next, in another process too.
        """
        start = start or self.layout.body
        rows = self.rows(start)
        while batch := tuple(islice(rows, size)):
            yield Chunk(index, start, batch[-1].after, batch)
            start, index = batch[-1].after, index + 1


def open_table(name: str | Path, options: ReadOptions | None = None, layout: Layout | None = None) -> Table:
    """The table in the file `name` (a path or a URL): as `layout` says, else found out within `options`.

    Raises:
        FileError: when there is no such file or no table in it, or no column of comments.
    """
    source = find_source(name)
    if layout is not None:
        return Table(source, layout)
    options = options or ReadOptions()
    found: Layout = _reader(_format(source)).find_layout(source, options)
    sample = [row.cells for row in islice(Table(source, found).rows(), _SAMPLE) if isinstance(row, Row)]
    try:
        roles = detect_columns(found.columns, sample, options.columns)
    except FileError as error:
        raise FileError(f"{source.name}: {error}") from None
    return Table(source, replace(found, roles=roles))


def _format(source: Source) -> str:
    format_ = READERS.get(source.suffix)
    if format_ is None:
        known = ", ".join(READERS)
        raise FileError(f"{source.name}: «{source.suffix}» is not a known ending; use one of {known}")
    return format_


def _reader(format_: str) -> Any:  # noqa: ANN401  # modules of one shape, imported when needed
    return import_module(f"service.intake.{format_}_files")
