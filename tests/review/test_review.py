"""The review queue, the figure of agreement, and the round trips with annotators' tools."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from service.intake.rows import FileError
from service.nlp.tagger import Tagger
from service.nlp.taxonomy import Taxonomy
from service.review import agreement, doccano, excel, exchange, label_studio, queue
from service.review.exchange import Problem, Summary
from service.review.marks import Mark, to_marks, to_tags
from service.review.queue import Task, Wish
from service.store import comments, corrections, predictions
from service.store.comments import IncomingComment
from service.store.corrections import NewCorrection, view
from service.store.database import Database
from service.store.predictions import StoredTag
from service.store.tagging import store_and_tag
from tests.conftest import EXAMPLE

TEXTS = (
    EXAMPLE,
    "Цена высокая, зато менеджер ответил сразу 👍 и сварка ровная",
    "Упаковка порвалась, доставка так себе",
    "Спасибо",
    "Гарантийный ремонт тянут месяц, на звонки не отвечают",
    "Дорого. Скидок нет, отсрочку не дают",
    "Отгрузили не тот размер, перезаказали, ждём",
    "Менеджер Ирина всё объяснила, счёт прислала за час",
)
PRICE = StoredTag("price", "value", "problem")


@pytest.fixture
def store(sqlite_store: Database, tagger: Tagger) -> Database:
    """An embedded store with 80 tagged comments."""
    incoming = [IncomingComment("crm", str(i), text=f"{TEXTS[i % 8]} {i}", score=i % 11) for i in range(80)]
    store_and_tag(sqlite_store, tagger, incoming)
    return sqlite_store


def _choose(store: Database, taxonomy: Taxonomy, wish: Wish, blind: int = 10) -> list[Task]:
    with store.read() as connection:
        return queue.choose(connection, taxonomy, wish, blind)


def _correct(store: Database, taxonomy: Taxonomy, *new: NewCorrection) -> None:
    with store.write() as connection:
        corrections.add_all(connection, new, taxonomy)


def _held(store: Database, ids: Iterable[int]) -> dict[int, tuple[StoredTag, ...]]:
    with store.read() as connection:
        return predictions.tags_that_hold(connection, ids)


def test_the_queue_goes_by_certainty_and_takes_categories_in_turn(store: Database, tagger: Tagger) -> None:
    """Within a category the least certain come first; no category keeps the others waiting."""
    tasks = _choose(store, tagger.taxonomy, Wish(80))
    assert len(tasks) == 80
    doubts = [task.comment.doubt for task in tasks]
    for doubt in set(doubts):
        own = [task.comment.certainty for task in tasks if task.comment.doubt == doubt]
        assert own == sorted(own, key=float)
    kinds = len(set(doubts))
    assert kinds > 1
    assert len(set(doubts[:kinds])) == kinds
    only = _choose(store, tagger.taxonomy, Wish(80, category=doubts[0]))
    assert {task.comment.doubt for task in only} == {doubts[0]}


def test_a_blind_share_hides_the_proposal(store: Database, tagger: Tagger) -> None:
    """The same comments are blind each time; about as many as were asked for."""
    first, again = (_choose(store, tagger.taxonomy, Wish(80), 25) for _ in range(2))
    blind = [task.comment.id for task in first if task.blind]
    assert blind == [task.comment.id for task in again if task.blind]
    assert 10 <= len(blind) <= 30
    assert all(task.proposal is None for task in first if task.comment.id in blind)


def test_what_is_corrected_leaves_the_queue_and_what_is_contested_leads_it(
    store: Database, tagger: Tagger
) -> None:
    """A correction settles a comment; a contradicting one brings it back, first, to a third person."""
    first, second = _choose(store, tagger.taxonomy, Wish(2))
    _correct(store, tagger.taxonomy, NewCorrection(first.comment.id, (PRICE,), "Анна"))
    assert first.comment.id not in {t.comment.id for t in _choose(store, tagger.taxonomy, Wish(80))}
    _correct(store, tagger.taxonomy, NewCorrection(second.comment.id, (PRICE,), "Анна"))
    _correct(store, tagger.taxonomy, NewCorrection(second.comment.id, (), "Борис"))
    assert _choose(store, tagger.taxonomy, Wish(80))[0].comment.id == second.comment.id
    assert second.comment.id not in {
        task.comment.id for task in _choose(store, tagger.taxonomy, Wish(80, reviewer="Анна"))
    }
    assert _choose(store, tagger.taxonomy, Wish(1, reviewer="Вера"))[0].comment.id == second.comment.id


def test_agreement(store: Database, tagger: Tagger) -> None:
    """Seen proposals are agreed with 3 times of 4, hidden ones once of 2; people agree once of 1 pair."""
    tasks = _choose(store, tagger.taxonomy, Wish(6), blind=100)
    held = _held(store, [task.comment.id for task in tasks])
    own = [held.get(task.comment.id, ()) for task in tasks]
    other = (StoredTag("support", "resolution", "neutral"),)
    said = [(own[0], False), (own[1], False), (own[2], False), (other, False), (own[4], True), (other, True)]
    _correct(store, tagger.taxonomy, *(
        NewCorrection(task.comment.id, tags, "Анна", blind=blind)
        for task, (tags, blind) in zip(tasks, said, strict=True)
    ))  # fmt: skip
    _correct(store, tagger.taxonomy, NewCorrection(tasks[0].comment.id, other, "Анна"))
    with store.read() as connection:
        found = agreement.measure(connection)
    assert (found.open.hits, found.open.count) == (3, 4)
    assert (found.blind.hits, found.blind.count) == (1, 2)
    assert (found.people.count, found.nodding) == (0, 0.25)
    assert found.nodding_interval
    assert found.nodding_interval[0] < 0.25 < found.nodding_interval[1]
    _correct(store, tagger.taxonomy, NewCorrection(tasks[1].comment.id, own[1], "Борис"))
    with store.read() as connection:
        assert agreement.measure(connection).people.to_json()["value"] == 1.0


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(1, 6), st.sampled_from(["deadlines", "delivery", None])),
        min_size=1, max_size=6,
    )
)  # fmt: skip
def test_marks_come_to_one_tag_a_category(spans: list[tuple[int, int, str | None]]) -> None:
    """Whatever is marked, a category has one tag, with every marked piece as evidence; so there and back."""
    marks = [Mark(start, start + length, "logistics", aspect, "problem") for start, length, aspect in spans]
    [tag] = to_tags(marks)
    assert set(tag.evidence) == {(mark.start, mark.stop) for mark in marks}
    assert (tag.aspect is None) == all(mark.aspect is None for mark in marks)
    assert to_tags(to_marks([tag])) == (tag,)


def test_marks_for_and_against_are_neutral() -> None:
    """By the rule book; and of two aspects the one with more words holds."""
    marks = [Mark(0, 4, "price", "terms", "praise"), Mark(6, 20, "price", "value", "problem")]
    assert to_tags(marks) == (StoredTag("price", "value", "neutral", evidence=((0, 4), (6, 20))),)


def _as_exported(task: dict[str, Any], results: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A task as Label Studio exports it, with one annotation."""
    if results is None:
        results = task["predictions"][0]["result"] if "predictions" in task else []
    by = {"id": 1, "email": "anna@zavod.example"}
    annotation = {"id": 7, "completed_by": by, "was_cancelled": False, "result": results, "lead_time": 3.2}
    return {"id": 5, "data": task["data"], "annotations": [annotation], "predictions": []}


