"""Which column holds what, and what a cell says."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from service.intake.rows import Cells, FileError

_NAMES = {
    "text": (
        "text", "comment", "comments", "комментарий", "комментарии", "отзыв", "текст", "feedback",
        "answer", "ответ", "почему", "что улучшить", "пожелания", "причина оценки", "review",
    ),
    "score": ("score", "nps", "оценка", "балл", "rating", "насколько вероятно", "рекоменд", "recommend"),
    "id": ("id", "номер ответа", "respondent id", "response id", "№", "ид", "номер"),
}  # fmt: skip
_OTHER = re.compile(r"\b(дата|время|номер|date|time|id)\b")
"""«Дата ответа» holds no answers."""

_DATE = re.compile(r"\b(дата|отметка времени|время создания|timestamp|date|completion time)\b")
_ATTRIBUTE = re.compile(r"\b(регион|магазин|сегмент|тариф|город|продукт|region|segment|store|city|product)\b")

_NUMBER = re.compile(r"\s*(\d{1,2})(?:[.,]0+)?(?=\s|$|/|[^\d.,])")


@dataclass(frozen=True)
class Columns:
    """Names of the columns that matter; None is found out, or is not there."""

    text: str | None = None
    score: str | None = None
    id: str | None = None
    date: str | None = None
    attributes: tuple[str, ...] = ()
    """What is told of the respondent: region, shop, product, …"""


def detect_columns(columns: Sequence[str], sample: Sequence[Cells], given: Columns) -> Columns:
    """The columns of a table: as the caller says, else by name and by what is in them.

    Raises:
        FileError: when a given column is not there, or no column looks like comments.
    """
    for name in (given.text, given.score, given.id, given.date, *given.attributes):
        if name is not None and name not in columns:
            raise FileError(f"found no column «{name}»; the columns are {_quoted(columns)}")
    text = given.text or _find_text(columns, sample)
    if text is None:
        raise FileError(f"found no column of comments among {_quoted(columns)}; name it with --text")
    others = [column for column in columns if column != text]
    scores = [
        name
        for name in _named(others, "score")
        if _fold(name) in _NAMES["score"] or _tells_scores(columns.index(name), sample)
    ]
    ids = [name for name in others if _fold(name) in _NAMES["id"]]
    dates = [name for name in others if _DATE.search(_fold(name))]
    attributes = given.attributes or tuple(name for name in others if _ATTRIBUTE.search(_fold(name)))
    return Columns(
        text, given.score or _first(scores), given.id or _first(ids), given.date or _first(dates), attributes
    )


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


def _find_text(columns: Sequence[str], sample: Sequence[Cells]) -> str | None:
    """The wordiest column that is named like comments, or else the wordiest of all, if it has sentences."""
    words = {
        column: sum(len(str(row[i]).split()) for row in sample if row[i] is not None)
        for i, column in enumerate(columns)
    }
    named = _named(columns, "text")
    if named:
        return max(named, key=lambda column: (_fold(column) in _NAMES["text"], words[column]))
    best = max(columns, key=words.__getitem__, default=None)
    return best if best is not None and words[best] > 2 * max(1, len(sample)) else None


def _named(columns: Sequence[str], kind: str) -> list[str]:
    """Columns with one of the names, or with a name that has one of the longer words in it."""
    long_names = [name for name in _NAMES[kind] if len(name) > 3]
    return [
        column
        for column in columns
        if _fold(column) in _NAMES[kind]
        or (any(name in _fold(column) for name in long_names) and not _OTHER.search(_fold(column)))
    ]


def _tells_scores(position: int, sample: Sequence[Cells]) -> bool:
    """Whether most of the filled cells are scores."""
    filled = [row[position] for row in sample if row[position] not in (None, "")]
    return sum(map(_is_score, filled)) >= 0.8 * len(filled)


def _is_score(cell: object) -> bool:
    try:
        return parse_score(cell) is not None
    except ValueError:
        return False


def _fold(name: str) -> str:
    return name.casefold().replace("ё", "е").strip()


def _first(names: Sequence[str]) -> str | None:
    return names[0] if names else None


def _quoted(columns: Sequence[str]) -> str:
    return ", ".join(f"«{column}»" for column in columns)
