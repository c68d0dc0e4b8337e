"""Tables written to files: row by row, or chunk by chunk and then put together."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Protocol, runtime_checkable

from service.intake.rows import Cells, FileError
from service.intake.tables import Table
from service.nlp.tagger import TagColumns, Tagger

WRITERS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".xlsx": "xlsx",
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
"""The writer for each ending of a name."""


@dataclass(frozen=True)
class OutputShape:
    """What a file to be written has: its format and columns. It can be sent to another process."""

    format: str
    """Name of the writer: «csv», «xlsx», «parquet», «jsonl»."""
    columns: tuple[str, ...]
    """Those of the source, untouched, and then ours."""
    n_original: int
    """How many are the source's."""
    separator: str = ";"
    """In CSV."""
    schema: Any = None
    """In Parquet: the pyarrow schema of all columns."""
    varied: tuple[str, ...] = ()
    """In Parquet: columns whose values hardly repeat."""


class RowWriter(Protocol):
    """Takes the rows of a table that is being written, or whole parts of it."""

    def write(self, rows: Sequence[Cells]) -> None:
        """Add rows, with the values in the order of the columns."""

    def add_part(self, part: BinaryIO) -> None:
        """Add what `encode_chunk` made."""


@runtime_checkable
class ColumnWriter(RowWriter, Protocol):
    """Takes tags as the arrays they are made as, too: for formats that hold columns."""

    def write_tagged(
        self, cells: Sequence[Cells], texts: Mapping[int, str], columns: TagColumns, tagger: Tagger
    ) -> None:
        """Add rows: their `cells` in the source, and the `columns` of their `texts`, by place of the row."""


def output_format(path: Path) -> str:
    """Name of the writer for `path`, by its ending. Raises: FileError."""
    format_ = WRITERS.get(path.suffix.lower())
    if format_ is None:
        raise FileError(f"{path}: «{path.suffix}» cannot be written; use one of {', '.join(WRITERS)}")
    return format_


def output_shape(path: Path, table: Table, ours: Sequence[str]) -> OutputShape:
    """The shape of `path`, by its ending: the table's columns, then `ours`. Raises: FileError."""
    format_ = output_format(path)
    columns = (*table.columns, *(_own_name(name, table.columns) for name in ours))
    separator = "\t" if path.suffix.lower() == ".tsv" else ";"
    shape = OutputShape(format_, columns, len(table.columns), separator)
    if format_ != "parquet":
        return shape
    typed: OutputShape = _writer(format_).typed_shape(shape, table, ours)
    return typed


def encode_chunk(shape: OutputShape, rows: Sequence[Cells]) -> bytes:
    """Rows as a part that `assemble` takes; the same rows give the same bytes."""
    encoded: bytes = _writer(shape.format).encode_rows(shape, rows)
    return encoded


def assemble(shape: OutputShape, parts: Iterable[Path], output: Path, replace: bool = False) -> None:
    """Put parts together, in their order, to the file `output`, which appears whole or not at all.

    The same parts give the same bytes. Memory does not grow with the number of parts.

    Raises:
        FileError: when `output` is there and may not be replaced, or its folder cannot be written to.
    """
    with create_table(output, shape, replace) as writer:
        for part in parts:
            with part.open("rb") as file:
                writer.add_part(file)


@contextmanager
def create_table(path: Path, shape: OutputShape, replace: bool = False) -> Iterator[RowWriter]:
    """A writer for `path`, which appears (or is replaced) only when all rows are written.

    Raises:
        FileError: when `path` is there and may not be replaced, or its folder cannot be written to.
    """
    if path.exists() and not replace:
        raise FileError(f"{path} is there already; give another name, or --force to replace it")
    beside = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        create: AbstractContextManager[RowWriter] = _writer(shape.format).create(beside, shape)
        with create as writer:
            yield writer
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise FileError(f"{path}: cannot be written ({error.strerror or error}); nothing was left") from None
    finally:
        beside.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """See to it that a new name in a folder outlives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def join_lists(row: Cells) -> Cells:
    """`row` for formats whose cells hold one value: a list becomes a text.

    >>> join_lists(["7", ["Отдел логистики", "ОТК"], []])
    ['7', 'Отдел логистики; ОТК', None]
    """
    return ["; ".join(map(str, cell)) or None if isinstance(cell, list) else cell for cell in row]


def _own_name(name: str, theirs: Sequence[str]) -> str:
    """A column of ours whose name is taken gets a prefix."""
    return f"otklik_{name}" if name in theirs else name


def _writer(format_: str) -> Any:  # noqa: ANN401  # modules of one shape, imported when needed
    return import_module(f"service.intake.{format_}_output")
