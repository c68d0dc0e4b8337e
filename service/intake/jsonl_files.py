"""JSON Lines: one object a line, as the API takes and gives them."""

from collections.abc import Iterator
from typing import Any

import orjson

from service.intake.layout import Layout, ReadOptions
from service.intake.lines import Line, read_lines
from service.intake.rows import BadRow, FileError, Mark, Row
from service.intake.sources import Source

_START = Mark(1)


def find_layout(source: Source, options: ReadOptions) -> Layout:
    """The columns: the keys of all lines, so that none is lost. Raises: FileError."""
    columns: dict[str, None] = {}
    is_empty = True
    with source.open() as file:
        for line in read_lines(file, b"\n", _START):
            is_empty = is_empty and not line.raw.strip()
            columns |= dict.fromkeys(_parse(line) or ())
    if is_empty:
        raise FileError(f"{source.name}: the file is empty; each line is an object with a «text»")
    if not columns:
        raise FileError(f"{source.name}:1: not a JSON object; each line is an object with a «text»")
    return Layout("jsonl", tuple(columns), _START, note="JSON Lines")


def read_rows(source: Source, layout: Layout, start: Mark) -> Iterator[Row | BadRow]:
    """The lines from `start` on."""
    with source.open() as file:
        file.seek(start.offset)
        for line in read_lines(file, b"\n", start):
            raw, after = line.raw.rstrip(b"\r\n"), Mark(line.number + 1, line.end)
            if not raw.strip():
                continue
            fields = _parse(line)
            if fields is None:
                yield BadRow(line.number, line.fault or "not a JSON object", raw, after)
            else:
                yield Row(line.number, [fields.get(column) for column in layout.columns], after, raw)


def _parse(line: Line) -> dict[str, Any] | None:
    try:
        fields = orjson.loads(line.raw.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return None
    return flat(fields) if isinstance(fields, dict) else None


def flat(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields without objects among them: those of an inner one are named with a point.

    >>> flat({"id": 7, "person": {"email": "ivan@example.ru"}})
    {'id': 7, 'person.email': 'ivan@example.ru'}
    """
    if not any(isinstance(value, dict) for value in fields.values()):
        return fields
    plain: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, dict):
            plain |= {f"{name}.{inner}": cell for inner, cell in flat(value).items()}
        else:
            plain[name] = value
    return plain
