"""Tables in files, whatever the format: read row by row, written whole or not at all."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from service.nlp.errors import OtklikError

Row = Sequence[Any]

FORMATS = {
    ".csv": "service.intake.csv_files",
    ".tsv": "service.intake.csv_files",
    ".txt": "service.intake.csv_files",
    ".xlsx": "service.intake.xlsx_files",
    ".parquet": "service.intake.parquet_files",
    ".jsonl": "service.intake.jsonl_files",
    ".ndjson": "service.intake.jsonl_files",
}
"""Module of each file name ending; imported when needed, so that no one waits for pyarrow in vain."""


class FileError(OtklikError):
    """A file cannot be read or written; the message names it, and what to do."""


@dataclass(frozen=True)
class BadRow:
    """A row that could not be read as one of the table."""

    number: int
    """As a person counts it: of the line or row in the file, the first being 1."""
    reason: str
    cells: Row = ()
    """What the row had, as far as it could be read."""

    def fitted(self, width: int) -> Row:
        """The cells as a row of `width`: blanks for missing ones, those too many joined to the last.

        >>> BadRow(3, "…", ("7", "долго", "и дорого")).fitted(2)
        ['7', 'долго; и дорого']
        """
        kept = [*self.cells[: width - 1], "; ".join(map(str, self.cells[width - 1 :])) or None]
        return [*kept, *(None,) * (width - len(kept))][:width]


@dataclass(frozen=True)
class Table:
    """An open table; `rows` can be gone through once."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[int, Row] | BadRow]
    """Number in the file, and the values in the order of `columns`."""
    description: str
    """What was found out about the file, for its owner to check."""
    types: dict[str, Any] = field(default_factory=dict)
    """Types of columns, where the format has such; of use to a writer of the same format."""


@dataclass(frozen=True)
class ReadOptions:
    """What the caller knows of the file; None is found out."""

    encoding: str | None = None
    separator: str | None = None


class RowWriter(Protocol):
    """Takes the rows of a table that is being written."""

    def write(self, row: Row) -> None:
        """Add a row, with the values in the order of the columns."""


def open_table(path: Path, options: ReadOptions) -> AbstractContextManager[Table]:
    """The table in `path`, by the ending of its name. Raises: FileError."""
    if not path.is_file():
        raise FileError(f"{path}: found no such file")
    open_one: Callable[[Path, ReadOptions], AbstractContextManager[Table]] = _module(path).open_table
    return open_one(path, options)


@contextmanager
def create_table(path: Path, columns: Sequence[str], source: Table, replace: bool) -> Iterator[RowWriter]:
    """A writer for `path`, which appears (or is replaced) only when all rows are written.

    Raises:
        FileError: when `path` is there and may not be replaced, or its folder cannot be written to.
    """
    if path.exists() and not replace:
        raise FileError(f"{path} is there already; give another name, or --force to replace it")
    beside = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        with _module(path).create_table(beside, columns, source) as writer:
            yield writer
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise FileError(f"{path}: cannot be written ({error.strerror or error}); nothing was left") from None
    finally:
        beside.unlink(missing_ok=True)


def join_lists(row: Row) -> Row:
    """`row` for formats whose cells hold one value: a list becomes a text.

    >>> join_lists(["7", ["Отдел логистики", "ОТК"], []])
    ['7', 'Отдел логистики; ОТК', None]
    """
    return ["; ".join(map(str, cell)) or None if isinstance(cell, list) else cell for cell in row]


def is_jsonl(path: Path) -> bool:
    """Whether `path` takes whole results, and not rows of cells."""
    return FORMATS.get(path.suffix.lower()) == "service.intake.jsonl_files"


def _module(path: Path) -> Any:  # noqa: ANN401  # modules of one shape, chosen at run time
    name = FORMATS.get(path.suffix.lower())
    if name is None:
        raise FileError(f"{path}: «{path.suffix}» is not a known ending; use one of {', '.join(FORMATS)}")
    return import_module(name)
