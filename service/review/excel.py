"""An Excel sheet of tasks that an analyst edits and sends back: a row a comment, two columns a category."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook

from service.intake.columns import Columns
from service.intake.layout import ReadOptions
from service.intake.rows import BadRow, FileError
from service.intake.tables import open_table
from service.nlp.heads import Polarity
from service.nlp.taxonomy import Category, Taxonomy
from service.review.exchange import Problem, Returned
from service.review.marks import MarkError, to_subject
from service.review.queue import Task
from service.store.corrections import NewCorrection
from service.store.predictions import StoredTag

VIA = "xlsx"
_ID, _REVISION, _TEXT, _SCORE = "№", "Редакция", "Отзыв", "Оценка"
_REASON, _CHECKED, _BLIND = "Причина", "Проверено", "Вслепую"
_PROPOSED = "Предложено"
"""A hidden column: what the row said when it was written, to tell what the analyst changed. What the store
holds may have changed since then, by another person or another model."""
_POLARITIES: dict[str, Polarity] = {"проблема": "problem", "похвала": "praise", "нейтрально": "neutral"}
_COLOURS = {"проблема": "#F8CBAD", "похвала": "#C6E0B4", "нейтрально": "#E7E6E6"}
_YES = {"да", "yes", "1", "1.0", "true", "+", "x", "х", "v", "✓"}  # Latin and Russian x
_NO = {"", "нет", "no", "0", "0.0", "false", "-"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_MAX_LIST_CHARS = 255
"""Excel's own limit on the values of a drop-down list."""

Held = Mapping[int, tuple[StoredTag, ...]]


@dataclass(frozen=True, slots=True)
class _Pair:
    """The two columns of a category."""

    category: Category

    @property
    def polarity(self) -> str:
        return self.category.title

    @property
    def aspect(self) -> str:
        return f"{self.category.title}: аспект"


def write(path: Path, tasks: Iterable[Task], taxonomy: Taxonomy) -> int:
    """Write a sheet with drop-down lists; how many rows it has."""
    pairs = [_Pair(category) for category in taxonomy.categories]
    headers = _headers(pairs)
    with Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet("Разметка")
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        sheet.write_row(0, 0, headers, bold)
        sheet.freeze_panes(1, 3)
        sheet.set_column(0, 1, 9, wrapped)
        sheet.set_column(2, 2, 70, wrapped)
        sheet.set_column(3, len(headers) - 2, 16, wrapped)
        sheet.set_column(headers.index(_PROPOSED), headers.index(_PROPOSED), None, None, {"hidden": True})
        rows = 0
        for rows, task in enumerate(tasks, 1):
            _write_row(sheet, rows, _cells(task, pairs))
        sheet.autofilter(0, 0, max(rows, 1), len(headers) - 1)
        _add_lists(sheet, pairs, headers, max(rows, 1))
        for word, colour in _COLOURS.items():
            found = {"type": "cell", "criteria": "==", "value": f'"{word}"'}
            look = book.add_format({"bg_color": colour})
            sheet.conditional_format(1, 4, max(rows, 1), len(headers) - 1, found | {"format": look})
    return rows


def read(path: Path, taxonomy: Taxonomy, author: str, held: Held) -> Iterator[Returned | Problem | None]:
    """What came back; `held` are the tags that hold, by the comment's id, whose evidence is kept.

    A row counts when its tags are not those that it was sent with, or it is marked as checked.
    Raises: FileError.
    """
    table = open_table(path, ReadOptions(columns=Columns(text=_TEXT)))
    pairs = [_Pair(category) for category in taxonomy.categories]
    missing = [name for name in _headers(pairs) if name not in table.columns]
    if missing:
        raise FileError(
            f"{path}: found no column «{missing[0]}»; send back the sheet that review export made"
        )
    for row in table.rows():
        where = f"row {row.number}"
        if isinstance(row, BadRow):
            yield Problem(where, row.reason)
            continue
        cells = {name: _plain(value) for name, value in zip(table.columns, row.cells, strict=True)}
        try:
            yield _read_row(where, cells, pairs, author, held)
        except MarkError as error:
            yield Problem(where, str(error))


def comment_ids(path: Path) -> list[int]:
    """The comments of a sheet, as far as they can be read. Raises: FileError."""
    table = open_table(path, ReadOptions(columns=Columns(text=_TEXT)))
    rows = [
        dict(zip(table.columns, row.cells, strict=False))
        for row in table.rows()
        if not isinstance(row, BadRow)
    ]
    return [int(found) for row in rows if (found := _whole(_plain(row.get(_ID)))) is not None]


