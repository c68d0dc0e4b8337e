"""The sheet that goes to an analyst and comes back."""

from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from service.intake.rows import FileError
from service.nlp.tagger import Tagger
from service.nlp.taxonomy import Taxonomy
from service.review import excel, exchange
from service.review.exchange import Summary
from service.review.queue import Wish
from service.store import comments, corrections
from service.store.comments import IncomingComment
from service.store.corrections import NewCorrection, view
from service.store.database import Database
from service.store.predictions import StoredTag
from service.store.tagging import store_and_tag
from tests.review.stored import choose, held_tags


def _edit(path: Path, changes: dict[tuple[int, str], Any]) -> None:
    """Change cells of a sheet as an analyst would: by row and name of the column."""
    book = load_workbook(path)
    sheet = book.worksheets[0]
    assert isinstance(sheet, Worksheet)
    columns = {str(cell.value): cell.column for cell in sheet[1]}
    for (row, name), value in changes.items():
        sheet.cell(row, columns[name]).value = value
    book.save(path)


def _read_back(store: Database, path: Path, taxonomy: Taxonomy) -> Summary:
    held = held_tags(store, excel.comment_ids(path))
    return exchange.take(store, excel.read(path, taxonomy, "Анна", held), taxonomy)


def test_an_excel_sheet_that_is_edited_and_sent_back(store: Database, tagger: Tagger, tmp_path: Path) -> None:
    """Changed and checked rows are corrections, others not; evidence stays; a second import adds nothing."""
    path = tmp_path / "queue.xlsx"
    tasks = choose(store, tagger.taxonomy, Wish(12), blind=1)
    assert excel.write(path, tasks, tagger.taxonomy) == 12
    assert _read_back(store, path, tagger.taxonomy).skipped == 12
    seen = [task for task in tasks if task.proposal]
    task = seen[0]
    row = tasks.index(task) + 2
    assert task.proposal
    tag = task.proposal[0]
    category = tagger.taxonomy.category(tag.category)
    polarity, title = ("praise", " Похвала ") if tag.polarity != "praise" else ("problem", "ПРОБЛЕМА")
    aspect = category.aspects[0]
    checked = tasks.index(seen[1]) + 2
    _edit(path, {
        (row, category.title): title, (row, f"{category.title}: аспект"): aspect.title.upper(),
        (row, "Причина"): "так и есть", (checked, "Проверено"): "Да",
    })  # fmt: skip
    summary = _read_back(store, path, tagger.taxonomy)
    assert (summary.added, summary.skipped, summary.problems) == (2, 10, [])
    with store.read() as connection:
        [first] = corrections.history(connection, task.comment.id)
        [second] = corrections.history(connection, seen[1].comment.id)
    changed = next(own for own in first.tags if own.category == tag.category)
    assert (changed.polarity, changed.aspect, changed.evidence) == (polarity, aspect.code, tag.evidence)
    assert (first.reason, first.via, first.author) == ("так и есть", "xlsx", "Анна")
    assert second.proposed is not None
    assert view(second.tags) == view(second.proposed)
    again = _read_back(store, path, tagger.taxonomy)
    assert (again.added, again.problems) == (0, [])


def test_what_others_say_meanwhile_is_not_the_analysts_word(
    store: Database, tagger: Tagger, tmp_path: Path
) -> None:
    """A row that was left as it was sent says nothing, though its comment has other tags by now."""
    path = tmp_path / "queue.xlsx"
    tasks = choose(store, tagger.taxonomy, Wish(6), blind=1)
    excel.write(path, tasks, tagger.taxonomy)
    aside = (StoredTag("price", None, "neutral", evidence=()),)
    with store.write() as connection:
        for task in tasks:
            corrections.add(connection, NewCorrection(task.comment.id, aside, "Борис"), tagger.taxonomy)
    _edit(path, {(3, "Проверено"): "да"})
    summary = _read_back(store, path, tagger.taxonomy)
    assert (summary.added, summary.skipped, summary.problems) == (1, 5, [])
    with store.read() as connection:
        [_, own] = corrections.history(connection, tasks[1].comment.id)
    assert view(own.tags) == view(tasks[1].proposal or ())


BAD_CELLS = {
    "Цена и условия": ("плохо", "«Цена и условия»: found «плохо», expected проблема, похвала, нейтрально"),
    "Цена и условия: аспект": ("Цвет", "«Цена и условия: аспект»: found «Цвет»"),
    "№": ("", "«№»: found «», expected the number that was there"),
    "Редакция": (7, "comment {id} has got a new text"),
    "Отзыв": ("Совсем другой отзыв", "the text is not that of comment {id}; were rows or columns mixed up?"),
    "Проверено": ("может быть", "«Проверено»: found «может быть», expected «да», or nothing"),
}


def test_each_bad_row_of_a_sheet_is_named(store: Database, tagger: Tagger, tmp_path: Path) -> None:
    """Row, column, what was found and what was expected; the good rows are stored."""
    path = tmp_path / "queue.xlsx"
    tasks = choose(store, tagger.taxonomy, Wish(8), blind=1)
    excel.write(path, tasks, tagger.taxonomy)
    changes: dict[tuple[int, str], Any] = {(row, "Проверено"): "да" for row in range(2, 10)}
    for row, (name, (value, _)) in enumerate(BAD_CELLS.items(), 2):
        changes[row, name] = value
    _edit(path, changes)
    summary = _read_back(store, path, tagger.taxonomy)
    assert summary.added == 2
    named = {int(problem.where.removeprefix("row ")): problem.reason for problem in summary.problems}
    assert sorted(named) == list(range(2, 8))
    for row, (_, (_, reason)) in enumerate(BAD_CELLS.items(), 2):
        assert named[row].startswith(reason.format(id=tasks[row - 2].comment.id)), named[row]


def test_a_sheet_of_another_kind_is_refused(tmp_path: Path, taxonomy: Taxonomy) -> None:
    """The missing column is named."""
    path = tmp_path / "a.csv"
    path.write_text("№;Отзыв\n1;дорого\n", encoding="utf-8")
    with pytest.raises(FileError, match="found no column «Редакция»"):
        list(excel.read(path, taxonomy, "Анна", {}))


def test_a_text_that_looks_like_a_formula(sqlite_store: Database, tagger: Tagger, tmp_path: Path) -> None:
    """It stays a text in the sheet, and comes back as it was."""
    text = '=HYPERLINK("http://example.org";"цена") дорого\x0b'
    store_and_tag(sqlite_store, tagger, [IncomingComment("crm", "1", text=text)])
    path = tmp_path / "queue.xlsx"
    excel.write(path, choose(sqlite_store, tagger.taxonomy, Wish(1)), tagger.taxonomy)
    cell = load_workbook(path).worksheets[0]["C2"]
    assert (cell.data_type, cell.value[:11]) == ("s", "=HYPERLINK(")
    _edit(path, {(2, "Проверено"): "да"})
    assert _read_back(sqlite_store, path, tagger.taxonomy).added == 1
    with sqlite_store.read() as connection:
        assert comments.one(connection, 1).state == "corrected"
