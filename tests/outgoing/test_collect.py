"""What platforms only name, or lost on the way, is fetched: whole, within their limits, and once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from sqlalchemy import select

from service.clients import anketolog, bitrix24, qualtrics, surveymonkey
from service.clients.connections import Anketolog, Bitrix24, Qualtrics, SurveyMonkey
from service.clients.feeds import Feed
from service.clients.transport import open_client
from service.collect.collector import Collected, Collector, Rhythm
from service.intake import adapters
from service.store import cursors, schema
from service.store.comments import IncomingComment
from service.store.database import Database
from service.store.tagging import store_tagged, to_tag
from tests.outgoing.platforms import FakeAnketolog, FakeBitrix24, FakeQualtrics, FakeSurveyMonkey
from tests.outgoing.tagged import result

START = datetime(2026, 9, 1, 9, tzinfo=UTC)


@pytest.fixture
def http(loopback) -> Iterator[httpx2.Client]:
    """A client that reaches the stand-ins."""
    with open_client(loopback) as client:
        yield client


class Time:
    """The time, set forward by tests."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def _collector(
    database: Database, taxonomy, name: str, feed: Feed, clock=None, fields=None, fail_at: int = 0
) -> Collector:
    stored = []

    def keep(connection, source, answers):
        stored.append(len(answers))
        if len(stored) == fail_at:
            raise ZeroDivisionError
        incoming = [
            IncomingComment(source, a.id, a.text, a.score, attributes=dict(a.attributes)) for a in answers
        ]
        results = [result(taxonomy, one.text, one.score) for one in to_tag(incoming)]
        store_tagged(connection, incoming, results, "model")

    adapter = adapters.find(name)
    assert adapter is not None
    collected = Collected(feed, adapter, **({"choices": fields} if fields else {}))
    return Collector(database, {name: collected}, keep, Rhythm(), clock or Time())


def _stored(database: Database) -> dict[str, tuple[str, int]]:
    with database.read() as connection:
        rows = connection.execute(select(schema.comments))
        return {row.external_id: (row.text, row.score) for row in rows}


def _cursor(database: Database) -> cursors.Cursor:
    with database.read() as connection:
        return cursors.all_of(connection)[0]


def test_surveymonkey_is_fetched_in_bulk(database, taxonomy, stand_in, http):
    """250 answers take three calls, not 250; score, comment and variables are read from them."""
    platform = FakeSurveyMonkey()
    for number in range(250):
        platform.add(number, START + timedelta(minutes=number))
    stand_in.reply = platform
    feed = surveymonkey.SurveyMonkeyFeed.open(
        SurveyMonkey(platform="surveymonkey", url=stand_in.url, token="sm-token", surveys=("511",)), http
    )
    assert _collector(database, taxonomy, "surveymonkey", feed).collect_due() >= 250
    assert len(_stored(database)) == 250
    assert _stored(database)["sm-7"] == ("Долго везли", 3)
    assert platform.calls == 3
    assert _cursor(database).mark == START + timedelta(minutes=249)


def test_many_answers_of_one_second_are_all_fetched(database, taxonomy, stand_in, http):
    """Where time cannot part the pages, their number does."""
    platform = FakeSurveyMonkey()
    for number in range(230):
        platform.add(number, START)
    stand_in.reply = platform
    feed = surveymonkey.SurveyMonkeyFeed.open(
        SurveyMonkey(platform="surveymonkey", url=stand_in.url, token="sm-token", surveys=("511",)), http
    )
    _collector(database, taxonomy, "surveymonkey", feed).collect_due()
    assert len(_stored(database)) == 230


def test_an_answer_that_changes_during_the_run_hides_no_other(database, taxonomy, stand_in, http):
    """When the list moves under the reader, every answer is still read, and the changed one as it is last."""
    platform = FakeSurveyMonkey()
    for number in range(200):
        platform.add(number, START + timedelta(minutes=number))

    def change(call: int) -> None:
        if call == 2:
            platform.responses[5]["date_modified"] = (START + timedelta(days=1)).isoformat()

    platform.on_call = change
    stand_in.reply = platform
    feed = surveymonkey.SurveyMonkeyFeed.open(
        SurveyMonkey(platform="surveymonkey", url=stand_in.url, token="sm-token", surveys=("511",)), http
    )
    _collector(database, taxonomy, "surveymonkey", feed).collect_due()
    assert len(_stored(database)) == 200


