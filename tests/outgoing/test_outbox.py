"""What is tagged is told: at least once, never not at all, and to nobody who does not want it."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook

from service.clients.addresses import AddressGuard
from service.delivery import webhook_admin
from service.delivery.schedule import ATTEMPTS, SCHEDULE
from service.delivery.sender import Manner, Sender
from service.delivery.webhook_admin import Filter
from service.delivery.webhooks import WebhookSender
from service.store import comments, outbox, schema
from service.store.comments import IncomingComment
from service.store.database import Database
from service.store.tagging import store_tagged
from service.store.targets import Target
from tests.outgoing.tagged import TEXT, keep, result


class Clock:
    """The time, set forward by tests."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def forward(self, wait: timedelta) -> None:
        self.ahead += wait


@pytest.fixture
def clock() -> Clock:
    """The sender's clock."""
    return Clock()


@pytest.fixture
def sender(database: Database, loopback: AddressGuard, taxonomy, clock: Clock):
    """A sender of webhooks, driven by hand."""
    webhooks = WebhookSender.open(loopback, lambda: taxonomy)
    yield Sender(database, {"webhook": webhooks}, Manner(idle=0.02), clock)
    webhooks.close()


@pytest.fixture
def hook(database: Database, loopback: AddressGuard, stand_in) -> Target:
    """A webhook at the stand-in."""
    return webhook_admin.add(database, loopback, f"{stand_in.url}/hook", Filter())


def _states(database: Database) -> Counter[str]:
    with database.read() as connection:
        return Counter({state: n for (_, state), n in outbox.counts(connection).items()})


def test_a_tagged_comment_is_told_once_with_a_signature_that_verifies(
    database, sender, hook, stand_in, taxonomy
):
    """The receiver gets the comment with its tags, can check it with any library, and gets it once."""
    keep(database, taxonomy, "r-1")
    assert sender.drain() == 1
    assert sender.drain() == 0
    seen = stand_in.seen[0]
    event = Webhook(hook.secret).verify(seen.body, seen.headers)
    data = event["data"]
    assert event["type"] == "comment.tagged"
    assert (data["source"], data["external_id"], data["score"]) == ("survey", "r-1", 3)
    assert data["nps_group"] == "detractor"
    assert data["tags"][0]["evidence"] == [{"start": 0, "stop": len(TEXT), "text": TEXT}]
    assert [one["code"] for one in data["tags"][0]["departments"]] == ["logistics", "planning"]
    assert [one["code"] for one in data["tags"][0]["kpis"]] == ["OTD", "PCT"]
    assert len(stand_in.seen) == 1


def test_a_comment_that_was_not_stored_is_not_told(database, sender, hook, taxonomy):
    """When the transaction fails, the outbox holds nothing of it."""
    with pytest.raises(ZeroDivisionError):
        _store_and_fail(database, taxonomy)
    assert _states(database) == {}


def _store_and_fail(database: Database, taxonomy) -> None:
    with database.write() as connection:
        incoming = [IncomingComment("survey", "r-1", TEXT, 3)]
        store_tagged(connection, incoming, [result(taxonomy)], "model")
        assert len(connection.execute(schema.deliveries.select()).all()) == 1
        raise ZeroDivisionError


def test_the_same_again_is_not_told_again(database, sender, hook, stand_in, taxonomy):
    """A repeated comment with the same text makes no second event; a new text does."""
    for _ in range(3):
        keep(database, taxonomy, "r-1")
    sender.drain()
    keep(database, taxonomy, "r-1", text="И снова задержали")
    sender.drain()
    assert [seen.json["data"]["text"] for seen in stand_in.seen] == [TEXT, "И снова задержали"]
    assert len({seen.headers["webhook-id"] for seen in stand_in.seen}) == 2


def test_another_model_with_the_same_tags_is_no_news(database, sender, hook, stand_in, taxonomy):
    """A comment that comes again after a promotion is told only where its tags are others now."""
    keep(database, taxonomy, "r-1", "r-2")
    sender.drain()
    keep(database, taxonomy, "r-1", model="a newer model")
    keep(database, taxonomy, "r-2", model="a newer model", polarity="neutral")
    sender.drain()
    told = [(seen.json["data"]["external_id"], seen.json["data"]["model"]) for seen in stand_in.seen[2:]]
    assert told == [("r-2", "a newer model")]


def test_who_was_told_of_tags_is_told_that_they_are_others_now(
    database, loopback, sender, stand_in, taxonomy
):
    """A filter lets through what takes the place of what it let through, and nothing else."""
    for category in ("logistics", "price"):
        wanted = Filter(categories=(category,))
        webhook_admin.add(database, loopback, f"{stand_in.url}/{category}", wanted)
    keep(database, taxonomy, "r-1")
    sender.drain()
    keep(database, taxonomy, "r-1", model="a newer model", category="quality", aspect=None)
    sender.drain()
    told = [(seen.path, seen.json["data"]["tags"][0]["category"]) for seen in stand_in.seen]
    assert told == [("/logistics", "logistics"), ("/logistics", "quality")]


