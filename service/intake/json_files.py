"""JSON: a list of objects, as annotation tools export it. It is read as a whole."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson

from service.intake.jsonl_files import flat
from service.intake.layout import Layout, ReadOptions
from service.intake.rows import BadRow, FileError, Mark, Row
from service.intake.sources import Source

_MAX_BYTES = 256 << 20
_EXPECTED = 'expected a list of objects, [{"text": "…"}, …]'


def find_layout(source: Source, options: ReadOptions) -> Layout:
    """The columns: the keys of all objects. Raises: FileError."""
    names: dict[str, None] = {}
    for item in _read(source):
        names |= dict.fromkeys(flat(item) if isinstance(item, dict) else ())
    if not names:
        raise FileError(f"{source.name}: found no object, {_EXPECTED}")
    return Layout("json", tuple(names), Mark(1), note="JSON")


def read_rows(source: Source, layout: Layout, start: Mark) -> Iterator[Row | BadRow]:
    """The objects from `start` on, the first being 1."""
    for number, item in islice(enumerate(_read(source), 1), start.number - 1, None):
        raw, after = orjson.dumps(item), Mark(number + 1)
        if isinstance(item, dict):
            fields = flat(item)
            yield Row(number, [fields.get(column) for column in layout.columns], after, raw)
        else:
            yield BadRow(number, "not a JSON object", raw, after)


def _read(source: Source) -> list[Any]:
    with source.open() as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise FileError(
            f"{source.name}: is over {_MAX_BYTES:,} bytes; give it as JSON Lines, one object a line"
        )
    try:
        items = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise FileError(f"{source.name}: not readable as JSON ({error})") from None
    if not isinstance(items, list):
        raise FileError(f"{source.name}: found no list, {_EXPECTED}")
    return items
