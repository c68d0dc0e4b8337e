"""Deliveries kept once, in any order, over crashes and deletions; on both databases."""

import random
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from sqlalchemy import select

from service.inbox.process import Worker, empty_old, keep_answers
from service.inbox.receive import Receipt, ReusedKeyError, receive
from service.intake import adapters
from service.intake.deliveries import Delivery
from service.intake.events import Answer
from service.intake.installation import ConfiguredSource, Installation
from service.intake.mapping import AnswerMap, Choices, Rule
from service.nlp.tagger import Tagger
from service.settings import Settings
from service.store import comments, cursors, erasure, inbox, predictions, schema
from service.store.database import Database
from service.store.erasure import Erasure

TOKEN = "demo-token-0123456789"
SETTINGS = Settings()


def _source(name: str, adapter: str = "", **fields: str) -> ConfiguredSource:
    found = adapters.find(adapter or name)
    assert found
    return ConfiguredSource(name, found, tokens=(TOKEN,), choices=Choices(**fields))


INSTALLATION = Installation({name: _source(name) for name in adapters.names()})


def _deliver(database: Database, name: str, document: object, **headers: str) -> Receipt:
    source = INSTALLATION.find(name)
    assert source
    sent = {"x-api-key": TOKEN, **{k.replace("_", "-"): v for k, v in headers.items()}}
    return receive(database, source, Delivery("POST", sent, "", orjson.dumps(document)), 2**21)


def _worker(database: Database, tagger: Tagger, installation: Installation = INSTALLATION) -> Worker:
    return Worker(database, installation, tagger, SETTINGS)


def _work_off(database: Database, tagger: Tagger) -> None:
    worker = _worker(database, tagger)
    while worker.process_waiting():
        pass


def _table(database: Database) -> list[tuple[Any, ...]]:
    """Everything that counts of all comments, in one order."""
    table = schema.comments
    names = ("source", "external_id", "respondent", "text", "question", "score", "answered_at", "state")
    query = select(table.c.id, table.c.attributes, *(table.c[name] for name in names))
    with database.read() as connection:
        rows = connection.execute(query).all()
        tags = predictions.tags_that_hold(connection, [row.id for row in rows])
    return sorted(
        (
            *(str(getattr(row, name)) for name in names),
            orjson.dumps(row.attributes, option=orjson.OPT_SORT_KEYS),
            str([(tag.category, tag.polarity) for tag in tags.get(row.id, ())]),
        )
        for row in rows
    )


def _stored(database: Database) -> list[comments.StoredComment]:
    with database.read() as connection:
        ids = connection.execute(select(schema.comments.c.id).order_by(schema.comments.c.id)).scalars()
        return list(comments.get(connection, ids).values())


TEXTS = ("Задержали поставку", "Брак, швы неровные", "Менеджер не отвечает", "Дорого", "Всё отлично, спасибо")


def _history(number: int, chance: random.Random) -> list[tuple[str, dict[str, Any], str]]:
    """What the sources tell of one response, in the order in which it happened there."""
    start = 1_788_253_200 + number
    person = {"id": "88", "email": f"u{number}@example.ru"}
    said: dict[str, Any] = {"id": str(number), "score": number % 11, "comment": None, "person": "88"}
    events = [("created", said | {"created_at": start, "updated_at": None})]
    for edit in range(chance.randrange(3)):
        said = said | {"comment": chance.choice(TEXTS), "person": person, "score": chance.randrange(11)}
        said |= {"person_properties": {"edit": edit, "region": "Урал"}}
        events.append(("updated", said | {"created_at": start, "updated_at": start + 60 * (edit + 1)}))
    deliveries: list[tuple[str, dict[str, Any], str]] = [
        (
            "delighted",
            {"event_type": f"survey_response.{kind}", "event_id": f"{number}-{i}", "event_data": data},
            "",
        )
        for i, (kind, data) in enumerate(events)
    ]
    own = {"id": f"g{number}", "score": 3, "comment": chance.choice(TEXTS), "updated_at": start}
    deliveries += [
        ("generic", own, f"{number}-a"),
        ("generic", own | {"comment": chance.choice(TEXTS), "updated_at": start + 5}, f"{number}-b"),
    ]
    if number % 7 == 0:
        deliveries.append(("generic", {"id": f"g{number}", "deleted": True}, f"{number}-c"))
    return deliveries


