"""Parquet: batch by batch, so that a file of any length takes little memory."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from service.intake.layout import Layout, ReadOptions
from service.intake.rows import FileError, Mark, Row
from service.intake.sources import Source

_BATCH_ROWS = 4_096


def find_layout(source: Source, options: ReadOptions) -> Layout:
    """The columns of a Parquet file. Raises: FileError."""
    with opened(source) as file:
        columns = tuple(file.schema_arrow.names)
        return Layout("parquet", columns, Mark(1), note=f"{file.metadata.num_rows:,} rows")


def read_rows(source: Source, layout: Layout, start: Mark) -> Iterator[Row]:
    """The rows from `start` on; row groups before it are not read."""
    with opened(source) as file:
        groups, number = _groups_from(file, start.number)
        for batch in file.iter_batches(_BATCH_ROWS, row_groups=groups):
            columns = [column.to_pylist() for column in batch.columns]
            for cells in zip(*columns, strict=True):
                if number >= start.number:
                    yield Row(number, cells, Mark(number + 1))
                number += 1


def _groups_from(file: pq.ParquetFile, start: int) -> tuple[list[int], int]:
    """The row groups that hold row `start` and later ones, and the number of their first row."""
    first, number = 0, 1
    while first < file.num_row_groups and number + file.metadata.row_group(first).num_rows <= start:
        number += file.metadata.row_group(first).num_rows
        first += 1
    return list(range(first, file.num_row_groups)), number


@contextmanager
def opened(source: Source) -> Iterator[pq.ParquetFile]:
    """A Parquet file. Raises: FileError."""
    with source.open() as binary:
        try:
            file = pq.ParquetFile(binary)
        except (pa.ArrowInvalid, OSError) as error:
            raise FileError(f"{source.name}: not readable as Parquet ({error})") from None
        with file:
            yield file