def test_of_several_views_only_the_latest_is_told(database, sender, hook, stand_in, taxonomy):
    """What waited while the receiver was away, and is not so any more, is dropped; what is so is told."""
    for model, polarity in (("one", "problem"), ("two", "praise"), ("three", "praise")):
        keep(database, taxonomy, "r-1", model=model, polarity=polarity)
    sender.drain()
    assert [seen.json["data"]["model"] for seen in stand_in.seen] == ["two"]
    assert _states(database) == {"dropped": 1, "delivered": 1}


def test_a_failure_is_tried_again_by_the_schedule_and_then_waits_for_a_person(
    database, sender, hook, stand_in, taxonomy, clock
):
    """Ten attempts with the same id, each not before its time; then a dead letter, which can be replayed."""
    stand_in.reply = lambda seen: (500, {})
    keep(database, taxonomy, "r-1")
    for attempt in range(1, ATTEMPTS + 1):
        assert sender.drain() == 1
        assert len(stand_in.seen) == attempt
        if attempt < ATTEMPTS:
            clock.forward(SCHEDULE[attempt - 1] - timedelta(seconds=1))
            assert sender.drain() == 0, "too early"
            clock.forward(SCHEDULE[attempt - 1] * 0.1 + timedelta(seconds=1))
    assert len({seen.headers["webhook-id"] for seen in stand_in.seen}) == 1
    dead = webhook_admin.list_dead(database)
    assert [(one.attempts, one.status, one.error) for one in dead] == [
        (ATTEMPTS, 500, "the endpoint answered 500")
    ]
    stand_in.reply = lambda seen: (200, {})
    assert webhook_admin.replay(database, [dead[0].id]) == 1
    assert sender.drain() == 1
    assert _states(database) == {"delivered": 1}


def test_gone_switches_the_webhook_off(database, sender, hook, stand_in, taxonomy):
    """410 ends it: what was pending becomes dead letters, nothing more is noted until it is switched on."""
    stand_in.reply = lambda seen: (410, {})
    keep(database, taxonomy, "r-1", "r-2", "r-3", "r-4", "r-5", "r-6", "r-7", "r-8", "r-9")
    sender.drain()
    asked = len(stand_in.seen)
    webhook = webhook_admin.list_all(database)[0]
    assert not webhook.target.is_on
    assert webhook.target.reason == "the endpoint answered 410 Gone"
    assert webhook.counts == {"dead": 9}
    keep(database, taxonomy, "r-10")
    assert sender.drain() == 0
    assert len(stand_in.seen) == asked < 9
    stand_in.reply = lambda seen: (200, {})
    webhook_admin.switch(database, hook.id, is_on=True)
    webhook_admin.replay(database)
    sender.drain()
    assert _states(database) == {"delivered": 9}


def test_too_many_requests_rests_the_whole_webhook(database, sender, hook, stand_in, taxonomy, clock):
    """After 429 nothing is sent to the endpoint, whatever is due, before the time that it named."""
    stand_in.reply = lambda seen: (429, {}, {"Retry-After": "60"})
    keep(database, taxonomy, *[f"r-{number}" for number in range(20)])
    sender.drain()
    asked = len(stand_in.seen)
    assert asked <= Manner().at_once
    stand_in.reply = lambda seen: (200, {})
    clock.forward(timedelta(seconds=50))
    assert sender.drain() == 0
    clock.forward(timedelta(seconds=30))
    sender.drain()
    assert _states(database) == {"delivered": 20}


def test_a_redirect_is_a_failure(database, sender, hook, stand_in, open_stand_in, taxonomy):
    """A receiver that points elsewhere is not followed, and the error says so."""
    elsewhere = open_stand_in()
    stand_in.reply = lambda seen: (307, {}, {"Location": elsewhere.url})
    keep(database, taxonomy, "r-1")
    sender.drain()
    assert elsewhere.seen == []
    with database.read() as connection:
        error = connection.execute(schema.deliveries.select()).one().error
    assert "redirects are not followed" in error


def test_a_private_address_is_given_up_at_once(database, hook, stand_in, taxonomy):
    """Where the installation does not allow the network, nothing is sent, and a person is told why."""
    strict = WebhookSender.open(AddressGuard(), lambda: taxonomy)
    keep(database, taxonomy, "r-1")
    Sender(database, {"webhook": strict}).drain()
    strict.close()
    assert stand_in.seen == []
    assert "https://" in webhook_admin.list_dead(database)[0].error


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Filter(), {"late", "good", "other"}),
        (Filter(source="survey"), {"late", "good"}),
        (Filter(categories=("quality",)), {"good"}),
        (Filter(polarities=("problem",)), {"late", "other"}),
        (Filter("survey", ("quality", "logistics"), ("problem",)), {"late"}),
        (Filter(categories=("price",)), set()),
    ],
)
def test_a_webhook_is_told_only_what_it_wants(
    database, sender, loopback, stand_in, taxonomy, wanted: Filter, told: set[str]
):
    """Source, category and polarity choose, each for the same tag."""
    webhook_admin.add(database, loopback, stand_in.url, wanted)
    keep(database, taxonomy, "late")
    keep(database, taxonomy, "good", category="quality", aspect=None, polarity="praise")
    keep(database, taxonomy, "other", source="crm")
    sender.drain()
    assert {seen.json["data"]["external_id"] for seen in stand_in.seen} == told


