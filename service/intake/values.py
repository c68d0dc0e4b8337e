"""Single values as survey platforms write them: comments in HTML, times in many forms, ids of any type."""

import hashlib
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from html.parser import HTMLParser
from typing import Any

import orjson

from service.intake.cells import parse_date

MAX_ID_CHARS = 200

_TAG = re.compile(
    r"</?(p|br|div|span|b|i|u|s|a|em|strong|ul|ol|li|h[1-6]|font|table|tr|td|img|pre)\b[^<>]*>", re.I
)
_ENTITY = re.compile(
    r"&(?:amp|lt|gt|quot|apos|nbsp|laquo|raquo|ndash|mdash|hellip|#\d{2,6}|#x[0-9a-f]{2,5});", re.I
)
_BB_CODE = re.compile(r"\[(/?)(b|i|u|s|p|br|url|img|color|size|quote|list|code|user|\*)(=[^\[\]]*)?\]", re.I)
_BREAKS = frozenset({"p", "br", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6"})
_HIDDEN = frozenset({"script", "style"})
_OFFSET = re.compile(r"(?:GMT|UTC)([+-]\d{1,2})$")
_MILLISECONDS_FROM = 100_000_000_000
"""As seconds this is the year 5138, so a greater number counts milliseconds."""


def plain_text(value: object) -> str | None:
    r"""A comment as its author saw it: without markup, None where nothing is said.

    Only what looks like HTML or BB-code is taken for it: «<5 дней» and «[см. фото]» stay as they are.

    >>> plain_text("<p>Долго&nbsp;везли,<br>и <b>помяли</b></p>"), plain_text("цена <100 & срок >5")
    ('Долго везли,\nи помяли', 'цена <100 & срок >5')
    """
    if isinstance(value, list):
        parts = [part for part in map(plain_text, value) if part]
        return "\n".join(parts) or None
    if value is None or isinstance(value, bool | dict):
        return None
    text = str(value)
    if _TAG.search(text) or _ENTITY.search(text):
        text = _strip_html(text)
    text = _BB_CODE.sub("", text)
    return text.strip() or None


def _strip_html(text: str) -> str:
    parser = _TextOfHtml()
    parser.feed(text)
    parser.close()
    text = "".join(parser.pieces).replace("\N{NO-BREAK SPACE}", " ")
    return re.sub(r"\s*\n\s*", "\n", text)


class _TextOfHtml(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ANN401  # the parser's signature
        self._hidden += tag in _HIDDEN
        if tag in _BREAKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _HIDDEN and self._hidden > 0
        if tag in _BREAKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)


def moment(value: object, zone: tzinfo = UTC) -> datetime | None:
    """The time that `value` tells, None where it tells none; `zone` is for times that name no zone.

    >>> moment("2026-09-01T09:00:00Z") == moment(1788253200) == moment("1788253200000")
    True
    >>> moment("01.09.2026 09:00") == moment("2026/09/01 12:00:00 PM GMT+3") == moment("2026-09-01T09:00Z")
    True
    >>> moment("вчера")
    """
    if isinstance(value, bool) or value is None:
        return None
    text = str(value).strip()
    try:
        found = _from_number(float(text)) if re.fullmatch(r"\d{9,14}(\.\d+)?", text) else _from_text(text)
    except (ValueError, OverflowError, OSError):
        return None
    if found is None or found.year < 1990:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)


def _from_number(number: float) -> datetime:
    return datetime.fromtimestamp(number / 1000 if number >= _MILLISECONDS_FROM else number, UTC)


def _from_text(text: str) -> datetime | None:
    """Raises: ValueError, OverflowError if it is no time."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        found = parse_date(text)
    offset = _OFFSET.search(text)
    return found.replace(tzinfo=timezone(timedelta(hours=int(offset[1])))) if found and offset else found


def identifier(value: object) -> str | None:
    """`value` as an id: a long one becomes its hash, None where there is none.

    >>> identifier(5012), identifier(" a-1 "), identifier(""), len(identifier("x" * 500))
    ('5012', 'a-1', None, 71)
    """
    if value is None or isinstance(value, bool | dict | list):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).replace("\0", "").strip()
    if not text:
        return None
    return text if len(text) <= MAX_ID_CHARS else content_id(text)


def content_id(content: object) -> str:
    """An id for what has none of its own: equal content has equal ids."""
    canonical = orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str)
    return "sha256:" + hashlib.sha256(canonical).hexdigest()
