"""Parquet: batch by batch, so that a file of any length takes little memory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from service.intake.tables import FileError, ReadOptions, Row, Table

_BATCH_ROWS = 4_096
_TYPES: dict[str, pa.DataType] = {
    "probability": pa.float64(),
    "needs_review": pa.bool_(),
    "aspects": pa.list_(pa.string()),
    "departments": pa.list_(pa.string()),
    "kpis": pa.list_(pa.string()),
    "evidence": pa.list_(pa.string()),
}
"""Types of our columns that are not plain texts."""


@contextmanager
def open_table(path: Path, options: ReadOptions) -> Iterator[Table]:
    """The table in a Parquet file. Raises: FileError."""
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise FileError(f"{path}: not readable as Parquet ({error})") from None
    with file:
        schema = file.schema_arrow
        types = {name: schema.field(name).type for name in schema.names}
        yield Table(tuple(schema.names), _rows(file), f"{file.metadata.num_rows:,} rows", types)


def _rows(file: pq.ParquetFile) -> Iterator[tuple[int, Row]]:
    number = 0
    for batch in file.iter_batches(_BATCH_ROWS):
        columns = [column.to_pylist() for column in batch.columns]
        for row in zip(*columns, strict=True):
            number += 1
            yield number, row


class ParquetWriter:
    """Collects rows into row groups."""

    def __init__(self, file: pq.ParquetWriter, schema: pa.Schema) -> None:
        self._file = file
        self._schema = schema
        self._rows: list[Row] = []

    def write(self, row: Row) -> None:
        """Add a row."""
        self._rows.append(row)
        if len(self._rows) == _BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write the rows collected so far."""
        columns = zip(*self._rows, strict=True) if self._rows else [()] * len(self._schema)
        arrays = [_array(values, own.type) for values, own in zip(columns, self._schema, strict=True)]
        self._file.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._rows = []


@contextmanager
def create_table(path: Path, columns: Sequence[str], source: Table) -> Iterator[ParquetWriter]:
    """A Parquet file: the source's columns keep their types, lists stay lists."""
    ours = columns[len(source.columns) :]
    fields = [(name, source.types.get(name, pa.string())) for name in source.columns]
    fields += [(name, _TYPES.get(name, pa.string())) for name in ours]
    schema = pa.schema(fields)
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        writer = ParquetWriter(file, schema)
        yield writer
        writer.flush()


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        values = [None if value is None else str(value) for value in values]
    return pa.array(values, type=kind)
