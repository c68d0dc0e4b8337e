"""`connections.yaml`: what it says is done, and what is wrong in it is told with its place."""

from pathlib import Path

import pytest
import yaml

from service.clients.connections import ConnectionsError, read_connections
from service.clients.transport import open_client
from service.collect.collector import Collector
from service.collect.run import open_sources
from service.delivery.run import check_fields, synchronise_writebacks
from service.delivery.writeback import WRITEBACK
from service.intake.installation import Installation, read_installation
from service.settings import SettingsError, expand
from service.store import cursors, targets
from service.store.database import Database
from tests.outgoing.platforms import FakeBitrix24
from tests.outgoing.test_funnel import FUNNEL

ENVIRONMENT = {"TOKEN": "secret-token"}


def _read(path: Path, text: str):
    path.write_text(text, encoding="utf-8")
    return read_connections(path, lambda value: expand(value, ENVIRONMENT))


def test_no_file_is_no_connection(tmp_path: Path):
    """An installation that calls nobody needs no file."""
    assert read_connections(tmp_path / "none.yaml", expand) == {}


def test_secrets_come_from_the_environment(tmp_path: Path):
    """A token need not stand in the file; a name that is not its platform says what it is."""
    text = 'connections: {poll: {platform: surveymonkey, token: "${TOKEN}", surveys: [511]}}'
    connection = _read(tmp_path / "c.yaml", text)["poll"]
    assert (connection.platform, connection.token, connection.surveys) == (
        "surveymonkey", "secret-token", ("511",)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("connections: [1", "cannot be read as YAML"),
        ("[]", "expected «connections:»"),
        ("connections: {qualtrics: 5}", r"connections\.qualtrics: expected settings"),
        ("connections: {qualtrics: {token: a}}", r"connections\.qualtrics\.url: Field required"),
        ("connections: {chatwoot: {url: a, token: b, colour: red}}", r"connections\.chatwoot\.colour: Extra"),
        ("connections: {myspace: {token: a}}", r"connections\.myspace.*bitrix24"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, found: str):
    """File, place and what was expected; the values, which may be secrets, are not repeated."""
    with pytest.raises(ConnectionsError, match=found) as error:
        _read(tmp_path / "c.yaml", text)
    assert "c.yaml" in str(error.value)


def test_a_variable_that_is_not_set_is_told(tmp_path: Path):
    """An empty token would be found out late; so it is told at once."""
    with pytest.raises(SettingsError, match="NOT_SET"):
        _read(tmp_path / "c.yaml", 'connections: {surveymonkey: {token: "${NOT_SET}"}}')


@pytest.mark.parametrize("platform", ["formbricks", "bitrix24"])
def test_tags_written_beside_the_answers_must_not_be_read_as_one(tmp_path: Path, platform: str):
    """Where our own words come back with the answers, the comment's field must be named."""
    settings = {"formbricks": "{token: a}", "bitrix24": "{url: a, fields: {tags: ufCrmTags}}"}[platform]
    connections = _read(tmp_path / "c.yaml", f"connections: {{{platform}: {settings}}}")
    with pytest.raises(ConnectionsError, match=rf"sources\.{platform}\.fields\.text"):
        check_fields(connections, Installation())
    secret = "secrets: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3" if platform == "formbricks" else (
        "tokens: t0k3n-0123456789abcdef"
    )  # fmt: skip
    intake = tmp_path / "intake.yaml"
    intake.write_text(f"sources: {{{platform}: {{{secret}, fields: {{text: why}}}}}}")
    check_fields(connections, read_installation(intake, lambda value: value))


def test_a_funnel_has_its_deals_looked_through(tmp_path: Path, stand_in, loopback, database: Database):
    """The funnel's own deals, and no others, are collected; its own cursor is not taken for one."""
    portal = FakeBitrix24()
    portal.add(1, categoryId=7, ufCrmScore="9", ufCrmWhy="Хорошо", title="NPS")
    portal.add(2, categoryId=7, title="Без ответа")
    portal.add(3, categoryId=0, ufCrmScore="1", title="Чужая")
    stand_in.reply = portal
    url = f"{stand_in.url}/rest/1/secret/"
    path = tmp_path / "c.yaml"
    connections = _read(path, yaml.safe_dump({"connections": {"bitrix24": {"url": url, "funnel": FUNNEL}}}))
    kept = []
    with open_client(loopback) as http:
        sources = open_sources(connections, Installation(), http)
        with database.write() as connection:
            cursors.ensure(connection, "bitrix24", ["funnel"])
        Collector(database, sources, lambda transaction, source, answers: kept.extend(answers)).collect_due()
    assert [(answer.id, answer.score, answer.text) for answer in kept] == [("DEAL_1", 9, "Хорошо")]
    with database.read() as connection:
        assert [cursor.error for cursor in cursors.all_of(connection)] == [None, None]


def test_a_connection_that_is_taken_out_gets_nothing_more(tmp_path: Path, database: Database):
    """Write-backs follow the file: on while they stand in it, off afterwards, on again."""
    connections = _read(tmp_path / "c.yaml", "connections: {chatwoot: {url: a, token: b}}")
    for wanted, is_on in ((connections, True), ({}, False), (connections, True)):
        synchronise_writebacks(database, wanted)
        with database.read() as connection:
            assert [one.is_on for one in targets.all_of(connection, WRITEBACK)] == [is_on]


def test_the_example_can_be_used(project: Path, tmp_path: Path):
    """The file that the README gives to start from is right, and asks for one thing more, which it names."""
    path = project / "data" / "examples" / "connections.yaml"
    connections = read_connections(path, lambda text: text.replace("$", ""))
    assert {connection.platform for connection in connections.values()} == {
        "surveymonkey", "qualtrics", "anketolog", "bitrix24", "amocrm", "chatwoot", "formbricks"
    }  # fmt: skip
    with pytest.raises(ConnectionsError, match=r"sources\.formbricks\.fields\.text"):
        check_fields(connections, Installation())
    assert "sources.formbricks.fields.text" in path.read_text(encoding="utf-8")
    intake = tmp_path / "intake.yaml"
    intake.write_text("sources: {formbricks: {tokens: t0k3n-0123456789abcdef, fields: {text: why}}}")
    check_fields(connections, read_installation(intake, lambda value: value))