def test_the_days_limit_stops_the_run_and_the_next_one_goes_on(database, taxonomy, stand_in, http):
    """At the end of the day's calls what was read is kept, and later only the rest is asked for."""
    platform = FakeSurveyMonkey(day_left=2)
    for number in range(350):
        platform.add(number, START + timedelta(minutes=number))
    stand_in.reply = platform
    clock = Time()
    feed = surveymonkey.SurveyMonkeyFeed.open(
        SurveyMonkey(platform="surveymonkey", url=stand_in.url, token="sm-token", surveys=("511",)), http
    )
    collector = _collector(database, taxonomy, "surveymonkey", feed, clock)
    collector.collect_due()
    before = len(_stored(database))
    assert 0 < before < 350
    assert "SurveyMonkey" in str(_cursor(database).error)
    asked = len(stand_in.seen)
    clock.ahead = timedelta(hours=1)
    assert collector.collect_due() == 0
    assert len(stand_in.seen) == asked, "nothing is asked before the limit ends"
    platform.day_left = 500
    clock.ahead = timedelta(hours=3)
    collector.collect_due()
    assert len(_stored(database)) == 350
    assert _cursor(database).error is None


def test_a_crash_goes_on_behind_the_last_whole_page(database, taxonomy, stand_in, http):
    """What was stored before the crash is not asked for again, and nothing is missing in the end."""
    platform = FakeSurveyMonkey()
    for number in range(300):
        platform.add(number, START + timedelta(minutes=number))
    stand_in.reply = platform
    clock = Time()
    feed = surveymonkey.SurveyMonkeyFeed.open(
        SurveyMonkey(platform="surveymonkey", url=stand_in.url, token="sm-token", surveys=("511",)), http
    )
    with pytest.raises(ZeroDivisionError):
        _collector(database, taxonomy, "surveymonkey", feed, clock, fail_at=3).collect_due()
    assert len(_stored(database)) == 199, "two pages that overlap by one"
    clock.ahead = Rhythm().lease + timedelta(seconds=1)
    _collector(database, taxonomy, "surveymonkey", feed, clock).collect_due()
    assert len(_stored(database)) == 300
    again = stand_in.seen[3].query["start_modified_at"]
    assert again == (START + timedelta(minutes=198 - 5)).strftime("%Y-%m-%dT%H:%M:%S")


def test_a_wrong_token_is_told_and_the_other_sources_go_on(database, taxonomy, stand_in, http):
    """The platform's own words are kept with the cursor, for the person who set it up."""
    stand_in.reply = FakeSurveyMonkey()
    feed = surveymonkey.SurveyMonkeyFeed.open(
        SurveyMonkey(platform="surveymonkey", url=stand_in.url, token="wrong", surveys=("511",)), http
    )
    assert _collector(database, taxonomy, "surveymonkey", feed).collect_due() == 0
    assert "401 1011 The token is wrong" in str(_cursor(database).error)


def test_bitrix24_deliveries_that_were_lost_are_found(database, taxonomy, stand_in, http):
    """Bitrix24 sends an event once; a look every ten minutes finds what it told of when nobody listened."""
    from service.intake.mapping import Choices

    portal = FakeBitrix24()
    for number in range(1, 121):
        portal.add(number, title=f"Сделка {number}", ufCrmScore="3", ufCrmWhy="Долго везли")
    portal.add(500, title="Без ответа")
    portal.limited = 1
    stand_in.reply = portal
    clock = Time()
    connection = Bitrix24(
        platform="bitrix24", url=f"{stand_in.url}/rest/1/secret/", items=(2,), where={"!ufCrmScore": ""}
    )
    feed = bitrix24.Bitrix24Feed.open(connection, http)
    choices = Choices(score="ufCrmScore", text="ufCrmWhy")
    collector = _collector(database, taxonomy, "bitrix24", feed, clock, choices)
    collector.collect_due()
    assert len(_stored(database)) == 120
    assert _stored(database)["DEAL_7"] == ("Долго везли", 3)
    portal.items[500].update(
        ufCrmScore="9", ufCrmWhy="Всё в срок", updatedTime=datetime.now(UTC).isoformat(timespec="seconds")
    )
    assert "DEAL_500" not in _stored(database)
    clock.ahead = Rhythm().every + timedelta(seconds=1)
    collector.collect_due()
    assert _stored(database)["DEAL_500"] == ("Всё в срок", 9)


