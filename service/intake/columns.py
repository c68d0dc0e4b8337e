"""Which column holds what: as the caller or a profile says, else by its name and by what is in it."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from service.intake.cells import is_date, parse_score, tells_date
from service.intake.rows import Cells, FileError

_NAMES = {
    "text": (
        "text", "comment", "comments", "комментарий", "комментарии", "отзыв", "текст", "feedback",
        "answer", "ответ", "почему", "что улучшить", "пожелания", "причина оценки", "review",
    ),
    "score": ("score", "nps", "оценка", "балл", "rating", "насколько вероятно", "рекоменд", "recommend"),
    "id": (
        "id", "номер ответа", "respondent id", "response id", "responseid", "submission id", "№", "#", "ид",
        "идентификатор", "номер",
    ),
    "date": (
        "submit date (utc)", "submitted at", "submitdate", "recordeddate", "completion time",
        "время выполнения", "дата ответа", "отметка времени", "timestamp", "end date", "enddate",
        "дата создания", "время создания", "created at", "created_at", "дата", "date",
    ),
    "attributes": (
        "регион", "город", "филиал", "магазин", "сегмент", "тариф", "продукт", "компания", "клиент",
        "менеджер", "region", "city", "branch", "store", "segment", "plan", "product", "company", "customer",
    ),
}  # fmt: skip
"""Names as they are written most often; a longer name may have one of the longer of these in it."""
_OTHER = re.compile(r"\b(дата|время|номер|date|time|id|group)\b")
"""«Дата ответа» holds no answers."""
_QUESTION_NUMBER = re.compile(r"^(q?\d+[.)]|№\s*\d+[.)]?)\s+")
_REPEATED = re.compile(r" \(\d+\)$")
_MIN_LONG = 4
_MIN_SCORES = 0.8


@dataclass(frozen=True)
class Columns:
    """Names of the columns that matter; None is found out, or is not there."""

    text: str | None = None
    score: str | None = None
    id: str | None = None
    date: str | None = None
    attributes: tuple[str, ...] = ()
    """What is told of the respondent: region, shop, product, …"""
    text_also: tuple[str, ...] = ()
    """Columns of the same question on other ways through a survey: the first that is filled counts."""


@dataclass(frozen=True)
class Hints:
    """What a profile knows of names: patterns, with «*» for anything, the best first."""

    text: tuple[str, ...] = ()
    score: tuple[str, ...] = ()
    id: tuple[str, ...] = ()
    date: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    """Columns of the system itself: neither comments nor scores."""


_NO_HINTS = Hints()


def detect_columns(
    columns: Sequence[str], sample: Sequence[Cells], given: Columns, hints: Hints = _NO_HINTS
) -> Columns:
    """The columns of a table: as the caller says, else as the hints say, else by name and content.

    Raises:
        FileError: when a given column is not there, or no column looks like comments.
    """
    given = _resolve(columns, given)
    own = _matching(columns, hints.service)
    open_ = [column for column in columns if column not in own]
    text = given.text or _first(_matching(columns, hints.text)) or _find_text(columns, open_, sample)
    if text is None:
        raise FileError(f"found no column of comments among {_quoted(columns)}; name it with --text")
    unrepeated = _REPEATED.sub("", text)
    text = unrepeated if given.text is None and unrepeated in columns else text
    others = [column for column in columns if column != text]
    scores = _matching(others, hints.score) or [name for name in _named(open_, "score") if name != text]
    scores = [
        name for name in scores if _is_exact(name, "score") or _tells_scores(columns.index(name), sample)
    ]
    return Columns(
        text,
        given.score or _first(scores),
        given.id or _first(_matching(others, hints.id) or _exact(others, "id")),
        given.date or _find_date(columns, [name for name in others if name not in scores], sample, hints),
        given.attributes or tuple(_matching(others, hints.attributes) or _exact(others, "attributes")),
        given.text_also or tuple(name for name in others if _REPEATED.sub("", name) == text),
    )


def _resolve(columns: Sequence[str], given: Columns) -> Columns:
    """The columns that the caller means, whatever case and spaces he typed. Raises: FileError."""
    folded = {fold(column): column for column in reversed(columns)}

    def find(name: str) -> str:
        found = name if name in columns else folded.get(fold(name))
        if found is None:
            raise FileError(f"found no column «{name}»; the columns are {_quoted(columns)}")
        return found

    return Columns(
        text=given.text and find(given.text),
        score=given.score and find(given.score),
        id=given.id and find(given.id),
        date=given.date and find(given.date),
        attributes=tuple(map(find, given.attributes)),
        text_also=tuple(map(find, given.text_also)),
    )


def _matching(columns: Sequence[str], patterns: Iterable[str]) -> list[str]:
    """Columns whose whole name, or a part of a name of several header rows, fits a pattern."""
    found = []
    for pattern in map(fold, patterns):
        escaped = pattern.replace("[", "[[]")
        for column in columns:
            parts = (fold(column), *map(fold, column.split(" - ")))
            if column not in found and any(fnmatchcase(part, escaped) for part in parts):
                found.append(column)
    return found


def _find_text(columns: Sequence[str], open_: Sequence[str], sample: Sequence[Cells]) -> str | None:
    """The wordiest column that is named like comments, or else the wordiest of all, if it has sentences."""
    words = {
        column: sum(len(str(row[columns.index(column)] or "").split()) for row in sample) for column in open_
    }
    named = [name for name in _named(open_, "text") if not _tells_scores(columns.index(name), sample)]
    if named:
        return max(named, key=lambda column: (_is_exact(column, "text"), words[column]))
    best = max(open_, key=words.__getitem__, default=None)
    return best if best is not None and words[best] > 2 * max(1, len(sample)) else None


def _find_date(
    columns: Sequence[str], others: Sequence[str], sample: Sequence[Cells], hints: Hints
) -> str | None:
    """The best named column that holds dates, Excel's numbers too, or else the first with written ones."""
    counted = [name for name in others if _tells(columns.index(name), sample, is_date)]
    dated = [name for name in counted if _tells(columns.index(name), sample, tells_date)]
    return _first([*_matching(counted, hints.date), *_exact(counted, "date"), *_named(dated, "date"), *dated])


