"""Which rows of a sheet name the columns: under titles, and one, two or three of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from service.intake.rows import Cells, FileError, Mark, Row

_MIN_FILLED = 0.6
"""A header names most columns; a title above it fills one cell or two."""
_MAX_TITLES = 20
_QUALTRICS_IDS = '{"ImportId":'
_ANSWER_WORDS = frozenset(
    ("response", "open-ended response", "ответ", "открытый ответ", "свободный ответ", "произвольный ответ")
)
"""What SurveyMonkey writes under a question that has one column."""
_NUMBER = re.compile(r"[-+]?\d[\d\s.,:/-]*")


@dataclass(frozen=True)
class Header:
    """The names of the columns, and where they stand."""

    columns: tuple[str, ...]
    body: Mark
    """Where the first row under it starts."""
    title_rows: int
    header_rows: int


def find_header(
    rows: Sequence[Row], start: Mark, given_row: int | None, given_count: int | None, source: str
) -> Header:
    """The header among the first rows of a file: as given, else by how the rows are filled.

    Raises:
        FileError: when there is no row, or none with the given number.
    """
    if not rows:
        raise FileError(f"{source}: the file is empty; the first row names the columns")
    first = _find_first(rows) if given_row is None else _index_of(rows, given_row, source)
    count = given_count
    if count is None:
        count = _count_rows(rows, first)
        if given_row is None and count == 1 and first and _completes(rows[first - 1], rows[first]):
            first, count = first - 1, 2
    chosen = rows[first : first + count]
    width = _width(rows, first, count)
    names = [_join_names(parts) for parts in zip(*_spread(chosen, width), strict=True)] or [""] * width
    body = chosen[-1].after if chosen else (rows[first - 1].after if first else start)
    return Header(_unique(names), body, first, count)


def _index_of(rows: Sequence[Row], number: int, source: str) -> int:
    for index, row in enumerate(rows):
        if row.number == number:
            return index
    raise FileError(f"{source}: found no header in row {number}: it is blank, or not among the first rows")


def _find_first(rows: Sequence[Row]) -> int:
    """The first row that fills most of the columns that any row fills."""
    fullest = max(len(_filled(row)) for row in rows)
    for index, row in enumerate(rows[: _MAX_TITLES + 1]):
        if len(_filled(row)) >= _MIN_FILLED * fullest:
            return index
    return 0


def _count_rows(rows: Sequence[Row], first: int) -> int:
    """How many rows from `first` on belong to the header."""
    below = rows[first + 1 : first + 3]
    if len(below) == 2 and any(str(cell).startswith(_QUALTRICS_IDS) for cell in below[1].cells):
        return 3
    if below and (_names_answers(rows[first], below[0]) or _completes(rows[first], below[0])):
        return 2
    return 1


def _names_answers(upper: Row, lower: Row) -> bool:
    """Whether the lower row says what the columns of questions hold, and nothing under the others."""
    filled = _filled(lower)
    if not filled or 0 in filled or not _is_text(lower):
        return False
    return any(str(lower.cells[i]).strip().casefold() in _ANSWER_WORDS for i in filled)


def _completes(upper: Row, lower: Row) -> bool:
    """Whether the lower row names the columns that the upper one leaves open, and only those besides.

    That is how merged cells look: a group of columns is named once above, each of its columns below.
    """
    above, below = _filled(upper), _filled(lower)
    opened = [i for i in below if i not in above]
    left_out = [i for i in above if i not in below]
    return bool(
        len(above) > 1 and opened and left_out and left_out[0] == 0 and _is_text(upper) and _is_text(lower)
    )


def _is_text(row: Row) -> bool:
    cells = [row.cells[i] for i in _filled(row)]
    return all(isinstance(cell, str) and not _NUMBER.fullmatch(cell.strip()) for cell in cells)


def _filled(row: Row) -> list[int]:
    return [i for i, cell in enumerate(row.cells) if cell is not None and str(cell).strip()]


def _width(rows: Sequence[Row], first: int, count: int) -> int:
    """How many columns the table has: those of the header, or more if most rows have more."""
    named = max((_filled(row)[-1] + 1 for row in rows[first : first + count] if _filled(row)), default=0)
    held = max((len(row.cells) for row in rows[first : first + count]), default=0) if count else 0
    body = [_filled(row)[-1] + 1 for row in rows[first + count :] if _filled(row)]
    usual = sorted(body)[len(body) // 2] if body else 0
    return max(named, usual, held if _is_padded(rows, held) else 0)


def _is_padded(rows: Sequence[Row], width: int) -> bool:
    """Whether rows have blank cells up to `width`, as in CSV."""
    return sum(len(row.cells) == width for row in rows) * 2 > len(rows)


def _spread(rows: Sequence[Row], width: int) -> list[list[str]]:
    """The names in each row; of several rows, a name in the first goes for the columns open to its right."""
    names = [[_clean(cell) for cell in _padded(row.cells, width)] for row in rows]
    if len(names) > 1:
        for i in range(1, width):
            if not names[0][i] and names[1][i]:
                names[0][i] = names[0][i - 1]
    return names[:2]


def _padded(cells: Cells, width: int) -> list[object]:
    return [*cells[:width], *(None,) * (width - len(cells))]


def _clean(cell: object) -> str:
    return "" if cell is None else " ".join(str(cell).split())


def _join_names(parts: Sequence[str]) -> str:
    """One name of what the rows of the header say about a column.

    >>> _join_names(["Почему?", "Open-Ended Response"]), _join_names(["StartDate", "Start Date"])
    ('Почему?', 'StartDate')
    >>> _join_names(["Q2", "Почему?"])
    'Q2 - Почему?'
    """
    upper, *lower = parts
    if not lower or not lower[0] or (lower[0].casefold() in _ANSWER_WORDS and upper):
        return upper
    same = re.sub(r"\W", "", upper).casefold() == re.sub(r"\W", "", lower[0]).casefold()
    return upper if same else " - ".join(filter(None, (upper, lower[0])))


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Names of which each is there once: a blank one becomes its number, the like ones are numbered.

    >>> _unique(["Оценка", "", "Оценка"])
    ('Оценка', '2', 'Оценка (2)')
    """
    taken: dict[str, None] = {}
    for position, name in enumerate(names, 1):
        wanted = name or str(position)
        free, count = wanted, 1
        while free in taken:
            count += 1
            free = f"{wanted} ({count})"
        taken[free] = None
    return tuple(taken)
