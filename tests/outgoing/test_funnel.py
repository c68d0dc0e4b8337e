"""The Bitrix24 funnel from the closed deal to the quarter's figures."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.cases.funnel import FunnelRunner, Run
from service.clients.bitrix24 import Bitrix24Api
from service.clients.connections import Bitrix24, Process
from service.clients.transport import open_client
from service.reports.funnel import by_quarter
from service.store import cases, comments, cursors, schema
from service.store.database import Database
from service.store.erasure import Erasure, erase
from tests.outgoing.platforms import FakeBitrix24
from tests.outgoing.tagged import keep

LOGISTICS, ALL = 17, 1
FUNNEL = {
    "closed": {"category": 0, "stage": "WON"},
    "nps": {
        "category": 7, "asked": "C7:NEW", "satisfied": "C7:THANKS", "passive": "C7:PASSIVE",
        "dissatisfied": "C7:TROUBLE", "no_answer": "C7:LOSE", "reviewed": "C7:WON",
    },
    "score": "ufCrmScore", "comment": "ufCrmWhy", "origin": "ufCrmOrigin", "message": "ufCrmMessage",
    "review_url": "https://example.ru/reviews", "heads": {"logistics": LOGISTICS}, "head": ALL,
}  # fmt: skip


class Portal:
    """A portal, its funnel, and the time."""

    def __init__(self, database: Database, stand_in, loopback, taxonomy) -> None:
        self.now = datetime.now(UTC) + timedelta(minutes=1)
        self.platform = FakeBitrix24(now=lambda: self.now)
        stand_in.reply = self.platform
        self.database = database
        self.taxonomy = taxonomy
        settings = {"platform": "bitrix24", "url": f"{stand_in.url}/rest/1/secret/", "funnel": FUNNEL}
        connection = Bitrix24.model_validate(settings)
        assert connection.funnel is not None
        self.http = open_client(loopback)
        api = Bitrix24Api.open(connection, self.http)
        self.runner = FunnelRunner(
            database, "bitrix24", api, connection.funnel, lambda: taxonomy, lambda: self.now
        )
        self.runner.run()

    def close_deal(self, number: int, title: str = "Станок") -> None:
        moment = self.now.isoformat(timespec="seconds")
        self.platform.add(
            number, title=title, categoryId=0, stageId="WON", movedTime=moment, contactId=9, companyId=4
        )

    def nps_deal(self, origin: int) -> dict:
        return next(i for i in self.platform.items.values() if i.get("ufCrmOrigin") == str(origin))

    def answer(self, origin: int, score: int, text: str | None, **tag: object) -> None:
        """What the collector stores of an answered NPS deal."""
        number = f"DEAL_{self.nps_deal(origin)['id']}"
        keep(self.database, self.taxonomy, number, source="bitrix24", text=text, score=score, **tag)

    def cases(self) -> list[cases.Case]:
        with self.database.read() as connection:
            return cases.asked_between(connection, datetime(2000, 1, 1, tzinfo=UTC), self.now + timedelta(9))


@pytest.fixture
def portal(database, stand_in, loopback, taxonomy):
    """A portal whose funnel has run once, so that the time has begun."""
    portal = Portal(database, stand_in, loopback, taxonomy)
    yield portal
    portal.http.close()


def test_a_closed_deal_becomes_one_nps_deal(portal: Portal):
    """It carries the customer along and points to the deal; running again makes no second one."""
    portal.close_deal(101, "Станок для «Вектора»")
    portal.now += timedelta(minutes=1)
    for _ in range(3):
        portal.runner.run()
    made = [item for item in portal.platform.items.values() if item.get("categoryId") == 7]
    assert len(made) == 1
    assert made[0]["title"] == "NPS: Станок для «Вектора»"
    assert (made[0]["stageId"], made[0]["contactId"], made[0]["companyId"]) == ("C7:NEW", 9, 4)
    assert made[0]["ufCrmOrigin"] == "101"


def test_an_nps_deal_whose_answer_was_lost_is_found_again(portal: Portal):
    """When the portal made the deal but its answer broke off, the next run takes that deal."""
    portal.close_deal(101)
    portal.platform.lose_answers_of = {"crm.item.add"}
    assert portal.runner.run().refused == 1
    portal.runner.run()
    assert len([item for item in portal.platform.items.values() if item.get("categoryId") == 7]) == 1
    assert [case.state for case in portal.cases()] == ["asked"]


def test_deals_that_closed_before_are_left_alone(portal: Portal):
    """Nobody is asked about a deal of years ago because the funnel was switched on today."""
    portal.platform.add(
        55, title="Старая", categoryId=0, stageId="WON",
        movedTime=(portal.now - timedelta(days=30)).isoformat(timespec="seconds"),
    )  # fmt: skip
    assert portal.runner.run().opened == 0


def test_two_processes_do_not_run_one_funnel_at_once(portal: Portal, database: Database):
    """While one is about it another does nothing; one that died is followed after its lease."""
    portal.close_deal(101)
    with database.write() as connection:
        cursors.claim(connection, [("bitrix24", "funnel")], portal.now, timedelta(minutes=15))
    assert portal.runner.run() == Run()
    portal.now += timedelta(minutes=16)
    assert portal.runner.run().asked == 1


def test_a_satisfied_customer_is_thanked_and_asked_for_a_review(portal: Portal):
    """The deal goes to its stage, with the words and the address that the robot sends; no task is made."""
    portal.close_deal(101)
    portal.runner.run()
    portal.answer(101, 10, "Станок отличный", category="quality", aspect=None, polarity="praise")
    assert portal.runner.run().answered == 1
    deal = portal.nps_deal(101)
    assert deal["stageId"] == "C7:THANKS"
    assert "Спасибо" in deal["ufCrmMessage"]
    assert "https://example.ru/reviews" in deal["ufCrmMessage"]
    assert portal.platform.tasks == []
    deal["stageId"] = "C7:WON"
    assert portal.runner.run().reviewed == 1
    assert portal.runner.run().reviewed == 0


def _with_process(portal: Portal) -> None:
    funnel = portal.runner.funnel.model_copy(update={"process": Process(template=12)})
    portal.runner = replace(portal.runner, funnel=funnel)


def test_a_process_of_the_portal_sends_the_thanks_once(portal: Portal):
    """Satisfied customers get the address for a review, passive ones thanks alone, others nothing."""
    _with_process(portal)
    for number in (101, 102, 103):
        portal.close_deal(number)
    portal.runner.run()
    praise = {"category": "quality", "aspect": None, "polarity": "praise"}
    portal.answer(101, 10, "Станок отличный", **praise)
    portal.answer(102, 8, "Нормально", **praise)
    portal.answer(103, 2, "Задержали поставку")
    portal.platform.lose_answers_of = {"bizproc.workflow.start"}
    for _ in range(3):
        portal.runner.run()
    sent = {document: message for document, message in portal.platform.sent}
    assert len(portal.platform.sent) == len(sent) == 2
    satisfied, passive = (f"DEAL_{portal.nps_deal(number)['id']}" for number in (101, 102))
    assert "https://example.ru/reviews" in sent[satisfied]
    assert "Спасибо" in sent[passive]
    assert "https://" not in sent[passive]
    assert {case.state for case in portal.cases()} == {"satisfied", "passive", "dissatisfied"}


def test_thanks_that_the_portal_refuses_are_sent_later(portal: Portal):
    """A template that is not there is told as an error; when it is, the customer is thanked."""
    _with_process(portal)
    portal.close_deal(101)
    portal.runner.run()
    portal.answer(101, 10, "Станок отличный", category="quality", aspect=None, polarity="praise")
    portal.platform.templates.clear()
    run = portal.runner.run()
    assert (run.answered, run.refused) == (0, 1)
    portal.platform.templates.add(12)
    assert portal.runner.run().answered == 1
    assert len(portal.platform.sent) == 1


def test_a_dissatisfied_customer_becomes_a_task_of_the_responsible_head(portal: Portal):
    """The task has the trouble, the customer's words and the KPIs, is linked to the deal, and is one."""
    portal.close_deal(101, "Станок")
    portal.runner.run()
    portal.answer(101, 3, "Задержали поставку на две недели")
    portal.platform.lose_answers_of = {"crm.item.update"}
    for _ in range(3):
        portal.runner.run()
    assert len(portal.platform.tasks) == 1
    task = portal.platform.tasks[0]
    assert task["RESPONSIBLE_ID"] == LOGISTICS
    assert task["TITLE"] == "Недовольный клиент (оценка 3): Станок — Сроки и логистика: проблема"
    for words in ("Клиент поставил 3 из 10", "«Задержали поставку на две недели»", "On-Time Delivery"):
        assert words in task["DESCRIPTION"]
    number = portal.nps_deal(101)["id"]
    assert task["UF_CRM_TASK"] == [f"D_{number}"]
    assert datetime.fromisoformat(task["DEADLINE"]) - portal.now > timedelta(days=2)
    assert portal.nps_deal(101)["stageId"] == "C7:TROUBLE"


