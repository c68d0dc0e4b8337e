"""JSON Lines out: one result a line, as the API gives it."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import orjson

from service.intake.outputs import OutputShape
from service.intake.rows import Cells


def encode_rows(shape: OutputShape, rows: Sequence[Cells]) -> bytes:
    """Whole results, one a line: a row is one cell, the result."""
    return b"".join(orjson.dumps(row[0], option=orjson.OPT_APPEND_NEWLINE) for row in rows)


class JsonlWriter:
    """Writes whole results, one a line."""

    def __init__(self, file: BinaryIO, shape: OutputShape) -> None:
        self._file = file
        self._shape = shape

    def write(self, rows: Sequence[Cells]) -> None:
        """Add results."""
        self._file.write(encode_rows(self._shape, rows))

    def add_part(self, part: BinaryIO) -> None:
        """Add a part."""
        shutil.copyfileobj(part, self._file)


@contextmanager
def create(path: Path, shape: OutputShape) -> Iterator[JsonlWriter]:
    """A JSON Lines file of results."""
    with path.open("wb") as file:
        yield JsonlWriter(file, shape)
