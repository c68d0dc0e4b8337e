"""JSON Lines: one object a line, as the API takes and gives them."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from service.intake.layout import Layout, ReadOptions
from service.intake.outputs import OutputShape
from service.intake.rows import BadRow, Cells, FileError, Mark, Row
from service.intake.sources import Source

_SAMPLE = 200


def find_layout(source: Source, options: ReadOptions) -> Layout:
    """The columns of a JSON Lines file: the keys of its first lines. Raises: FileError."""
    with source.open() as file:
        first = [_parse(line) for line in islice((line for line in file if line.strip()), _SAMPLE)]
    if not first:
        raise FileError(f"{source.name}: the file is empty; each line is an object with a «text»")
    columns = tuple(dict.fromkeys(key for fields in first for key in fields or ()))
    if not columns:
        raise FileError(f"{source.name}:1: not a JSON object; each line is an object with a «text»")
    return Layout("jsonl", columns, Mark(1), note="JSON Lines")


def read_rows(source: Source, layout: Layout, start: Mark) -> Iterator[Row | BadRow]:
    """The lines from `start` on."""
    with source.open() as file:
        file.seek(start.offset)
        offset = start.offset
        for number, line in enumerate(file, start.number):
            offset += len(line)
            if not line.strip():
                continue
            fields, after = _parse(line), Mark(number + 1, offset)
            if fields is None:
                yield BadRow(number, "not a JSON object", line, after)
            else:
                yield Row(number, [fields.get(column) for column in layout.columns], after, line)


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        fields = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return None
    return fields if isinstance(fields, dict) else None


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