def test_what_was_deleted_meanwhile_is_not_told(database, sender, hook, stand_in, taxonomy):
    """Between storing and sending a deletion may come; then no word of the comment leaves."""
    keep(database, taxonomy, "r-1", "r-2")
    with database.write() as connection:
        [erased] = connection.execute(
            select(schema.comments.c.id).where(schema.comments.c.external_id == "r-1")
        )
        comments.erase(connection, [erased.id])
    sender.drain()
    assert [seen.json["data"]["external_id"] for seen in stand_in.seen] == ["r-2"]
    assert _states(database) == {"delivered": 1, "dropped": 1}


def test_a_rotated_secret_signs_beside_the_old_one_for_a_day(database, sender, hook, stand_in, taxonomy):
    """Receivers change their secret when they like, within a day."""
    new = webhook_admin.rotate(database, hook.id)
    keep(database, taxonomy, "r-1")
    sender.drain()
    seen = stand_in.seen[0]
    for secret in (hook.secret, new.secret):
        assert Webhook(secret).verify(seen.body, seen.headers)["type"] == "comment.tagged"
    assert new.secret != hook.secret


def test_what_a_dead_sender_had_claimed_comes_due_again(database, sender, hook, stand_in, taxonomy, clock):
    """A claim is a lease: not shared while it runs, and void when it ends without word."""
    keep(database, taxonomy, "r-1")
    with database.write() as connection:
        claimed = outbox.claim(connection, hook.id, clock(), 10, timedelta(minutes=2))
    assert len(claimed) == 1
    clock.forward(timedelta(seconds=119))
    assert sender.drain() == 0
    clock.forward(timedelta(seconds=2))
    assert sender.drain() == 1
    with database.write() as connection:
        outbox.settle(connection, claimed[0], "dead", error="the late word of the first sender")
    assert _states(database) == {"delivered": 1}


def test_what_was_delivered_is_forgotten_after_a_month_and_dead_letters_are_not(
    database, sender, hook, stand_in, taxonomy, clock
):
    """The outbox does not grow for ever, and loses nothing that a person has still to see."""
    keep(database, taxonomy, "r-1", "r-2")
    stand_in.reply = lambda seen: (410 if seen.json["data"]["external_id"] == "r-2" else 200, {})
    sender.drain()
    with running(sender):
        until(lambda: _states(database) == {"delivered": 1, "dead": 1})
        clock.forward(timedelta(days=31))
        until(lambda: _states(database) == {"dead": 1})


def test_a_dead_endpoint_delays_no_other(database, sender, loopback, open_stand_in, taxonomy):
    """While one endpoint keeps everybody waiting, another gets all of its events."""
    dead, alive = open_stand_in(), open_stand_in()
    release = threading.Event()
    dead.reply = lambda seen: (release.wait(10), (200, {}))[1]
    for one in (dead, alive):
        webhook_admin.add(database, loopback, one.url, Filter())
    keep(database, taxonomy, *[f"r-{number}" for number in range(12)])
    with running(sender):
        until(lambda: len(alive.seen) == 12)
        assert len(dead.seen) <= Manner().at_once
        release.set()
        until(lambda: _states(database) == {"delivered": 12} and len(dead.seen) == 12)


def test_two_senders_share_the_work(database, loopback, taxonomy, open_stand_in):
    """Any number of senders may run: each event is sent once while none of them dies."""
    stand_in = open_stand_in()
    webhook_admin.add(database, loopback, stand_in.url, Filter())
    keep(database, taxonomy, *[f"r-{number}" for number in range(40)])
    webhooks = WebhookSender.open(loopback, lambda: taxonomy)
    other = Database(database.url.render_as_string(hide_password=False))
    first, second = (Sender(one, {"webhook": webhooks}, Manner(idle=0.02)) for one in (database, other))
    with running(first), running(second):
        until(lambda: _states(database) == {"delivered": 40})
    other.close()
    webhooks.close()
    assert Counter(seen.json["data"]["external_id"] for seen in stand_in.seen) == Counter(
        f"r-{number}" for number in range(40)
    )


class running:  # noqa: N801  # reads as a phrase
    """A sender that runs in a thread while the block does."""

    def __init__(self, sender: Sender) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=sender.run, args=(self._stop,))

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(20)


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not within its time"
        time.sleep(0.02)