def test_label_studio_there_and_back(store: Database, tagger: Tagger) -> None:
    """Annotations that leave the prediction as it was say just what the model said, with its evidence."""
    tasks = _choose(store, tagger.taxonomy, Wish(80))
    exported = [_as_exported(label_studio.to_task(task, tagger.version)) for task in tasks]
    sent = json.loads(json.dumps(exported))
    summary = exchange.take(store, label_studio.from_tasks(sent, None), tagger.taxonomy)
    assert (summary.added, summary.problems) == (80, [])
    held = _held(store, [task.comment.id for task in tasks])
    for task in tasks:
        assert view(held.get(task.comment.id, ())) == view(task.proposal or ())
        spans = {span for tag in held.get(task.comment.id, ()) for span in tag.evidence}
        assert spans == {span for tag in task.proposal or () for span in tag.evidence}
    with store.read() as connection:
        read = list(corrections.all_with_texts(connection))
    assert {correction.author for correction, _ in read} == {"anna@zavod.example"}
    blind = {task.comment.id for task in tasks if task.blind}
    assert {comment.id for correction, comment in read if correction.blind} == blind
    again = exchange.take(store, label_studio.from_tasks(sent, None), tagger.taxonomy)
    assert (again.added, again.unchanged) == (0, 80)


def _region(start: int, end: int, text: str | None, label: str = "price/value") -> list[dict[str, Any]]:
    value = {"start": start, "end": end} | ({} if text is None else {"text": text})
    return [
        {"id": "a", "from_name": "tag", "to_name": "text", "type": "labels",
         "value": value | {"labels": [label]}},
        {"id": "a", "from_name": "polarity", "to_name": "text", "type": "choices",
         "value": value | {"choices": ["problem"]}},
    ]  # fmt: skip


