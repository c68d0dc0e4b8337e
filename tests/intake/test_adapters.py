"""What each adapter makes of the shipped captures, which have the shapes that the platforms document."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jmespath
import pytest

from service.intake.adapters import find, names
from service.intake.captures import read_capture
from service.intake.deliveries import read_content
from service.intake.events import Answer, Deletion, Event, Ignored, Reference
from service.intake.mapping import Adapter, AnswerMap, Choices, DeletionMap, ReferenceMap
from training.settings import PROJECT

CAPTURES = PROJECT / "data" / "examples" / "deliveries"
LIMIT = 2 * 1024 * 1024

EXPECTED: dict[str, list[tuple[str, str | None, int | None, str | None]]] = {
    "amocrm": [("5012", "Привезли не всё, недовложили крепёж", 3, None)],
    "amocrm.message": [("message-m-1", "Станок сломался", None, "Иван")],
    "anketolog": [("31", "Гарантийный ремонт тянут второй месяц", 4, None)],
    "bitrix24.openline": [("message-3001", "Не могу дозвониться в сервис", None, "901")],
    "bitrix24.robot": [("DEAL_5012", "Срывают сроки поставки", 3, None)],
    "bitrix24.stock-robot": [("DEAL_5013", "Отличный станок", 9, None)],
    "chatwoot": [("901", "Не решили вопрос с гарантией", None, "ivan@example.ru")],
    "delighted": [("70012", "Долго ждали отгрузку, сроки сорвали на неделю", 4, "ivan@example.ru")],
    "delighted.created": [("70012", None, 4, "88")],
    "formbricks": [("rsp1", "Курьер опоздал на день", 3, None)],
    "generic": [("r-1", "Курьер опоздал", 3, "ivan@example.ru")],
    "generic.cloudevent": [("/crm|e-7", "Быстрая доставка", 9, None)],
    "generic.lines": [("l-1", "Брак в партии", 1, None), ("l-2", "Приветливый менеджер", 10, None)],
    "generic.zapier": [("r-2", "Отличное качество", 9, "ivan@example.ru")],
    "google-forms": [("2_ABaOnue", "Документы приходят с ошибками", 7, "anna@example.ru")],
    "google-forms.sheet": [("Sheet1!42", "Быстро сделали КП", 9, None)],
    "limesurvey": [("123456-42", "Цены задрали", 3, "ivan@example.ru")],
    "msforms": [("41", "Менеджер неделю не отвечал на запрос КП", 3, "petr@example.ru")],
    "promoter": [("4711", "Редуктор сломался через месяц", 2, "zavod@example.ru")],
    "qualtrics.fetched": [("R_1", "Станок шумит и греется", 4, "lev@example.ru")],
    "qualtrics.workflow": [("R_2", "Хорошая упаковка", 8, "lev@example.ru")],
    "sendpulse": [("c1-1788253200000", "Станок пришёл битый", 3, "+79990000000")],
    "surveymonkey.fetched": [("880012", "Швы неровные, брызги не зачищены", 2, None)],
    "tally": [("jyq1", "Долго отвечает поддержка", 3, None)],
    "testograf": [("1007", "Коробку привезли помятой", 5, None)],
    "typeform": [("a3a1", "Не дозвониться в сервис третий день", 3, None)],
    "webask": [("w-9", "Цена выше, чем у других, скидку не дали", 6, None)],
    "webask.get": [("w-10", "Дорого", 2, None)],
    "yandex-forms": [("88", "Отгрузили не ту номенклатуру,\nпаспорт на изделие потеряли", 0, None)],
    "yandex-forms.jsonrpc": [("89", "Качество отличное", 10, None)],
}
"""Id, comment, score and respondent by the name of the capture."""

REFERENCES = {
    "bitrix24": Reference(
        "item",
        "5012",
        {"entityTypeId": "2", "portal": "romashka.bitrix24.ru"},
        datetime(2026, 9, 1, 9, tzinfo=UTC),
    ),
    "surveymonkey": Reference(
        "response",
        "880012",
        {"survey_id": "511", "collector_id": "77"},
        datetime(2026, 9, 1, 9, tzinfo=UTC),
    ),
    "qualtrics": Reference(
        "response",
        "R_1",
        {"survey_id": "SV_1", "brand": "acme"},
        datetime(2026, 9, 1, 13, 28, 11, tzinfo=UTC),
    ),
}


def _adapter(name: str) -> Adapter:
    adapter = find(name)
    assert adapter
    return adapter


def _read(name: str, choices: Choices | None = None) -> list[Event]:
    delivery = read_capture((CAPTURES / f"{name}.http").read_bytes())
    content = read_content(delivery, LIMIT)
    assert content.problems == ()
    return _adapter(name.partition(".")[0]).read(content.documents, delivery.headers, choices)


def _read_document(name: str, document: dict[str, Any], choices: Choices | None = None) -> Event:
    [event] = _adapter(name).read([document], {}, choices)
    return event


@pytest.mark.parametrize("name", EXPECTED)
def test_answers(name: str) -> None:
    """Id, comment, score and respondent are found where each platform puts them."""
    events = _read(name)
    assert all(isinstance(event, Answer) and event.notes == () for event in events)
    assert [(e.id, e.text, e.score, e.respondent) for e in events if isinstance(e, Answer)] == EXPECTED[name]


@pytest.mark.parametrize("name", REFERENCES)
def test_references(name: str) -> None:
    """Platforms that send ids only give what has to be fetched."""
    assert _read(name) == [REFERENCES[name]]


def test_every_source_has_a_capture() -> None:
    """No adapter without its shape on file, no capture without an expectation."""
    captures = {path.stem for path in CAPTURES.glob("*.http")}
    assert captures == EXPECTED.keys() | REFERENCES.keys()
    assert {name.partition(".")[0] for name in captures} == set(names())


@pytest.mark.parametrize("name", names())
def test_every_place_is_a_sound_expression(name: str) -> None:
    """What cannot be compiled would silently find nothing."""
    adapter = _adapter(name)
    places = [*adapter.token_places, *(i[5:] for i in adapter.delivery_ids if i.startswith("body:"))]
    for rule in adapter.rules:
        places += [rule.when, rule.each]
        if isinstance(rule.then, AnswerMap | DeletionMap | ReferenceMap):
            places += [value for value in vars(rule.then).values() if isinstance(value, str)]
        if isinstance(rule.then, ReferenceMap):
            places += [*rule.then.scope.values()]
            places.remove(rule.then.kind)
    for place in filter(None, places):
        jmespath.compile(place)


def test_attributes_and_times() -> None:
    """What stands beside the answer is kept, choices by their texts; times are in UTC."""
    [event] = _read("tally")
    assert isinstance(event, Answer)
    assert event.attributes == {"form_id": "nP99", "form": "NPS", "Регион": "Урал", "order_id": "A-17"}
    assert event.answered_at == datetime(2026, 9, 1, 9, 0, 1, tzinfo=UTC)
    assert event.question == "Почему?"


DELETIONS: dict[str, tuple[dict[str, Any], str]] = {
    "surveymonkey": ({"event_type": "response_deleted", "object_type": "response", "object_id": "7"}, "7"),
    "promoter": ({"event": "feedback.removed", "data": {"id": 4711}}, "4711"),
    "bitrix24": ({"event": "ONCRMDEALDELETE", "data": {"FIELDS": {"ID": "5012"}}}, "DEAL_5012"),
    "amocrm": ({"leads": {"delete": [{"id": "5012", "status_id": "142"}]}}, "5012"),
    "generic": ({"id": "r-1", "deleted": True}, "r-1"),
}


@pytest.mark.parametrize("name", DELETIONS)
def test_deletions(name: str) -> None:
    """A deletion at the source names the response by the id that its answer had."""
    document, expected = DELETIONS[name]
    assert _read_document(name, document) == Deletion(expected)


IGNORED: dict[str, dict[str, Any]] = {
    "surveymonkey": {"event_type": "collector_created", "object_type": "collector", "object_id": "7"},
    "delighted": {"event_type": "unsubscribe.created", "event_data": {"id": "1"}},
    "promoter": {"event": "metric.score_changed", "data": {"score": 40}},
    "formbricks": {"event": "testEndpoint"},
    "chatwoot": {"event": "conversation_created", "id": 5},
    "sendpulse": {"title": "new_subscriber", "contact": {"id": "c1"}},
    "bitrix24": {"event": "ONAPPINSTALL", "data": {"VERSION": "1"}},
    "amocrm": {"contacts": {"update": [{"id": "1", "name": "Иван"}]}},
    "typeform": {"event_type": "something_new"},
    "tally": {},
    "msforms": {"value": [{"resourceData": {"responseId": 5}}]},
    "generic": {"hello": "world"},
}


@pytest.mark.parametrize("name", IGNORED)
def test_other_events_are_ignored(name: str) -> None:
    """An event of another kind is told as such, with the reason."""
    event = _read_document(name, IGNORED[name])
    assert isinstance(event, Ignored)
    assert event.reason


SCORES: list[tuple[Any, int | None]] = [
    (9, 9), ("9", 9), ("9,0", 9), ("9.0", 9), (9.0, 9), ("9/10", 9), ("10 - очень вероятно", 10), ("0", 0),
    (0, 0), (["7"], 7), ("", None), (None, None), (True, None), ({"a": 1}, None),
]  # fmt: skip


@pytest.mark.parametrize(("given", "expected"), SCORES)
def test_scores_as_people_write_them(given: object, expected: int | None) -> None:
    """A score may be a number, a text, or a text around a number."""
    event = _read_document("generic", {"id": "1", "comment": "Дорого", "score": given})
    assert isinstance(event, Answer)
    assert event.score == expected


@pytest.mark.parametrize("given", [11, -1, "отлично", "9.5", float("nan")])
def test_a_score_that_is_none_costs_no_comment(given: object) -> None:
    """The comment is kept without the score, and the note says why."""
    event = _read_document("generic", {"id": "1", "comment": "Дорого", "score": given})
    assert isinstance(event, Answer)
    assert (event.text, event.score) == ("Дорого", None)
    assert event.notes or given != given


def test_comments_in_html() -> None:
    """Markup goes, line breaks and words stay; what only looks a bit like markup stays too."""
    html = "<div>Цена &laquo;кусается&raquo;,<br/>срок&nbsp;&gt; 30 дней<script>alert(1)</script></div>"
    for given, expected in ((html, "Цена «кусается»,\nсрок > 30 дней"), ("если цена <100 и >50", None)):
        event = _read_document("generic", {"id": "1", "comment": given})
        assert isinstance(event, Answer)
        assert event.text == (expected or given)


def test_settings_name_the_questions() -> None:
    """An installation's choice wins over every guess: by key, by wording, or by place."""
    document = {"id": "1", "q1": "9", "q2": "Первый", "q3": "Второй, подлиннее", "Что скажете?": "Третий"}
    for text, expected in (("q2", "Первый"), ("что скажете?", "Третий"), ("q3", "Второй, подлиннее")):
        event = _read_document("generic", document, Choices(text=text, score="q1"))
        assert isinstance(event, Answer)
        assert (event.text, event.score) == (expected, 9)


