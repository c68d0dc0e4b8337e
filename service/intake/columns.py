"""Which column holds what, and what a cell says."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from service.intake.tables import FileError, Row

_NAMES = {
    "text": (
        "text", "comment", "comments", "комментарий", "комментарии", "отзыв", "текст", "feedback",
        "answer", "ответ", "почему", "что улучшить", "пожелания", "причина оценки", "review",
    ),
    "score": ("score", "nps", "оценка", "балл", "rating", "насколько вероятно", "рекоменд", "recommend"),
    "id": ("id", "номер ответа", "respondent id", "response id", "№", "ид", "номер"),
}  # fmt: skip
_NUMBER = re.compile(r"\s*(\d{1,2})(?:[.,]0+)?(?=\s|$|/|[^\d.,])")


@dataclass(frozen=True)
class Columns:
    """Names of the columns that matter; None is found out, or is not there."""

    text: str | None = None
    score: str | None = None
    id: str | None = None


def detect_columns(columns: Sequence[str], sample: Sequence[Row], given: Columns) -> Columns:
    """The columns of a table, by what the caller says, else by name, else by what is in them.

    Raises:
        FileError: when a given column is not there, or no column looks like comments.
    """
    for name in (given.text, given.score, given.id):
        if name is not None and name not in columns:
            raise FileError(f"found no column «{name}»; the columns are {_quoted(columns)}")
    text = given.text or _by_name(columns, "text") or _longest(columns, sample)
    if text is None:
        raise FileError(f"found no column of comments among {_quoted(columns)}; name it with --text")
    others = [column for column in columns if column != text]
    return Columns(text, given.score or _by_name(others, "score"), given.id or _by_name(others, "id"))


def parse_score(cell: object) -> int | None:
    """The 0–10 score that a cell tells, None where it is blank.

    >>> [parse_score(cell) for cell in (9, "9,0", "9/10", "10 - очень вероятно", 7.0, "", None)]
    [9, 9, 9, 10, 7, None, None]

    Raises:
        ValueError: when it tells something else.
    """
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    if isinstance(cell, float) and cell != cell:  # NaN is how tables say «nothing»
        return None
    match = _NUMBER.match(str(cell))
    if match is None or int(match[1]) > 10:
        raise ValueError(f"found the score «{str(cell)[:40]}», expected 0 to 10")
    return int(match[1])


def _by_name(columns: Sequence[str], kind: str) -> str | None:
    """The column named so exactly, or else the first whose name has one of the words."""
    folded = {column: column.casefold().replace("ё", "е").strip() for column in columns}
    exact = [column for column in columns if folded[column] in _NAMES[kind]]
    if exact or kind == "id":
        return exact[0] if exact else None
    long_names = [name for name in _NAMES[kind] if len(name) > 3]
    return next((column for column in columns if any(name in folded[column] for name in long_names)), None)


def _longest(columns: Sequence[str], sample: Sequence[Row]) -> str | None:
    """The column with the most words, if it has more than two a row."""
    words = [
        sum(len(str(row[i]).split()) for row in sample if row[i] is not None) for i in range(len(columns))
    ]
    best = max(range(len(columns)), key=words.__getitem__, default=None)
    if best is None or words[best] <= 2 * max(1, len(sample)):
        return None
    return columns[best]


def _quoted(columns: Sequence[str]) -> str:
    return ", ".join(f"«{column}»" for column in columns)
