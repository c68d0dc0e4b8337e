"""The review queue, the figure of agreement, and the round trips with annotators' tools."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.nlp.tagger import Tagger
from service.nlp.taxonomy import Taxonomy
from service.review import agreement, doccano, exchange, label_studio
from service.review.exchange import Problem
from service.review.marks import Mark, to_marks, to_tags
from service.review.queue import Wish
from service.store import corrections
from service.store.corrections import NewCorrection, view
from service.store.database import Database
from service.store.predictions import StoredTag
from tests.conftest import EXAMPLE
from tests.review.stored import choose, held_tags

PRICE = StoredTag("price", "value", "problem")


def _correct(store: Database, taxonomy: Taxonomy, *new: NewCorrection) -> None:
    with store.write() as connection:
        corrections.add_all(connection, new, taxonomy)


def test_the_queue_goes_by_certainty_and_takes_categories_in_turn(store: Database, tagger: Tagger) -> None:
    """Within a category the least certain come first; no category keeps the others waiting."""
    tasks = choose(store, tagger.taxonomy, Wish(80))
    assert len(tasks) == 80
    doubts = [task.comment.doubt for task in tasks]
    for doubt in set(doubts):
        own = [task.comment.certainty for task in tasks if task.comment.doubt == doubt]
        assert own == sorted(own, key=float)
    kinds = len(set(doubts))
    assert kinds > 1
    assert len(set(doubts[:kinds])) == kinds
    only = choose(store, tagger.taxonomy, Wish(80, category=doubts[0]))
    assert {task.comment.doubt for task in only} == {doubts[0]}


def test_a_blind_share_hides_the_proposal(store: Database, tagger: Tagger) -> None:
    """The same comments are blind each time; about as many as were asked for."""
    first, again = (choose(store, tagger.taxonomy, Wish(80), 25) for _ in range(2))
    blind = [task.comment.id for task in first if task.blind]
    assert blind == [task.comment.id for task in again if task.blind]
    assert 10 <= len(blind) <= 30
    assert all(task.proposal is None for task in first if task.comment.id in blind)


def test_what_is_corrected_leaves_the_queue_and_what_is_contested_leads_it(
    store: Database, tagger: Tagger
) -> None:
    """A correction settles a comment; a contradicting one brings it back, first, to a third person."""
    first, second = choose(store, tagger.taxonomy, Wish(2))
    _correct(store, tagger.taxonomy, NewCorrection(first.comment.id, (PRICE,), "Анна"))
    assert first.comment.id not in {t.comment.id for t in choose(store, tagger.taxonomy, Wish(80))}
    _correct(store, tagger.taxonomy, NewCorrection(second.comment.id, (PRICE,), "Анна"))
    _correct(store, tagger.taxonomy, NewCorrection(second.comment.id, (), "Борис"))
    assert choose(store, tagger.taxonomy, Wish(80))[0].comment.id == second.comment.id
    assert second.comment.id not in {
        task.comment.id for task in choose(store, tagger.taxonomy, Wish(80, reviewer="Анна"))
    }
    assert choose(store, tagger.taxonomy, Wish(1, reviewer="Вера"))[0].comment.id == second.comment.id


def test_agreement(store: Database, tagger: Tagger) -> None:
    """Seen proposals are agreed with 3 times of 4, hidden ones once of 2; people agree once of 1 pair."""
    tasks = choose(store, tagger.taxonomy, Wish(6), blind=100)
    held = held_tags(store, [task.comment.id for task in tasks])
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
    tasks = choose(store, tagger.taxonomy, Wish(80))
    exported = [_as_exported(label_studio.to_task(task, tagger.version)) for task in tasks]
    sent = json.loads(json.dumps(exported))
    summary = exchange.take(store, label_studio.from_tasks(sent, None), tagger.taxonomy)
    assert (summary.added, summary.problems) == (80, [])
    held = held_tags(store, [task.comment.id for task in tasks])
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
            {"data": {"text": f"{EXAMPLE} 0", "comment": 1, "revision": 1}}, _region(0, 5, None, "taste")
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
    good = label_studio.to_task(choose(store, tagger.taxonomy, Wish(80))[-1], tagger.version)
    summary = exchange.take(store, label_studio.from_tasks([task, _as_exported(good)], None), tagger.taxonomy)
    assert summary.added == 1
    assert [str(one)[: len(problem)] for one in summary.problems] == [problem]


def test_label_studio_cancelled_and_untouched(store: Database, tagger: Tagger) -> None:
    """A task that was skipped or not looked at says nothing."""
    task = label_studio.to_task(choose(store, tagger.taxonomy, Wish(1))[0], tagger.version)
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
    tasks = choose(store, tagger.taxonomy, Wish(10))
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
    held = held_tags(store, [task.comment.id for task in tasks])
    assert all(view(held.get(t.comment.id, ())) == view(t.proposal or ()) for t in tasks)
