"""Tables in files, whatever the format, read row by row from any mark."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from service.intake import formats
from service.intake.columns import Hints, detect_columns
from service.intake.grids import SAMPLE, fit_rows, with_header
from service.intake.layout import Layout, ReadOptions
from service.intake.profiles import Profile, load_profile, recognise
from service.intake.rows import BadRow, Chunk, FileError, Mark, Row
from service.intake.sources import Source, find_source, told

READERS = formats.READERS
"""The reader for each ending of a name."""
_GRIDS = frozenset(("csv", "html", "xls", "xlsx"))
"""Formats that are sheets of cells, among which the names of the columns must be found."""

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
        start = start or self.layout.body
        module = _reader(self.layout.format)
        with told(self.source.name):
            if self.layout.format in _GRIDS:
                yield from fit_rows(module.read_grid(self.source, self.layout, start), self.layout)
            else:
                yield from module.read_rows(self.source, self.layout, start)

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
    profile = load_profile(options.profile) if options.profile else None
    with told(source.name):
        found = _find_layout(source, _with_profile(options, profile))
    profile = profile or recognise(found.columns)
    first = list(islice(Table(source, found).rows(), _SAMPLE))
    sample = [row.cells for row in first if isinstance(row, Row)]
    if first and not sample:
        faults = (
            f"none of the first {len(first)} rows can be read; row {first[0].number}: {_reason(first[0])}"
        )
        raise FileError(f"{source.name}: {faults}; give --encoding, --separator or --header-row")
    try:
        hints = profile.columns if profile else Hints()
        roles = detect_columns(found.columns, sample, options.columns, hints)
    except FileError as error:
        raise FileError(f"{source.name}: {error}") from None
    return Table(source, replace(found, roles=roles, profile=profile.title if profile else None))


def _with_profile(options: ReadOptions, profile: Profile | None) -> ReadOptions:
    """What the caller says of the file, and where he is silent, what the profile says."""
    if profile is None:
        return options
    return replace(
        options,
        encoding=options.encoding or profile.encoding,
        separator=options.separator or profile.separator,
        sheet=options.sheet or profile.sheet,
        header_row=profile.header_row if options.header_row is None else options.header_row,
        header_rows=profile.header_rows if options.header_rows is None else options.header_rows,
    )


def _reason(row: Row | BadRow) -> str:
    return row.reason if isinstance(row, BadRow) else ""


def _find_layout(source: Source, options: ReadOptions) -> Layout:
    format_ = formats.find_format(source)
    module = _reader(format_)
    if format_ not in _GRIDS:
        layout: Layout = module.find_layout(source, options)
        return layout
    form: Layout = module.find_form(source, options)
    sample = list(islice(module.read_grid(source, form, form.body), SAMPLE))
    return with_header(form, sample, options, source.name)


def _reader(format_: str) -> Any:  # noqa: ANN401  # modules of one shape, imported when needed
    return import_module(f"service.intake.{format_}_files")
