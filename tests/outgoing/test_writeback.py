"""Tags go back to where the comment came from; what people put there stays, and no round begins."""

from datetime import UTC, datetime, timedelta

import pytest

from service.clients import connections
from service.clients.bitrix24 import Bitrix24Feed
from service.clients.transport import open_client
from service.collect.collector import Collected, Collector
from service.delivery.run import synchronise_writebacks
from service.delivery.sender import Sender
from service.delivery.writeback import WRITEBACK, WriteBack, open_writers
from service.intake import adapters
from service.intake.mapping import Choices
from service.store import outbox
from service.store.comments import IncomingComment
from service.store.database import Database
from service.store.tagging import store_tagged, to_tag
from tests.outgoing.platforms import FakeBitrix24
from tests.outgoing.tagged import keep, result


@pytest.fixture
def open_sender(database: Database, loopback, taxonomy):
    """Makes a sender that writes back to one connection."""
    http = open_client(loopback)

    def open_one(connection: connections.Connection) -> Sender:
        name = connection.platform
        synchronise_writebacks(database, {name: connection})
        writers = open_writers({name: connection}, http)
        return Sender(database, {WRITEBACK: WriteBack(writers, lambda: taxonomy)})

    yield open_one
    http.close()


@pytest.fixture
def portal(stand_in) -> FakeBitrix24:
    """A portal with one deal that has an answer."""
    portal = FakeBitrix24()
    portal.add(5012, title="Станок", ufCrmScore="3", ufCrmWhy="Задержали поставку на две недели")
    stand_in.reply = portal
    return portal


def _bitrix24(stand_in, **more: object) -> connections.Bitrix24:
    fields = {"tags": "ufCrmTags", "departments": "ufCrmDepartments", "kpis": "ufCrmKpis"}
    settings = {"platform": "bitrix24", "url": f"{stand_in.url}/rest/1/secret/", "fields": fields, **more}
    return connections.Bitrix24.model_validate(settings)


def _states(database: Database) -> dict[str, int]:
    with database.read() as connection:
        return {state: count for (_, state), count in outbox.counts(connection).items()}


def test_bitrix24_gets_fields_and_a_comment(database, open_sender, stand_in, portal, taxonomy):
    """Tags, departments and KPIs stand in the deal's fields, the proof in its timeline, in Russian."""
    sender = open_sender(_bitrix24(stand_in, comment=True))
    keep(database, taxonomy, "DEAL_5012", source="bitrix24")
    keep(database, taxonomy, "message-9", source="bitrix24")
    keep(database, taxonomy, "r-1", source="survey")
    sender.drain()
    deal = portal.items[5012]
    assert deal["ufCrmTags"] == "Сроки и логистика: проблема"
    assert deal["ufCrmDepartments"] == "Отдел логистики; Производственно-диспетчерский отдел"
    assert deal["ufCrmKpis"] == "On-Time Delivery; Production Cycle Time"
    assert len(portal.comments) == 1
    assert portal.comments[0]["ENTITY_ID"] == 5012
    assert portal.comments[0]["ENTITY_TYPE"] == "deal"
    assert "«Задержали поставку на две недели»" in portal.comments[0]["COMMENT"]
    assert _states(database) == {"delivered": 1, "dropped": 1}