def _outcome(
    database: Database, tagger: Tagger, deliveries: Sequence[tuple[str, Any, str]], each: int
) -> Any:
    for i, (name, document, key) in enumerate(deliveries):
        _deliver(database, name, document, **({"x_delivery_id": key} if key else {}))
        if i % each == 0:
            _worker(database, tagger).process_waiting()
    _work_off(database, tagger)
    return _table(database)


@pytest.fixture(scope="module")
def happened() -> list[tuple[str, dict[str, Any], str]]:
    """What happened at two sources, in order."""
    chance = random.Random(7)
    return [delivery for number in range(100) for delivery in _history(number, chance)]


@pytest.fixture(scope="module")
def expected(
    happened: Sequence[tuple[str, Any, str]], tagger: Tagger, sqlite_template: Path, tmp_path_factory: Any
) -> Any:
    """The table after each delivery came once and in order."""
    database = Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path_factory.mktemp('order'))}")
    try:
        return _outcome(database, tagger, happened, each=len(happened))
    finally:
        database.close()


def test_any_order_and_any_repeats_end_alike(
    happened: Sequence[tuple[str, Any, str]], expected: Any, database: Database, tagger: Tagger
) -> None:
    """1,000 deliveries, repeated and shuffled, end in the same table as each once and in order."""
    chance = random.Random(8)
    shuffled = [*happened, *chance.choices(happened, k=1_000 - len(happened))]
    chance.shuffle(shuffled)
    assert len(shuffled) == 1_000
    assert len(expected) == 200
    assert sum("erased" in row for row in expected) == 15
    assert _outcome(database, tagger, shuffled, each=97) == expected


def test_two_workers_share_the_work(
    happened: Sequence[tuple[str, Any, str]], expected: Any, database: Database, tagger: Tagger
) -> None:
    """Workers on one database neither do a thing twice nor block each other."""
    for name, document, key in happened:
        _deliver(database, name, document, **({"x_delivery_id": key} if key else {}))
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(_work_off, database, tagger) for _ in range(2)]:
            done.result()
    _work_off(database, tagger)
    assert _table(database) == expected


def test_a_repeat_changes_nothing(database: Database, tagger: Tagger) -> None:
    """The platform's own id tells a repeat, before and after it was worked off."""
    event = {"event_type": "survey_response.created", "event_id": "e1", "event_data": {"id": "1", "score": 3}}
    first = _deliver(database, "delighted", event)
    assert first.status == "stored"
    assert _deliver(database, "delighted", event) == replace(first, status="duplicate")
    _work_off(database, tagger)
    before = _stored(database)
    assert _deliver(database, "delighted", event).status == "duplicate"
    _work_off(database, tagger)
    assert _stored(database) == before
    with database.read() as connection:
        [kept] = inbox.latest(connection, 10)
    assert (kept.state, kept.repeats) == ("done", 2)


def test_late_comment_is_tagged_once(database: Database, tagger: Tagger) -> None:
    """The score comes first and waits; the comment is tagged when it comes; a new score tags nothing anew."""
    _deliver(database, "generic", {"id": "1", "score": 2})
    _work_off(database, tagger)
    assert [one.state for one in _stored(database)] == ["waiting"]
    _deliver(database, "generic", {"id": "1", "comment": "Задержали поставку"})
    _work_off(database, tagger)
    [tagged] = _stored(database)
    assert (tagged.score, tagged.text, tagged.state) == (2, "Задержали поставку", "tagged")
    _deliver(database, "generic", {"id": "1", "score": 3, "comment": "Задержали поставку"})
    _work_off(database, tagger)
    with database.read() as connection:
        assert len(predictions.history(connection, tagged.id)) == 1
    assert [one.score for one in _stored(database)] == [3]


def test_deletion_leaves_no_words(database: Database, tagger: Tagger) -> None:
    """A deletion at the source empties the comment and every delivery that held it, early or late."""
    word = "Сверхсекретно"
    for text in (word, f"{word} снова"):
        _deliver(database, "generic", {"id": "1", "comment": text, "email": "ivan@example.ru"})
    _work_off(database, tagger)
    _deliver(database, "generic", {"id": "1", "deleted": True})
    _work_off(database, tagger)
    _deliver(database, "generic", {"id": "1", "comment": f"{word} и опять"})
    _work_off(database, tagger)
    [comment] = _stored(database)
    assert (comment.state, comment.text, comment.respondent, comment.score) == ("erased", None, None, None)
    with database.read() as connection:
        bodies = [one.body for one in inbox.latest(connection, 10)]
    assert not any(word.encode() in orjson.dumps((body or b"").decode()) for body in bodies)
    if database.is_sqlite:
        assert database.url.database
        with open(database.url.database, "rb") as file:  # noqa: PTH123  # the path is a text
            assert word.encode() not in file.read()