def _exact(columns: Sequence[str], kind: str) -> list[str]:
    """Columns with one of the names, in the order of the names."""
    found = [(_NAMES[kind].index(fold(name)), name) for name in columns if _is_exact(name, kind)]
    return [name for _, name in sorted(found, key=lambda pair: pair[0])]


def _is_exact(column: str, kind: str) -> bool:
    return fold(column) in _NAMES[kind]


def _named(columns: Sequence[str], kind: str) -> list[str]:
    """Columns with one of the names, or with a name that has one of the longer names in it."""
    long_names = [name for name in _NAMES[kind] if len(name) >= _MIN_LONG]
    return [
        column
        for column in columns
        if _is_exact(column, kind)
        or (
            any(name in fold(column) for name in long_names)
            and (kind == "date" or not _OTHER.search(fold(column)))
        )
    ]


def _tells_scores(position: int, sample: Sequence[Cells]) -> bool:
    """Whether most of the filled cells are scores."""
    return _tells(position, sample, _is_score)


def _tells(position: int, sample: Sequence[Cells], test: Callable[[object], bool]) -> bool:
    filled = [row[position] for row in sample if row[position] not in (None, "")]
    return bool(filled) and sum(map(test, filled)) >= _MIN_SCORES * len(filled)


def _is_score(cell: object) -> bool:
    try:
        return parse_score(cell) is not None
    except ValueError:
        return False


def fold(name: str) -> str:
    """A name without its case, spaces at the ends, dots on ё, and the number of a question."""
    return _QUESTION_NUMBER.sub("", " ".join(name.casefold().replace("ё", "е").split()))


def _first(names: Sequence[str]) -> str | None:
    return names[0] if names else None


def _quoted(columns: Sequence[str]) -> str:
    return ", ".join(f"«{column}»" for column in columns)
