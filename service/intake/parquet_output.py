"""Parquet out: typed, in row groups."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from service.intake.comments import NESTED
from service.intake.outputs import OutputShape
from service.intake.parquet_files import opened
from service.intake.rows import Cells
from service.intake.tables import Table
from service.intake.tag_arrays import SPAN, TAG, Kinds, TaggedRows, of_columns
from service.nlp.tagger import Result, TagColumns, Tagger

_GROUP_ROWS = 4_096
_GROUP_BYTES = 32 << 20
"""A row group is written when it has so many of either."""
_EVIDENCE = "evidence.list.element"
_VARIED = ("probability", _EVIDENCE, *(f"{_EVIDENCE}.{field.name}" for field in SPAN))
"""Ends of the paths of columns of ours whose values hardly repeat."""
_TYPES: dict[str, pa.DataType] = {
    "probability": pa.float64(),
    "needs_review": pa.bool_(),
    "aspects": pa.list_(pa.string()),
    "departments": pa.list_(pa.string()),
    "kpis": pa.list_(pa.string()),
    "evidence": pa.list_(pa.string()),
    NESTED: pa.list_(TAG),
}
"""Types of our columns that are not plain texts."""


def typed_shape(shape: OutputShape, table: Table, ours: Sequence[str]) -> OutputShape:
    """The shape with types: the source's columns keep theirs, lists stay lists."""
    theirs: dict[str, pa.DataType] = {}
    if table.layout.format == "parquet":
        with opened(table.source) as file:
            theirs = {field.name: field.type for field in file.schema_arrow}
    fields = [(name, theirs.get(name, pa.string())) for name in table.columns]
    named = zip(shape.columns[shape.n_original :], ours, strict=True)
    fields += [(name, _TYPES.get(own, pa.string())) for name, own in named]
    roles = table.layout.roles
    varied = tuple(name for name in (roles.id, roles.text, *roles.text_also) if name is not None)
    return replace(shape, schema=pa.schema(fields), varied=varied)


def encode_rows(shape: OutputShape, rows: Sequence[Cells]) -> bytes:
    """Rows as a Parquet file of one row group."""
    target = io.BytesIO()
    with _open(target, shape) as file:
        file.write_table(_arrow(shape, rows))
    return target.getvalue()


class ParquetWriter:
    """Collects rows into row groups."""

    def __init__(self, file: pq.ParquetWriter, shape: OutputShape) -> None:
        self._file = file
        self._shape = shape
        self._tables: list[pa.Table] = []
        self._kinds: Kinds | None = None

    def write(self, rows: Sequence[Cells]) -> None:
        """Add rows."""
        self._add(_arrow(self._shape, rows))

    def write_tagged(
        self, cells: Sequence[Cells], texts: Mapping[int, str], columns: TagColumns, tagger: Tagger
    ) -> None:
        """Add rows: their `cells` in the source, and the `columns` of their `texts`, by place of the row."""
        self._kinds = self._kinds or Kinds(tagger.kinds)
        tagged = np.zeros(len(cells), dtype=np.bool_)
        tagged[list(texts)] = True
        of_rows = [texts.get(place, "") for place in range(len(cells))]
        said = of_columns(self._kinds, tagger.number_kinds(columns), columns, of_rows, tagged)
        ours = said.arrays(tagger.taxonomy.category_codes, tagger.version)
        schema, n = self._shape.schema, self._shape.n_original
        theirs = _arrays(cells, schema.types[:n])
        self._add(pa.Table.from_arrays([*theirs, *ours.values()], schema=schema))

    def add_part(self, part: BinaryIO) -> None:
        """Add a part, as a row group of its own."""
        self.flush()
        self._file.write_table(pq.read_table(part))

    def flush(self) -> None:
        """Write the rows collected so far."""
        if self._tables:
            self._file.write_table(pa.concat_tables(self._tables))
            self._tables = []

    def _add(self, table: pa.Table) -> None:
        self._tables.append(table)
        rows, size = (sum(getattr(own, name) for own in self._tables) for name in ("num_rows", "nbytes"))
        if rows >= _GROUP_ROWS or size >= _GROUP_BYTES:
            self.flush()


@contextmanager
def create(path: Path, shape: OutputShape) -> Iterator[ParquetWriter]:
    """A Parquet file."""
    with _open(path, shape) as file:
        writer = ParquetWriter(file, shape)
        yield writer
        writer.flush()


def _open(target: Path | BinaryIO, shape: OutputShape) -> pq.ParquetWriter:
    """Dictionaries and statistics are made where they are of use: the others take an eighth of the time."""
    leaves = [leaf for field in shape.schema for leaf in _leaves(field.name, field.type)]
    repeated = [leaf for leaf in leaves if leaf not in shape.varied and not leaf.endswith(_VARIED)]
    flat = [name for name in shape.schema.names if name in leaves]
    return pq.ParquetWriter(
        target, shape.schema, compression="zstd", use_dictionary=repeated, write_statistics=flat
    )


def _leaves(name: str, kind: pa.DataType) -> Iterator[str]:
    """The paths of the plain columns that a column is stored as.

    >>> list(_leaves("tags", pa.list_(pa.struct([("start", pa.int32())]))))
    ['tags.list.element.start']
    """
    if pa.types.is_list(kind):
        yield from _leaves(f"{name}.list.element", kind.value_type)
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(f"{name}.{field.name}", field.type)
    else:
        yield name


def _arrow(shape: OutputShape, rows: Sequence[Cells]) -> pa.Table:
    return pa.Table.from_arrays(_arrays(rows, shape.schema.types), schema=shape.schema)


def _arrays(rows: Sequence[Cells], kinds: Sequence[pa.DataType]) -> list[pa.Array]:
    """The columns of `rows`, each of its kind."""
    columns = zip(*rows, strict=True) if rows else [()] * len(kinds)
    return [_array(values, kind) for values, kind in zip(columns, kinds, strict=True)]


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if kind == _TYPES[NESTED] and any(isinstance(value, Result) for value in values):
        return TaggedRows.of_results(values).tags
    if pa.types.is_list(kind):
        return _lists(values, kind)
    try:
        return pa.array(values, type=kind)
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        if not pa.types.is_string(kind):
            raise
        return pa.array([None if value is None else str(value) for value in values], type=kind)


def _lists(values: Sequence[list[Any] | None], kind: pa.DataType) -> pa.Array:
    """Lists; those that stand in several rows, as one object, are turned into Arrow's form once."""
    distinct = {id(value): value for value in values}
    if 2 * len(distinct) > len(values):
        return pa.array(values, type=kind)
    number = dict(zip(distinct, range(len(distinct)), strict=True))
    numbers = pa.array([number[id(value)] for value in values], pa.int32())
    return pa.array(list(distinct.values()), type=kind).take(numbers)