def test_erasure_on_request_reaches_deliveries(database: Database, tagger: Tagger) -> None:
    """A person's request for deletion empties deliveries too, and keeps the comments out for good."""
    _deliver(database, "generic", {"id": "1", "comment": "Секрет", "score": 2, "email": "ivan@example.ru"})
    _work_off(database, tagger)
    assert erasure.erase(database, Erasure(respondent="ivan@example.ru")) == 1
    _deliver(database, "generic", {"id": "1", "comment": "Секрет снова", "score": 2})
    _work_off(database, tagger)
    assert [(one.text, one.score) for one in _stored(database)] == [(None, 2)]
    with database.read() as connection:
        assert [one.body for one in inbox.latest(connection, 10)] == [None, None]


def test_what_only_names_wakes_its_collector(database: Database, tagger: Tagger) -> None:
    """A delivery of ids lets its survey be looked through soon; one that nothing collects is told."""
    deal = {"event": "ONCRMDEALUPDATE", "data": {"FIELDS": {"ID": "5012"}}, "ts": "1788253200"}
    _deliver(database, "bitrix24", deal)
    _work_off(database, tagger)
    with database.write() as connection:
        [told] = inbox.latest(connection, 1)
        assert cursors.all_of(connection) == []
        cursors.ensure(connection, "bitrix24", ["2"])
    assert told.problem == "names item 5012 only, and no connection collects «2»"
    _deliver(database, "bitrix24", deal | {"ts": "1788253260"})
    _work_off(database, tagger)
    with database.read() as connection:
        [cursor] = cursors.all_of(connection)
    assert cursor.woken_at is not None
    assert _stored(database) == []


def test_fetched_and_delivered_are_one(database: Database, tagger: Tagger) -> None:
    """An answer that is fetched meets the same answer delivered; the later version stays."""
    adapter = adapters.find("delighted")
    assert adapter
    said = {"id": "1", "score": 4, "comment": "Новее", "created_at": 1, "updated_at": 1_788_256_800}
    fetched = [one for one in adapter.read([said], {}) if isinstance(one, Answer)]
    with database.write() as connection:
        keep_answers(connection, "delighted", fetched, tagger)
    older = said | {"comment": "Старее", "updated_at": 1_788_253_200}
    event = {"event_type": "survey_response.updated", "event_id": "1", "event_data": older}
    _deliver(database, "delighted", event)
    _work_off(database, tagger)
    assert [one.text for one in _stored(database)] == ["Новее"]


def test_a_dead_worker_loses_nothing(database: Database, tagger: Tagger, monkeypatch: Any) -> None:
    """What a worker held when it died is worked off by the next one, once."""
    for i in range(5):
        _deliver(database, "generic", {"id": str(i), "comment": "Дорого"})

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("service.inbox.process._store", die)
        with pytest.raises(KeyboardInterrupt):
            _worker(database, tagger).process_waiting()
    assert _stored(database) == []
    _work_off(database, tagger)
    assert len(_stored(database)) == 5


def test_one_delivery_that_fails_holds_up_no_other(
    database: Database, tagger: Tagger, monkeypatch: Any
) -> None:
    """A fault of our own puts one delivery aside, with a reason, and the rest goes on."""
    for i in range(3):
        _deliver(database, "generic", {"id": str(i), "comment": "Дорого"})
    read = AnswerMap.read

    def fail(self: AnswerMap, document: dict[str, Any], choices: Choices) -> object:
        if document["id"] == "1":
            raise ZeroDivisionError
        return read(self, document, choices)

    monkeypatch.setattr(AnswerMap, "read", fail)
    _work_off(database, tagger)
    assert [one.external_id for one in _stored(database)] == ["0", "2"]
    with database.read() as connection:
        [aside] = inbox.latest(connection, 10, state="unreadable")
    assert aside.problem == "could not be worked off (ZeroDivisionError); the log says more"


