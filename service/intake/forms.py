"""Forms as PHP writes them: `leads[status][0][id]=5012` is a value in nested objects and lists."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

from service.intake.encodings import decode, detect
from service.nlp.errors import OtklikError

_MAX_DEPTH = 32


class FormError(OtklikError):
    """A form is past a limit."""


def split_form(body: bytes, max_fields: int, content_type: str = "") -> list[tuple[str, str]]:
    """Names and values of a form, in order; one encoding for all of it. Raises: FormError."""
    if body.count(b"&") >= max_fields:
        raise FormError(f"found {body.count(b'&') + 1} fields, the limit is {max_fields}")
    pairs = [pair.partition(b"=")[::2] for pair in body.strip().split(b"&") if pair]
    plain = [(_unquote(name), _unquote(value)) for name, value in pairs]
    encoding = detect(b"\n".join(part for pair in plain for part in pair), content_type)
    declared = f"charset={encoding}"
    return [(decode(name, declared)[0], decode(value, declared)[0]) for name, value in plain]


def nest(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Pairs by the brackets in their names; objects with the keys 0, 1, 2 … are lists.

    >>> nest([("a[0][id]", "1"), ("a[1][id]", "2"), ("b[]", "x"), ("b[]", "y"), ("c", "z")])
    {'a': [{'id': '1'}, {'id': '2'}], 'b': ['x', 'y'], 'c': 'z'}

    Raises: FormError when names are nested too deep.
    """
    root: dict[str, Any] = {}
    for name, value in pairs:
        _put(root, _keys(name), value)
    return {key: _with_lists(value) for key, value in root.items()}


def _unquote(part: bytes) -> bytes:
    return unquote_to_bytes(part.replace(b"+", b" "))


def _keys(name: str) -> list[str]:
    first, bracket, rest = name.partition("[")
    if not bracket or not first or not rest.endswith("]"):
        return [name]
    keys = [first, *rest[:-1].split("][")]
    if len(keys) > _MAX_DEPTH:
        raise FormError(f"found a field nested {len(keys)} deep, the limit is {_MAX_DEPTH}")
    return keys


def _put(root: dict[str, Any], keys: Sequence[str], value: str) -> None:
    place = root
    for key in keys[:-1]:
        inner = place.setdefault(key or str(len(place)), {})
        if not isinstance(inner, dict):
            inner = place[key] = {"": inner}
        place = inner
    last = keys[-1] or str(len(place))
    if last not in place:
        place[last] = value
    elif isinstance(place[last], list):
        place[last].append(value)
    elif isinstance(place[last], str):
        place[last] = [place[last], value]


def _with_lists(value: Any) -> Any:  # noqa: ANN401  # a tree of objects, lists and texts
    if not isinstance(value, dict):
        return value
    inner = {key: _with_lists(one) for key, one in value.items()}
    return list(inner.values()) if list(inner) == [str(i) for i in range(len(inner))] else inner
