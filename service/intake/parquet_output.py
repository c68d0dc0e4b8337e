"""Parquet out: typed, in row groups."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from service.intake.comments import NESTED
from service.intake.outputs import OutputShape
from service.intake.parquet_files import opened
from service.intake.rows import Cells
from service.intake.tables import Table
from service.nlp.tagger import Result, Tag, tag_to_json

_GROUP_ROWS = 4_096
_SPAN = pa.struct([("start", pa.int32()), ("stop", pa.int32()), ("text", pa.string())])
_TITLED = pa.struct([("code", pa.string()), ("title", pa.string())])
_TAG = pa.struct(
    [
        ("category", pa.string()),
        ("aspect", pa.string()),
        ("polarity", pa.string()),
        ("title", pa.string()),
        ("probability", pa.float64()),
        ("evidence", pa.list_(_SPAN)),
        ("departments", pa.list_(_TITLED)),
        ("kpis", pa.list_(_TITLED)),
    ]
)
"""A tag as the API gives it."""
_TYPES: dict[str, pa.DataType] = {
    "probability": pa.float64(),
    "needs_review": pa.bool_(),
    "aspects": pa.list_(pa.string()),
    "departments": pa.list_(pa.string()),
    "kpis": pa.list_(pa.string()),
    "evidence": pa.list_(pa.string()),
    NESTED: pa.list_(_TAG),
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
    return replace(shape, schema=pa.schema(fields))


def encode_rows(shape: OutputShape, rows: Sequence[Cells]) -> bytes:
    """Rows as a Parquet file of one row group."""
    target = io.BytesIO()
    pq.write_table(_arrow(shape, rows), target, compression="zstd")
    return target.getvalue()


class ParquetWriter:
    """Collects rows into row groups."""

    def __init__(self, file: pq.ParquetWriter, shape: OutputShape) -> None:
        self._file = file
        self._shape = shape
        self._rows: list[Cells] = []

    def write(self, rows: Sequence[Cells]) -> None:
        """Add rows."""
        self._rows.extend(rows)
        if len(self._rows) >= _GROUP_ROWS:
            self.flush()

    def add_part(self, part: BinaryIO) -> None:
        """Add a part, as a row group of its own."""
        self.flush()
        self._file.write_table(pq.read_table(part))

    def flush(self) -> None:
        """Write the rows collected so far."""
        if self._rows:
            self._file.write_table(_arrow(self._shape, self._rows))
            self._rows = []


@contextmanager
def create(path: Path, shape: OutputShape) -> Iterator[ParquetWriter]:
    """A Parquet file."""
    with pq.ParquetWriter(path, shape.schema, compression="zstd") as file:
        writer = ParquetWriter(file, shape)
        yield writer
        writer.flush()


def _arrow(shape: OutputShape, rows: Sequence[Cells]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(shape.schema)
    arrays = [_array(values, own.type) for values, own in zip(columns, shape.schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=shape.schema)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if kind == _TYPES[NESTED] and any(isinstance(value, Result) for value in values):
        return _nested(values)
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


def _nested(results: Sequence[Result | None]) -> pa.Array:
    """The tags of each result; null for none.

    But for probability and evidence, the tags of a category, aspect and polarity are all the same: one of
    each is turned into Arrow's form, and then taken as often as there are such tags.
    """
    tags = [tag for result in results if result is not None for tag in result.tags]
    texts = [result.text for result in results if result is not None for _ in result.tags]
    kinds: dict[tuple[Any, ...], int] = {}
    numbers = pa.array([kinds.setdefault(tag[:3], len(kinds)) for tag in tags], pa.int32())
    models = {tag[:3]: tag for tag in tags}
    shared = pa.array([tag_to_json(models[kind], "") for kind in kinds], type=_TAG).take(numbers)
    own = {
        "probability": pa.array([tag.probability for tag in tags], pa.float64()),
        "evidence": _evidence(tags, texts),
    }
    fields = [own.get(field.name, shared.field(i)) for i, field in enumerate(_TAG)]
    counts = [None if result is None else len(result.tags) for result in results]
    return pa.ListArray.from_arrays(_offsets(counts), pa.StructArray.from_arrays(fields, fields=list(_TAG)))


def _evidence(tags: Sequence[Tag], texts: Sequence[str]) -> pa.Array:
    """The evidence of each tag; `texts` are those that the tags are of."""
    starts, stops = ([span[end] for tag in tags for span in tag.evidence] for end in (0, 1))
    quoted = [text[start:stop] for tag, text in zip(tags, texts, strict=True) for start, stop in tag.evidence]
    columns = [pa.array(starts, pa.int32()), pa.array(stops, pa.int32()), pa.array(quoted, pa.string())]
    offsets = _offsets([len(tag.evidence) for tag in tags])
    return pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays(columns, fields=list(_SPAN)))


def _offsets(counts: Sequence[int | None]) -> pa.Array:
    """Where lists of so many elements start and end, one after the other; null before one that is null."""
    ends = accumulate((count or 0 for count in counts), initial=0)
    offsets = [None if count is None else start for count, start in zip((*counts, 0), ends, strict=True)]
    return pa.array(offsets, pa.int32())