def test_replay_after_the_mapping_was_mended(database: Database, tagger: Tagger) -> None:
    """A kept delivery is read anew; what it said by the wrong mapping gives way, whatever its version."""
    document = {"id": "1", "updated_at": 1_788_253_200, "q1": "Первый ответ длиннее", "q2": "Второй ответ"}
    _deliver(database, "generic", document)
    _work_off(database, tagger)
    assert [one.text for one in _stored(database)] == ["Первый ответ длиннее"]
    mended = Installation({"generic": _source("generic", text="q2")})
    with database.write() as connection:
        assert inbox.wait_again(connection, ["done"], "generic") == 1
    _worker(database, tagger, mended).process_waiting()
    assert [one.text for one in _stored(database)] == ["Второй ответ"]


def test_a_resent_delivery_that_was_not_understood(database: Database, tagger: Tagger) -> None:
    """When the platform resends what was ignored, and the adapter has learned it since, it is taken."""
    adapter = replace(INSTALLATION.sources["webask"].adapter, rules=(Rule(AnswerMap(), when="`false`"),))
    deaf = ConfiguredSource("webask", adapter, tokens=(TOKEN,))
    delivery = Delivery("POST", {"x-api-key": TOKEN}, "", orjson.dumps({"id": "1", "comment": "Дорого"}))
    assert receive(database, deaf, delivery, 2**21).status == "ignored"
    assert receive(database, INSTALLATION.sources["webask"], delivery, 2**21).status == "duplicate"
    _work_off(database, tagger)
    assert [one.text for one in _stored(database)] == ["Дорого"]


def test_idempotency_key(database: Database, tagger: Tagger) -> None:
    """The same key with the same body is a repeat; with another body it is refused and changes nothing."""
    body = {"id": "1", "comment": "Дорого"}
    first = _deliver(database, "generic", body, idempotency_key='"k-1"')
    assert _deliver(database, "generic", body, idempotency_key="k-1") == replace(first, status="duplicate")
    with pytest.raises(ReusedKeyError, match="another body"):
        _deliver(database, "generic", body | {"comment": "Долго"}, idempotency_key="k-1")
    _work_off(database, tagger)
    assert [one.text for one in _stored(database)] == ["Дорого"]


def test_secrets_are_not_kept(sqlite_store: Database) -> None:
    """Neither token nor signature of a delivery reaches the database."""
    source = INSTALLATION.sources["generic"]
    headers = {"authorization": f"Bearer {TOKEN}", "cookie": "c", "content-type": "application/json"}
    receive(
        sqlite_store, source, Delivery("POST", headers, f"token={TOKEN}&region=Урал", b'{"id": 1}'), 2**21
    )
    with sqlite_store.read() as connection:
        [kept] = inbox.latest(connection, 1)
    assert TOKEN not in str(kept)
    assert kept.headers == {"content-type": "application/json"}
    assert kept.query == "region=%D0%A3%D1%80%D0%B0%D0%BB"


def test_old_bytes_are_emptied(database: Database, tagger: Tagger) -> None:
    """Past its time a delivery keeps its id, so that a repeat is known, but no bytes."""
    body = {"id": "1", "comment": "Дорого"}
    _deliver(database, "generic", body)
    _work_off(database, tagger)
    assert empty_old(database, replace(SETTINGS, keep_deliveries_days=1)) == 0
    with database.write() as connection:
        assert inbox.empty_old(connection, comments.now() + timedelta(days=1)) == 1
    assert _deliver(database, "generic", body).status == "duplicate"


def test_nothing_unsigned_is_read_beside_what_is_signed(sqlite_store: Database, tagger: Tagger) -> None:
    """Whoever repeats a signed delivery can add nothing to it: no query, no header, no field of the form."""
    adapter = adapters.find("qualtrics")
    assert adapter
    assert adapter.signature
    source = ConfiguredSource("qualtrics", adapter, secrets=("demo-secret",))
    signed = b'{"responseId":"R_1","comment":"Signed words of theirs"}'
    proof = adapter.signature.sign(signed, "demo-secret")
    form = urlencode(
        [("MSG", '{"comment":"Forged words"}'), ("HMAC", proof), ("score", "0"), ("MSG", signed)]
    )
    delivery = Delivery("POST", {"ce-id": "forged"}, "comment=Forged&score=0&score=1", form.encode())
    assert receive(sqlite_store, source, delivery, 2**21).status == "stored"
    _worker(sqlite_store, tagger, Installation({"qualtrics": source})).process_waiting()
    [comment] = _stored(sqlite_store)
    assert (comment.external_id, comment.text, comment.score) == ("R_1", "Signed words of theirs", None)
    assert comment.attributes is None