def test_a_choice_that_is_not_there_is_told() -> None:
    """A question that the survey no longer has leaves a note."""
    event = _read_document("generic", {"id": "1", "comment": "Дорого"}, Choices(score="q1"))
    assert isinstance(event, Answer)
    assert event.notes == ("found no «q1», which the settings name for score",)


def test_records_without_an_id() -> None:
    """Equal records have equal ids, others have others."""
    ids = [_read_document("generic", {"comment": text}) for text in ("Дорого", "Дорого", "Долго")]
    assert all(isinstance(event, Answer) for event in ids)
    first, second, third = (event.id for event in ids if isinstance(event, Answer))
    assert first == second != third


def test_long_comments_are_cut_aloud() -> None:
    """A comment past the limit keeps its beginning, and a note."""
    event = _read_document("generic", {"id": "1", "comment": "ё" * 20_000})
    assert isinstance(event, Answer)
    assert event.text == "ё" * 10_000
    assert event.notes == ("found 20000 characters of comment, kept the first 10000",)


def test_new_source_is_a_file_of_data(tmp_path: Path) -> None:
    """A mapping is all that a new platform needs."""
    from service.intake.mapping import Rule

    adapter = Adapter("Новая", (Rule(AnswerMap(id="n", text="t", score="s"), when="kind == 'nps'"),))
    assert adapter.read([{"kind": "nps", "n": 1, "t": "Дорого", "s": "2"}], {}) == [Answer("1", "Дорого", 2)]
    assert isinstance(adapter.read([{"kind": "else"}], {})[0], Ignored)