def test_bitrix24_gives_the_head_of_the_department_one_task(
    database, open_sender, stand_in, portal, taxonomy
):
    """A problem becomes one task of who answers for it, also when an answer is lost or the model changes."""
    portal.lose_answers_of = {"tasks.task.add"}
    sender = open_sender(_bitrix24(stand_in, fields={}, tasks={"heads": {"logistics": 17}, "head": 1}))
    keep(database, taxonomy, "DEAL_5012", source="bitrix24")
    sender.drain()
    with database.write() as connection:
        outbox.replay(connection)
    sender.drain()
    keep(database, taxonomy, "DEAL_5012", source="bitrix24", model="another model")
    keep(database, taxonomy, "DEAL_5012", source="bitrix24", model="a third", category="price", aspect=None)
    sender.drain()
    assert [task["RESPONSIBLE_ID"] for task in portal.tasks] == [17]
    assert portal.tasks[0]["TITLE"] == "Недовольный клиент (оценка 3): Станок — Сроки и логистика: проблема"
    portal.add(6000, title="Пресс")
    keep(database, taxonomy, "DEAL_6000", source="bitrix24", score=10)
    keep(database, taxonomy, "DEAL_6000", source="bitrix24", text="Отлично", polarity="praise")
    sender.drain()
    assert len(portal.tasks) == 1


def test_bitrix24_writes_lists_where_fields_are_lists(database, open_sender, stand_in, portal, taxonomy):
    """Multiple fields take arrays."""
    sender = open_sender(_bitrix24(stand_in, fields={"departments": "ufCrmDepartments", "multiple": True}))
    keep(database, taxonomy, "DEAL_5012", source="bitrix24")
    sender.drain()
    assert portal.items[5012]["ufCrmDepartments"] == [
        "Отдел логистики",
        "Производственно-диспетчерский отдел",
    ]


def test_our_own_write_ends_the_round(database, open_sender, stand_in, portal, taxonomy, loopback):
    """The change that our write makes is collected, tags nothing anew, and makes no second write."""
    connection = _bitrix24(stand_in, items=[2])
    sender = open_sender(connection)
    now = datetime.now(UTC) + timedelta(minutes=1)

    def keep_answers(transaction, source, answers) -> None:
        incoming = [IncomingComment(source, a.id, a.text, a.score) for a in answers]
        results = [result(taxonomy, one.text, one.score) for one in to_tag(incoming)]
        store_tagged(transaction, incoming, results, "model")

    adapter = adapters.find("bitrix24")
    assert adapter is not None
    with open_client(loopback) as http:
        collected = Collected(
            Bitrix24Feed.open(connection, http), adapter, Choices(score="ufCrmScore", text="ufCrmWhy")
        )
        collector = Collector(database, {"bitrix24": collected}, keep_answers, clock=lambda: now)
        for _ in range(4):
            collector.collect_due()
            sender.drain()
            now += timedelta(minutes=11)
    assert portal.methods.count("crm.item.list") == 4
    assert portal.methods.count("crm.item.update") == 1
    assert _states(database) == {"delivered": 1}


def test_a_write_whose_answer_was_lost_is_not_done_twice(database, open_sender, stand_in, portal, taxonomy):
    """After a broken gateway the item is read again, and found to hold the tags."""
    portal.lose_answers_of = {"crm.item.update"}
    sender = open_sender(_bitrix24(stand_in, comment=True))
    keep(database, taxonomy, "DEAL_5012", source="bitrix24")
    sender.drain()
    assert portal.items[5012]["ufCrmTags"] == "Сроки и логистика: проблема"
    assert len(portal.comments) == 1


def test_a_deleted_item_waits_for_a_person(database, open_sender, stand_in, portal, taxonomy):
    """What the platform refuses is not tried for three days, but listed with its words."""
    sender = open_sender(_bitrix24(stand_in))
    keep(database, taxonomy, "DEAL_77", source="bitrix24")
    sender.drain()
    with database.read() as connection:
        dead = outbox.dead(connection)
    assert [one.status for one in dead] == [400]
    assert "NOT_FOUND Элемент не найден" in str(dead[0].error)


class FakeAmoCrm:
    """`/api/v4/leads/{id}`: a write replaces the whole list of tags, as documented."""

    def __init__(self) -> None:
        self.lead = {
            "id": 7, "custom_fields_values": None,
            "_embedded": {"tags": [{"name": "важный"}, {"name": "Цена и условия: проблема"}]},
        }  # fmt: skip
        self.writes = 0

    def __call__(self, seen):
        if seen.headers.get("authorization") != "Bearer amo-token":
            return 401, {"title": "Unauthorized", "detail": "Wrong token"}
        assert seen.path == "/api/v4/leads/7"
        if seen.method == "PATCH":
            self.writes += 1
            self.lead |= seen.json
        return 200, self.lead