def test_a_deletion_on_request_leaves_no_title_behind(portal: Portal, database: Database):
    """Deals bear people's names: neither the answer's words nor the title stay in any table."""
    portal.close_deal(101, "Станок для Иванова")
    portal.runner.run()
    portal.answer(101, 3, "Задержали поставку Иванову", attributes={"title": "NPS: Станок для Иванова"})
    portal.runner.run()
    assert "Иванова" in portal.platform.tasks[0]["TITLE"]
    with database.read() as connection:
        [answer] = comments.get_by_keys(
            connection, [("bitrix24", f"DEAL_{portal.nps_deal(101)['id']}")]
        ).values()
    erase(database, Erasure(comment_id=answer.id))
    with database.read() as connection:
        rows = [
            str(row) for table in schema.metadata.sorted_tables for row in connection.execute(table.select())
        ]
    assert not [row for row in rows if "Иванов" in row]
    assert by_quarter(portal.cases(), UTC)[0].dissatisfied == 1


def test_a_task_whose_answer_was_lost_is_not_given_twice(portal: Portal):
    """A broken answer to the task's creation leaves one task."""
    portal.close_deal(101)
    portal.runner.run()
    portal.answer(101, 3, "Задержали поставку")
    portal.platform.lose_answers_of = {"tasks.task.add"}
    assert portal.runner.run().refused == 1
    assert portal.runner.run().answered == 1
    assert len(portal.platform.tasks) == 1


