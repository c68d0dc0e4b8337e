"""One output of one or several tables: which columns it has, and where each comes from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from service.intake.outputs import OutputShape, output_shape
from service.intake.rows import Cells
from service.intake.tables import Table


@dataclass(frozen=True)
class Merge:
    """The shape of the output, and how the rows of each table come into it."""

    shape: OutputShape
    places: tuple[tuple[int | None, ...], ...]
    """For each table, the position in its rows of each original column of the output."""

    def cells(self, table: int, cells: Cells) -> list[Any]:
        """The cells of a table's row in the order of the output's original columns."""
        return [None if place is None else cells[place] for place in self.places[table]]


def merge(output: Path, tables: Sequence[Table], kept: Sequence[Sequence[str]], ours: Sequence[str]) -> Merge:
    """The output of `tables`: all their `kept` columns, each once, and then `ours`. Raises: FileError."""
    columns = tuple(dict.fromkeys(name for names in kept for name in names))
    shape = output_shape(output, _as_one(tables, columns), ours)
    if shape.schema is not None and len(tables) > 1:
        shape = replace(shape, schema=_common_types(output, tables, shape, ours))
    return Merge(
        shape,
        tuple(_places(table.columns, names, columns) for table, names in zip(tables, kept, strict=True)),
    )


def _as_one(tables: Sequence[Table], columns: tuple[str, ...]) -> Table:
    """A table with `columns`; several tables together have the types of none."""
    layout = replace(tables[0].layout, columns=columns)
    if len(tables) > 1:
        layout = replace(layout, format="csv")
    return Table(tables[0].source, layout)


def _places(theirs: Sequence[str], kept: Sequence[str], columns: Sequence[str]) -> tuple[int | None, ...]:
    return tuple(theirs.index(name) if name in kept else None for name in columns)


def _common_types(output: Path, tables: Sequence[Table], shape: OutputShape, ours: Sequence[str]) -> Any:  # noqa: ANN401  # a pyarrow schema
    """The schema with the type of each column on which all tables that have it agree."""
    types: dict[str, set[Any]] = {}
    for table in tables:
        for field in output_shape(output, table, ours).schema:
            types.setdefault(field.name, set()).add(field.type)
    schema = shape.schema
    for number, field in enumerate(schema):
        if number < shape.n_original and len(types.get(field.name, ())) == 1:
            schema = schema.set(number, field.with_type(*types[field.name]))
    return schema