def test_amocrm_keeps_the_tags_of_others(database, open_sender, stand_in, taxonomy):
    """Our tag of an earlier text goes, the new one comes, people's stay; the same again is silent."""
    platform = FakeAmoCrm()
    stand_in.reply = platform
    sender = open_sender(connections.AmoCrm(platform="amocrm", url=stand_in.url, token="amo-token", field=66))
    keep(database, taxonomy, "7", source="amocrm")
    sender.drain()
    tags = [tag["name"] for tag in platform.lead["_embedded"]["tags"]]
    assert tags == ["важный", "Сроки и логистика: проблема"]
    value = platform.lead["custom_fields_values"][0]
    assert value["field_id"] == 66
    assert value["values"][0]["value"].startswith("Отдел логистики")
    keep(database, taxonomy, "7", source="amocrm", text="Другой текст, те же метки")
    sender.drain()
    assert platform.writes == 1
    assert _states(database) == {"delivered": 2}


class FakeChatwoot:
    """Labels of one conversation: a write replaces them."""

    def __init__(self) -> None:
        self.labels = ["vip", "price-problem"]
        self.writes = 0

    def __call__(self, seen):
        assert seen.path == "/api/v1/accounts/1/conversations/55/labels"
        if seen.headers.get("api_access_token") != "cw-token":
            return 401, {"errors": ["Invalid Access Token"]}
        if seen.method == "POST":
            self.writes += 1
            self.labels = seen.json["labels"]
        return 200, {"payload": self.labels}


def test_chatwoot_keeps_the_labels_of_others(database, open_sender, stand_in, taxonomy):
    """Labels are added beside those that are there, in Latin letters as Chatwoot wants them."""
    platform = FakeChatwoot()
    stand_in.reply = platform
    sender = open_sender(connections.Chatwoot(platform="chatwoot", url=stand_in.url, token="cw-token"))
    place = {"account_id": 1, "conversation_id": 55}
    keep(database, taxonomy, "901", source="chatwoot", attributes=place)
    sender.drain()
    assert platform.labels == ["vip", "logistics-problem"]
    keep(database, taxonomy, "902", source="chatwoot", attributes=place)
    sender.drain()
    assert platform.writes == 1


class FakeFormbricks:
    """One response of the management API: a write replaces its answers."""

    def __init__(self) -> None:
        self.response = {"id": "rsp1", "finished": True, "data": {"nps_q": 3, "why_q": "Долго везли"}}
        self.writes = 0

    def __call__(self, seen):
        assert seen.path == "/api/v1/management/responses/rsp1"
        if seen.headers.get("x-api-key") != "fb-key":
            return 401, {"code": "not_authenticated", "message": "Not authenticated"}
        if seen.method == "PUT":
            self.writes += 1
            self.response |= seen.json
        return 200, {"data": self.response}


def test_formbricks_keeps_the_answers(database, open_sender, stand_in, taxonomy):
    """The hidden field is written beside the answers, once."""
    platform = FakeFormbricks()
    stand_in.reply = platform
    sender = open_sender(connections.Formbricks(platform="formbricks", url=stand_in.url, token="fb-key"))
    keep(database, taxonomy, "rsp1", source="formbricks")
    sender.drain()
    assert platform.response["data"] == {
        "nps_q": 3, "why_q": "Долго везли", "otklik": "Сроки и логистика: проблема"
    }  # fmt: skip
    keep(database, taxonomy, "rsp1", source="formbricks", text="Другой текст, те же метки")
    sender.drain()
    assert platform.writes == 1