def test_a_trouble_without_a_head_goes_to_the_head_of_all(portal: Portal):
    """Nothing falls between departments; without a comment the task waits for it a day, and then comes."""
    for number in (101, 102):
        portal.close_deal(number)
    portal.runner.run()
    portal.answer(101, 2, "Дорого", category="price", aspect=None)
    portal.answer(102, 0, None)
    assert portal.runner.run().answered == 1
    portal.now += timedelta(hours=25)
    assert portal.runner.run().answered == 1
    assert [task["RESPONSIBLE_ID"] for task in portal.platform.tasks] == [ALL, ALL]
    assert "без комментария" in portal.platform.tasks[1]["DESCRIPTION"]


def test_a_deal_that_was_deleted_holds_up_no_other(portal: Portal):
    """What the portal refuses of one customer keeps nobody else waiting, and is told."""
    for number in (101, 102):
        portal.close_deal(number)
    portal.runner.run()
    for number in (101, 102):
        portal.answer(number, 3, "Задержали поставку")
    del portal.platform.items[portal.nps_deal(101)["id"]]
    run = portal.runner.run()
    assert (run.answered, run.refused) == (1, 1)
    assert "1 refused by the portal" in str(run)
    assert len(portal.platform.tasks) == 1


def test_the_quarters_figures_tell_what_came_of_it(portal: Portal):
    """Each case counts once, in the quarter of its question; a late answer still counts."""
    for number in range(101, 107):
        portal.close_deal(number)
    portal.runner.run()
    portal.answer(101, 10, "Станок отличный", category="quality", aspect=None, polarity="praise")
    portal.answer(102, 9, None)
    portal.answer(103, 7, None)
    portal.answer(104, 3, "Задержали поставку")
    portal.runner.run()
    portal.nps_deal(101)["stageId"] = "C7:WON"
    portal.now += timedelta(days=15)
    run = portal.runner.run()
    assert (run.unanswered, run.reviewed) == (2, 1)
    assert portal.nps_deal(105)["stageId"] == "C7:LOSE"
    quarters = by_quarter(portal.cases(), UTC)
    assert len(quarters) == 1
    quarter = quarters[0]
    figures = (quarter.asked, quarter.satisfied, quarter.passive, quarter.dissatisfied, quarter.no_answer)
    assert figures == (6, 2, 1, 1, 2)
    assert (quarter.reviewed, quarter.waiting, quarter.nps) == (1, 0, 25)
    assert quarter.response_rate == pytest.approx(4 / 6)
    portal.answer(
        105, 8, "Поздно, но всё-таки: нормально", category="quality", aspect=None, polarity="praise"
    )
    assert portal.runner.run().answered == 1
    late = by_quarter(portal.cases(), UTC)[0]
    assert (late.passive, late.no_answer) == (2, 1)
