"""A delivery as it came, and what is in its body, whatever its headers claim."""

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesParser
from typing import Any

import orjson

from service.intake.encodings import decode
from service.intake.forms import FormError, nest, split_form
from service.intake.signatures import TOKEN_PARAMETERS
from service.nlp.errors import OtklikError

MAX_DOCUMENTS = 2_000
_MAX_FIELDS = 10_000


class BodyError(OtklikError):
    """Nothing can be read from a body; the message says what was found and what was expected."""


@dataclass(frozen=True)
class Delivery:
    """A request as it came."""

    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    """By their names in lower case."""
    query: str = ""
    """As in the address, after «?»."""
    body: bytes = b""

    @property
    def content_type(self) -> str:
        """The declared type, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def parameters(self) -> dict[str, str]:
        """The query's parameters, the last of each name; none where there are too many."""
        try:
            return dict(split_form(self.query.encode("utf-8", "replace"), _MAX_FIELDS))
        except FormError:
            return {}


@dataclass(frozen=True)
class Content:
    """What is in a delivery."""

    documents: tuple[dict[str, Any], ...]
    problems: tuple[str, ...] = ()
    """What could not be read, and where; the rest could."""


def read_content(delivery: Delivery, max_bytes: int) -> Content:
    """The documents of a delivery: JSON (object, array, lines), a form, or the query.

    The first bytes decide, not the declared type: platforms send JSON as text and forms as JSON. Parameters
    of the query stand in each document beside the body's own, but for tokens.

    Raises:
        BodyError: when nothing can be read, or more than a limit allows.
    """
    beside = _read_query(delivery)
    body = unpack(delivery, max_bytes)
    if not body.strip():
        return Content((beside,) if beside else ())
    if delivery.content_type.startswith("multipart/form-data"):
        return _beside(Content((_read_multipart(delivery, body),)), beside)
    text, problems = decode(body, delivery.headers.get("content-type", ""))
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if start in ("{", "["):
        return _beside(_read_json(text, problems), beside)
    if "=" in text or "form-urlencoded" in delivery.content_type:
        return _beside(Content((read_form(body, delivery),), problems), beside)
    raise BodyError(
        f"found {len(body)} bytes that are neither JSON nor a form"
        + (f" (declared as {delivery.content_type})" if delivery.content_type else "")
    )


def read_form(body: bytes, delivery: Delivery) -> dict[str, Any]:
    """The fields of a form, nested by the brackets of their names; JSON in a field is read too.

    Raises: BodyError.
    """
    content_type = delivery.headers.get("content-type", "")
    try:
        form = nest(split_form(body, _MAX_FIELDS, content_type))
    except FormError as error:
        raise BodyError(str(error)) from None
    alone = next(iter(form)) if len(form) == 1 else ""
    if alone.startswith("{"):  # JSON sent as if it were a form becomes the name of its only field
        form = _json_or_none(alone) or form
    return {name: _open_json(value) for name, value in form.items()}


def unpack(delivery: Delivery, max_bytes: int) -> bytes:
    """The body without its compression, of `max_bytes` at most. Raises: BodyError."""
    encoding = delivery.headers.get("content-encoding", "").strip().lower()
    is_gzip = delivery.body.startswith(b"\x1f\x8b")
    if encoding in ("", "identity") and not is_gzip:
        return delivery.body
    if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise BodyError(f"found the compression «{encoding[:20]}», expected gzip, deflate or none")
    if not is_gzip and "gzip" in encoding:
        return delivery.body  # the header lies
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32 if is_gzip else zlib.MAX_WBITS)
    try:
        unpacked = unpacker.decompress(delivery.body, max_bytes + 1)
    except zlib.error as error:
        raise BodyError(f"the compressed body is damaged ({error})") from None
    if len(unpacked) > max_bytes:
        raise BodyError(f"the unpacked body is larger than the limit of {max_bytes} bytes")
    return unpacked


def _read_query(delivery: Delivery) -> dict[str, Any]:
    try:
        pairs = split_form(delivery.query.encode("utf-8", "replace"), _MAX_FIELDS)
        return nest([(name, value) for name, value in pairs if name not in TOKEN_PARAMETERS])
    except FormError as error:
        raise BodyError(f"the query: {error}") from None


def _beside(content: Content, beside: dict[str, Any]) -> Content:
    return Content(tuple({**beside, **document} for document in content.documents), content.problems)


def _read_json(text: str, problems: Sequence[str]) -> Content:
    text = text.lstrip("\ufeff")
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return _read_broken_json(text, problems, str(error))
    return _content(value if isinstance(value, list) else [value], problems, "element")


def _read_broken_json(text: str, problems: Sequence[str], reason: str) -> Content:
    """JSON Lines, or JSON with line breaks inside its strings, as templates of forms make it."""
    lines = [line for line in text.splitlines() if line.strip()]
    values = [_json_or_none(line) for line in lines]
    if len(lines) > 1 and values[0] is not None:
        return _content(values, problems, "line")
    mended = _json_or_none(_escape_controls(text))
    if mended is None:
        raise BodyError(f"the body is not valid JSON ({reason})")
    return _content(mended if isinstance(mended, list) else [mended], problems, "element")


def _content(values: Sequence[Any], problems: Sequence[str], kind: str) -> Content:
    if len(values) > MAX_DOCUMENTS:
        raise BodyError(f"found {len(values)} records, the limit is {MAX_DOCUMENTS} a delivery; split it")
    odd = [
        f"{kind} {n} is not a JSON object" for n, value in enumerate(values, 1) if not isinstance(value, dict)
    ]
    documents = tuple(value for value in values if isinstance(value, dict))
    return Content(documents, (*problems, *odd))


def _json_or_none(text: str) -> Any:  # noqa: ANN401  # whatever JSON says
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _escape_controls(text: str) -> str:
    r"""`text` with the control characters inside JSON strings escaped.

    >>> _escape_controls('{"comment": "долго\nи дорого"}')
    '{"comment": "долго\\nи дорого"}'
    """

    def escape(match: re.Match[str]) -> str:
        return re.sub(r"[\0-\x1f]", lambda control: f"\\u{ord(control[0]):04x}", match[0])

    escaped = re.sub(r'"(?:[^"\\]|\\.)*"', escape, text, flags=re.DOTALL)
    return escaped.replace("\\u000a", "\\n")


def _open_json(value: Any) -> Any:  # noqa: ANN401  # whatever the form held
    if isinstance(value, str) and re.match(r"\s*(\{|\[\s*\{)", value):
        opened = _json_or_none(value)
        return value if opened is None else opened
    return value


def _read_multipart(delivery: Delivery, body: bytes) -> dict[str, Any]:
    head = f"Content-Type: {delivery.headers['content-type']}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=policy.HTTP).parsebytes(head + body)
    parts = [part for part in message.iter_parts() if part.get_param("name", header="content-disposition")]
    if not parts:
        raise BodyError("found no fields in the multipart form")
    if len(parts) > _MAX_FIELDS:
        raise BodyError(f"found {len(parts)} fields, the limit is {_MAX_FIELDS}")
    pairs = []
    for part in parts:
        content = part.get_payload(decode=True)
        text, _ = decode(content if isinstance(content, bytes) else b"", str(part.get("content-type", "")))
        pairs.append((str(part.get_param("name", header="content-disposition")), text))
    try:
        return {name: _open_json(value) for name, value in nest(pairs).items()}
    except FormError as error:
        raise BodyError(str(error)) from None