EMOJI = "👍👍 дорого, но дорого"
REGIONS = {
    "code points": (_region(3, 9, "дорого"), (3, 9)),
    "UTF-16 units": (_region(5, 11, "дорого"), (3, 9)),
    "no words beside": (_region(15, 21, None), (15, 21)),
    "moved": (_region(9, 13, "но"), (11, 13)),
}


@pytest.mark.parametrize(("results", "span"), REGIONS.values(), ids=REGIONS.keys())
def test_label_studio_offsets(results: list[dict[str, Any]], span: tuple[int, int]) -> None:
    """However a version counts, the evidence is the words that were marked."""
    data = {"text": EMOJI, "comment": 1, "revision": 1}
    returned = label_studio.from_annotation("task 1", data, {"result": results}, "Анна")
    assert not isinstance(returned, Problem)
    assert returned.correction.tags[0].evidence == (span,)


BAD_TASKS: dict[str, tuple[Any, str]] = {
    "no list of annotations": ({"id": 3, "text": "а"}, "task 3: found no data and annotations"),
    "not ours": (
        {"id": 3, "data": {"text": "а"}, "annotations": [{"result": []}]},
        "task 3: found no comment and revision in its data",
    ),
    "no polarity": (
        _as_exported({"data": {"text": EMOJI, "comment": 1, "revision": 1}}, _region(3, 9, "дорого")[:1]),
        "task 5: «дорого» has no polarity",
    ),
    "other words": (
        _as_exported({"data": {"text": EMOJI, "comment": 1, "revision": 1}}, _region(3, 9, "дёшево")),
        "task 5: found «дёшево» at 3–9, where the text has «дорого»",
    ),
    "other label": (
        _as_exported(
            {"data": {"text": f"{TEXTS[0]} 0", "comment": 1, "revision": 1}}, _region(0, 5, None, "taste")
        ),
        "task 5: tags[0]: found the category «taste», expected one of",
    ),
    "another text": (
        _as_exported({"data": {"text": EMOJI, "comment": 1, "revision": 1}}, _region(3, 9, "дорого")),
        "task 5: the text is not that of comment 1",
    ),
    "an older text": (
        _as_exported({"data": {"text": EMOJI, "comment": 1, "revision": 9}}, _region(3, 9, "дорого")),
        "task 5: comment 1 has got a new text",
    ),
    "no comment": (
        _as_exported({"data": {"text": EMOJI, "comment": 999, "revision": 1}}, _region(3, 9, "дорого")),
        "task 5: there is no comment 999",
    ),
}


@pytest.mark.parametrize(("task", "problem"), BAD_TASKS.values(), ids=BAD_TASKS.keys())
def test_bad_tasks_are_named_and_the_rest_is_kept(
    store: Database, tagger: Tagger, task: Any, problem: str
) -> None:
    """One task that cannot be used keeps no other from being stored."""
    good = label_studio.to_task(_choose(store, tagger.taxonomy, Wish(80))[-1], tagger.version)
    summary = exchange.take(store, label_studio.from_tasks([task, _as_exported(good)], None), tagger.taxonomy)
    assert summary.added == 1
    assert [str(one)[: len(problem)] for one in summary.problems] == [problem]


