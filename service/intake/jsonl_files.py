"""JSON Lines: one object a line, as the API takes and gives them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from service.intake.tables import BadRow, FileError, ReadOptions, Row, Table

_SAMPLE = 200


@contextmanager
def open_table(path: Path, options: ReadOptions) -> Iterator[Table]:
    """The objects in a JSON Lines file; the columns are the keys of its first lines. Raises: FileError."""
    with path.open("rb") as file:
        first = [_parse(line) for line in islice((line for line in file if line.strip()), _SAMPLE)]
        if not first:
            raise FileError(f"{path}: the file is empty; each line is an object with a «text»")
        columns = tuple(dict.fromkeys(key for fields in first for key in fields or ()))
        if not columns:
            raise FileError(f"{path}:1: not a JSON object; each line is an object with a «text»")
        file.seek(0)
        yield Table(columns, _rows(file, columns), "JSON Lines")


def _rows(lines: Iterator[bytes], columns: Sequence[str]) -> Iterator[tuple[int, Row] | BadRow]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        fields = _parse(line)
        if fields is None:
            yield BadRow(number, "not a JSON object")
        else:
            yield number, [fields.get(column) for column in columns]


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        fields = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return None
    return fields if isinstance(fields, dict) else None


class JsonlWriter:
    """Writes whole results, one a line: a row is one cell, the result."""

    def __init__(self, file: Any) -> None:  # noqa: ANN401  # a binary file
        self._file = file

    def write(self, row: Row) -> None:
        """Add a result."""
        self._file.write(orjson.dumps(row[0], option=orjson.OPT_APPEND_NEWLINE))


@contextmanager
def create_table(path: Path, columns: Sequence[str], source: Table) -> Iterator[JsonlWriter]:
    """A JSON Lines file of results."""
    with path.open("wb") as file:
        yield JsonlWriter(file)
