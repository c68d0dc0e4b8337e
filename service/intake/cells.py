"""What a cell says: a text, a score or a date, as people and spreadsheets write them."""

import re
from datetime import date, datetime, timedelta
from functools import lru_cache

_SCORE = re.compile(r"[\s\"'«„“]*(\d{1,2})(?:[.,]0+)?(?=\s|$|/|[^\d.,])")
_DATE = re.compile(
    r"(?P<a>\d{1,4})(?P<mark>[./-])(?P<b>\d{1,2})(?P=mark)(?P<c>\d{2,4})"
    r"(?:[T,\s]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?\s*(?P<half>[AaPp][Mm])?)?"
    r"\s*(?:Z|UTC|GMT)?\s*(?:[+-]\d{1,2}(?::?\d{2})?)?"
)
_EPOCH = datetime(1899, 12, 30)
"""Day 0 of Excel, as its days from March 1900 on count."""
_SERIALS = (20_000, 80_000)
"""Numbers that may be Excel's days: from 1954 to 2119."""
_CENTURY = 2000
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d\s().,:/-]*$)")
"""What a spreadsheet takes for a formula; «-5» and «+7 (912) 000-00-00» stay numbers and phones."""
_OPENS_FORMULA = "=@\t\r+-"
"""Looked for before the pattern: nearly no cell begins so, and there are many."""
_GUARDED = re.compile(r"'[=@\t\r+-]")


def guard(text: str) -> str:
    """`text`, with an apostrophe before what a spreadsheet would take for a formula.

    >>> guard("=HYPERLINK(1)"), guard("- долго"), guard("-5"), guard("цена")
    ("'=HYPERLINK(1)", "'- долго", '-5', 'цена')
    """
    return f"'{text}" if text[:1] in _OPENS_FORMULA and _FORMULA.match(text) else text


def unguard(text: str) -> str:
    """`text` without the apostrophe of such a guard, which survey systems write too.

    >>> unguard("'=HYPERLINK(1)"), unguard("'- долго"), unguard("'цена'")
    ('=HYPERLINK(1)', '- долго', "'цена'")
    """
    return text[1:] if text[:1] == "'" and _GUARDED.match(text) else text


def read_text(cell: object) -> str:
    """The text in a cell, without the apostrophe with which formulas are guarded.

    >>> [read_text(cell) for cell in ("'- долго", None, 5)]
    ['- долго', '', '5']
    """
    return "" if cell is None else unguard(str(cell))


def parse_score(cell: object) -> int | None:
    """The 0–10 score that a cell tells, None where it is blank.

    >>> [parse_score(cell) for cell in (9, "«9»", "9,0", "9/10", "10 - очень вероятно", 7.0, "", None)]
    [9, 9, 9, 9, 10, 7, None, None]

    Raises:
        ValueError: when it tells something else.
    """
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    if isinstance(cell, float) and cell != cell:  # NaN is how tables say «nothing»
        return None
    return _read_score(str(cell))


@lru_cache(maxsize=1_000)
def _read_score(text: str) -> int:
    match = _SCORE.match(text)
    if match is None or int(match[1]) > 10:
        raise ValueError(f"found the score «{text[:40]}», expected 0 to 10")
    return int(match[1])


def parse_date(cell: object) -> datetime | None:
    """The time that a cell tells, without its zone; None where it is blank.

    Day before month, as Russians write; with slashes month before day, as survey systems do, unless
    the first number can be no month. A number is Excel's count of days.

    >>> for cell in ("01.02.2026 9:30", "2/1/26 9:30 PM", "2026/02/01 9:30:05 AM GMT+3", 46054.5):
    ...     print(parse_date(cell))
    2026-02-01 09:30:00
    2026-02-01 21:30:00
    2026-02-01 09:30:05
    2026-02-01 12:00:00

    Raises:
        ValueError: when it tells something else.
    """
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=None)
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)
    text = str(cell).strip()
    match = _DATE.fullmatch(text)
    if match is None:
        return _from_serial(text)
    hour = int(match["hour"] or 0) % (12 if match["half"] else 24)
    hour += 12 if (match["half"] or "").lower() == "pm" else 0
    time = (hour, int(match["minute"] or 0), int(match["second"] or 0))
    try:
        return datetime(*_day(match), *time)
    except ValueError:
        raise ValueError(f"found the date «{text[:40]}», which is none") from None


def is_date(cell: object) -> bool:
    """Whether a cell holds a date, or a number that may be Excel's for one."""
    try:
        return parse_date(cell) is not None
    except ValueError:
        return False


def tells_date(cell: object) -> bool:
    """Whether a cell holds a date that is written as one."""
    return not _is_number(str(cell)) and is_date(cell)


def _day(match: re.Match[str]) -> tuple[int, int, int]:
    first, second, third = (int(match[name]) for name in "abc")
    if len(match["a"]) == 4:
        return first, second, third
    year = third + (_CENTURY if third < 100 else 0)
    is_month_first = match["mark"] == "/" and first <= 12
    return (year, first, second) if is_month_first else (year, second, first)


def _from_serial(text: str) -> datetime:
    days = float(text.replace(",", ".")) if _is_number(text) else 0.0
    if not _SERIALS[0] <= days < _SERIALS[1]:
        raise ValueError(f"found «{text[:40]}», expected a date such as 01.02.2026")
    return _EPOCH + timedelta(seconds=round(days * 86_400))


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d+(?:[.,]\d+)?", text.strip()) is not None