def _read_row(
    where: str, cells: dict[str, str], pairs: list[_Pair], author: str, held: Held
) -> Returned | None:
    comment_id, revision = _number(cells, _ID), _number(cells, _REVISION)
    blind = _is_yes(cells, _BLIND)
    before = () if blind else held.get(comment_id, ())
    tags = tuple(tag for pair in pairs if (tag := _read_tag(cells, pair, before)) is not None)
    if _spell(tags) == cells[_PROPOSED] and not _is_yes(cells, _CHECKED):
        return None
    correction = NewCorrection(
        comment_id, tags, author, cells[_REASON] or None, via=VIA, blind=blind, revision=revision
    )
    return Returned(where, correction, cells[_TEXT])


def _read_tag(cells: dict[str, str], pair: _Pair, before: Iterable[StoredTag]) -> StoredTag | None:
    word, title = cells[pair.polarity].casefold(), cells[pair.aspect]
    if not word:
        if title:
            raise MarkError(f"«{pair.aspect}»: found «{title}» without a polarity in «{pair.polarity}»")
        return None
    polarity = _POLARITIES.get(word)
    if polarity is None:
        expected = ", ".join(_POLARITIES)
        raise MarkError(f"«{pair.polarity}»: found «{cells[pair.polarity]}», expected {expected}, or nothing")
    code = pair.category.code
    evidence = next((tag.evidence for tag in before if tag.category == code), ())
    return StoredTag(code, _read_aspect(pair, title), polarity, evidence=evidence)


def _read_aspect(pair: _Pair, title: str) -> str | None:
    if not title:
        return None
    for aspect in pair.category.aspects:
        if title.casefold() in (aspect.title.casefold(), aspect.code.casefold()):
            return aspect.code
    expected = ", ".join(aspect.title for aspect in pair.category.aspects) or "nothing"
    raise MarkError(f"«{pair.aspect}»: found «{title}», expected {expected}")


def _headers(pairs: Iterable[_Pair]) -> list[str]:
    columns = [name for pair in pairs for name in (pair.polarity, pair.aspect)]
    return [_ID, _REVISION, _TEXT, _SCORE, *columns, _REASON, _CHECKED, _BLIND, _PROPOSED]


def _cells(task: Task, pairs: Iterable[_Pair]) -> list[Any]:
    comment = task.comment
    tags = {tag.category: tag for tag in task.proposal or ()}
    words = {code: word for word, code in _POLARITIES.items()}
    cells: list[Any] = [comment.id, comment.revision, _CONTROL.sub(" ", comment.text or ""), comment.score]
    for pair in pairs:
        tag = tags.get(pair.category.code)
        aspects = {aspect.code: aspect.title for aspect in pair.category.aspects}
        cells += [words[tag.polarity], aspects.get(tag.aspect or "", "")] if tag else ["", ""]
    return [*cells, "", "", "да" if task.blind else "", _spell(task.proposal or ())]


def _spell(tags: Iterable[StoredTag]) -> str:
    return "; ".join(sorted(f"{to_subject(tag.category, tag.aspect)}:{tag.polarity}" for tag in tags))


def _write_row(sheet: Any, row: int, cells: Iterable[Any]) -> None:  # noqa: ANN401  # xlsxwriter has no types
    for column, value in enumerate(cells):
        if isinstance(value, str):
            sheet.write_string(row, column, value)
        elif value is not None:
            sheet.write_number(row, column, value)


def _add_lists(sheet: Any, pairs: Iterable[_Pair], headers: list[str], last: int) -> None:  # noqa: ANN401
    lists = {_CHECKED: ["да"]}
    for pair in pairs:
        lists[pair.polarity] = list(_POLARITIES)
        lists[pair.aspect] = [aspect.title for aspect in pair.category.aspects]
    for name, values in lists.items():
        if values and len(",".join(values)) <= _MAX_LIST_CHARS and not any("," in value for value in values):
            column = headers.index(name)
            options = {"validate": "list", "source": values, "error_title": "Отклик",
                       "error_message": "Выберите значение из списка или очистите ячейку"}  # fmt: skip
            sheet.data_validation(1, column, last, column, options)


def _plain(value: object) -> str:
    return "" if value is None else str(value).strip()


def _whole(text: str) -> int | None:
    return int(match[1]) if (match := re.fullmatch(r"(\d+)(?:\.0+)?", text)) else None


def _number(cells: Mapping[str, str], name: str) -> int:
    number = _whole(cells[name])
    if number is None:
        raise MarkError(f"«{name}»: found «{cells[name]}», expected the number that was there")
    return number


def _is_yes(cells: Mapping[str, str], name: str) -> bool:
    word = cells[name].casefold()
    if word not in _YES | _NO:
        raise MarkError(f"«{name}»: found «{cells[name]}», expected «да», or nothing")
    return word in _YES