def test_a_delivery_of_an_id_wakes_the_look(database, taxonomy, stand_in, http):
    """An event that holds only an id is followed by a look within seconds, not minutes."""
    portal = FakeBitrix24()
    stand_in.reply = portal
    clock = Time()
    connection = Bitrix24(platform="bitrix24", url=f"{stand_in.url}/rest/1/secret/", items=(2,))
    feed = bitrix24.Bitrix24Feed.open(connection, http)
    collector = _collector(database, taxonomy, "bitrix24", feed, clock)
    collector.collect_due()
    clock.ahead = timedelta(seconds=30)
    portal.add(5012, title="Сделка", comment="Долго везли", score="3")
    assert collector.collect_due() == 0
    assert feed.scope_of({"entityTypeId": "2", "portal": "romashka.bitrix24.ru"}) == "2"
    clock_of_store = datetime.now(UTC) + clock.ahead
    with database.write() as connection:
        cursors.wake(connection, "bitrix24", "2")
        connection.execute(schema.cursors.update().values(woken_at=clock_of_store))
    assert collector.collect_due() == 1
    assert "DEAL_5012" in _stored(database)
    assert collector.collect_due() == 0


def test_qualtrics_is_fetched_by_export(database, taxonomy, stand_in, http):
    """An export is begun, awaited and read; the next one asks only for what came since."""
    values = {"recordedDate": START.isoformat(), "QID1": 3, "QID1_NPS_GROUP": 1, "QID2_TEXT": "Долго везли"}
    platform = FakeQualtrics(responses=[{"responseId": "R_1", "values": values}])
    stand_in.reply = platform
    clock = Time()
    connection = Qualtrics(platform="qualtrics", url=stand_in.url, token="q-token", surveys=("SV_1",))
    opened = qualtrics.QualtricsFeed.open(connection, http)
    feed = qualtrics.QualtricsFeed(opened.api, opened.scopes, sleep=lambda seconds: None)
    collector = _collector(database, taxonomy, "qualtrics", feed, clock)
    collector.collect_due()
    assert _stored(database) == {"R_1": ("Долго везли", 3)}
    clock.ahead = timedelta(minutes=11)
    collector.collect_due()
    assert platform.wanted[0] == {"format": "json", "compress": False}
    assert platform.wanted[1]["startDate"] == "2026-09-01T08:55:00Z"


def test_anketolog_is_polled(database, taxonomy, stand_in, http):
    """Answers come by offset, and the next look begins where the window ended."""
    asked = {"question_id": 1, "question_name": "Насколько вероятно, что вы порекомендуете нас?"}
    why = {"question_id": 2, "question_name": "Почему?"}
    answers = [
        {
            "id": number, "survey_id": 9, "status": "v", "finish_date": int(START.timestamp()) + number,
            "answer": [
                {**asked, "question_answer": {"answer": {"options": [{"answer_value": "3"}]}}},
                {**why, "question_answer": {"answer": {"answer_text": "Долго везли"}}},
            ],
        }
        for number in range(5)
    ]  # fmt: skip
    stand_in.reply = FakeAnketolog(answers=answers)
    connection = Anketolog(platform="anketolog", url=stand_in.url, token="a-key", surveys=("9",))
    feed = anketolog.AnketologFeed.open(connection, http)
    collector = _collector(database, taxonomy, "anketolog", feed)
    assert collector.collect_due() == 5
    assert set(_stored(database)) == {"0", "1", "2", "3", "4"}
    assert len(stand_in.seen) == 3
    mark = _cursor(database).mark
    assert mark is not None
    assert datetime.now(UTC) - mark < timedelta(minutes=1)