def test_label_studio_cancelled_and_untouched(store: Database, tagger: Tagger) -> None:
    """A task that was skipped or not looked at says nothing."""
    task = label_studio.to_task(_choose(store, tagger.taxonomy, Wish(1))[0], tagger.version)
    cancelled = _as_exported(task)
    cancelled["annotations"][0]["was_cancelled"] = True
    untouched = {"id": 6, "data": task["data"], "annotations": []}
    summary = exchange.take(store, label_studio.from_tasks([cancelled, untouched], None), tagger.taxonomy)
    assert (summary.added, summary.skipped) == (0, 2)


def test_the_interface_offers_every_tag(taxonomy: Taxonomy) -> None:
    """Each category and aspect is a label, each polarity a choice, by the codes of the taxonomy."""
    from xml.etree import ElementTree

    root = ElementTree.fromstring(label_studio.interface(taxonomy))
    labels = [label.attrib["alias"] for label in root.iter("Label")]
    assert labels[:2] == ["quality", "quality/geometry"]
    assert len(labels) == len(set(labels)) == sum(1 + len(c.aspects) for c in taxonomy.categories)
    assert [choice.attrib["alias"] for choice in root.iter("Choice")] == ["problem", "praise", "neutral"]


def test_doccano_there_and_back(store: Database, tagger: Tagger) -> None:
    """Lines come back with doccano's own id and comments, meta data flat or nested; problems by line."""
    tasks = _choose(store, tagger.taxonomy, Wish(10))
    lines = [json.loads(doccano.to_line(task)) for task in tasks]
    flat = [line | {"id": 100 + i, "Comments": []} for i, line in enumerate(lines[:5])]
    nested = [
        {"id": 1, "text": line["text"], "label": line["label"],
         "meta": {name: line[name] for name in ("comment", "revision", "blind")}}
        for line in lines[5:]
    ]  # fmt: skip
    bad = [{"text": "а", "label": [[0, 1, "цена"]]} | {"comment": 1, "revision": 1}, {"text": "а"}]
    sent = [json.dumps(line).encode() for line in [*flat, *nested, *bad]]
    summary = exchange.take(store, doccano.from_lines([*sent, b"", b"{"], "Анна"), tagger.taxonomy)
    assert summary.added == 10
    assert [str(problem).split(";")[0] for problem in summary.problems] == [
        "line 11: found the label «цена», expected one like «logistics/deadlines:problem»",
        "line 12: found no text, label, comment and revision",
        "line 14: not a JSON object",
    ]
    held = _held(store, [task.comment.id for task in tasks])
    assert all(view(held.get(t.comment.id, ())) == view(t.proposal or ()) for t in tasks)


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
    held = _held(store, excel.comment_ids(path))
    return exchange.take(store, excel.read(path, taxonomy, "Анна", held), taxonomy)


def test_an_excel_sheet_that_is_edited_and_sent_back(store: Database, tagger: Tagger, tmp_path: Path) -> None:
    """Changed and checked rows are corrections, others not; evidence stays; a second import adds nothing."""
    path = tmp_path / "queue.xlsx"
    tasks = _choose(store, tagger.taxonomy, Wish(12), blind=1)
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
    tasks = _choose(store, tagger.taxonomy, Wish(6), blind=1)
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
    tasks = _choose(store, tagger.taxonomy, Wish(8), blind=1)
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
    excel.write(path, _choose(sqlite_store, tagger.taxonomy, Wish(1)), tagger.taxonomy)
    cell = load_workbook(path).worksheets[0]["C2"]
    assert (cell.data_type, cell.value[:11]) == ("s", "=HYPERLINK(")
    _edit(path, {(2, "Проверено"): "да"})
    assert _read_back(sqlite_store, path, tagger.taxonomy).added == 1
    with sqlite_store.read() as connection:
        assert comments.one(connection, 1).state == "corrected"
