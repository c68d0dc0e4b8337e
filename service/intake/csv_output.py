"""CSV for Russian Excel: opened by double click, with every letter right, and without formulas."""

import codecs
import csv
import io
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from service.intake.cells import guard
from service.intake.outputs import OutputShape, join_lists
from service.intake.rows import Cells


def encode_rows(shape: OutputShape, rows: Sequence[Cells]) -> bytes:
    """Rows as lines of CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=shape.separator)
    writer.writerows([_shown(cell) for cell in join_lists(row)] for row in rows)
    return text.getvalue().encode(errors="replace")


def _shown(cell: object) -> object:
    """A cell as Russian Excel reads it: 3.5 with a point would become the third of May."""
    if cell is None:
        return cell
    if isinstance(cell, str):
        return guard(cell)
    if isinstance(cell, float):
        return str(cell).replace(".", ",")
    if isinstance(cell, datetime):
        return cell.isoformat(" ", "seconds")
    return cell


class CsvWriter:
    """Writes rows, or parts."""

    def __init__(self, file: BinaryIO, shape: OutputShape) -> None:
        self._file = file
        self._shape = shape

    def write(self, rows: Sequence[Cells]) -> None:
        """Add rows."""
        self._file.write(encode_rows(self._shape, rows))

    def add_part(self, part: BinaryIO) -> None:
        """Add a part."""
        shutil.copyfileobj(part, self._file)


@contextmanager
def create(path: Path, shape: OutputShape) -> Iterator[CsvWriter]:
    """A CSV file: UTF-8 with a mark, separated by «;» (a tab in .tsv)."""
    with path.open("wb") as file:
        file.write(codecs.BOM_UTF8)
        writer = CsvWriter(file, shape)
        writer.write([shape.columns])
        yield writer
