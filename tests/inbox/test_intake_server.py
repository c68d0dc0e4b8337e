"""A real server, to which curl delivers as every platform would, with the proof that it documents."""

import json
import threading
import time
import urllib.request
from http.client import HTTPException
from itertools import count
from pathlib import Path

import pytest

from service.intake import adapters
from tests.inbox.senders import forged, keyed_hash, signed, standard_webhook
from tests.inbox.serving import SECRET, TOKEN, WEBHOOK_SECRET, Request, Server, bearer, running

TAGGED = {
    "amocrm": "5012", "amocrm.message": "message-m-1", "anketolog": "31",
    "bitrix24.openline": "message-3001", "bitrix24.robot": "DEAL_5012", "bitrix24.stock-robot": "DEAL_5013",
    "chatwoot": "901", "delighted": "70012", "formbricks": "rsp1", "generic": "r-1",
    "generic.cloudevent": "/crm|e-7", "generic.lines": "l-2", "generic.zapier": "r-2",
    "google-forms": "2_ABaOnue", "google-forms.sheet": "Sheet1!42",
    "limesurvey": "123456-42", "msforms": "41", "promoter": "4711", "qualtrics-workflow": "R_2",
    "sendpulse": "c1-1788253200000", "surveymonkey.fetched": "880012", "tally": "jyq1", "testograf": "1007",
    "typeform": "a3a1", "webask": "w-9", "webask.get": "w-10", "yandex-forms": "88",
    "yandex-forms.jsonrpc": "89",
}  # fmt: skip
"""External id of the answer, by the capture that holds it."""


@pytest.mark.parametrize("name", TAGGED)
def test_delivered_tagged_once_and_not_forged(server: Server, name: str) -> None:
    """Each shape is tagged like any comment; its repeat changes nothing; a forged one is refused."""
    source, request = name.partition(".")[0], signed(name)
    refused, rows = server.counted(source, "refused"), server.rows("inbox")
    status, problem = server.send(forged(request))
    assert (status, problem["status"]) == (401, 401)
    assert server.counted(source, "refused") == refused + 1
    assert server.rows("inbox") == rows

    status, receipt = server.send(request)
    assert (status, receipt["status"]) == (200, "stored")
    comment = server.wait_for(source, TAGGED[name])
    known = {name: comment[name] for name in ("text", "score", "question")}
    asked = {"comments": [{"id": "1", **known}]}
    body = json.dumps(asked).encode()
    _, predicted = server.call("/v1/predict", "POST", body, {"Content-Type": "application/json"})
    assert comment["tags"] == predicted["results"][0]["tags"]

    before = server.comments(source)
    status, repeated = server.send(request)
    assert (status, repeated) == (200, {"status": "duplicate", "id": receipt["id"]})
    assert server.comments(source) == before


@pytest.mark.parametrize("name", ["surveymonkey", "bitrix24", "qualtrics"])
def test_deliveries_of_ids_are_taken_once(server: Server, name: str) -> None:
    """What only names an answer is taken once, and told if nothing collects it; not when forged."""
    request = signed(name)
    assert server.send(forged(request))[0] == 401
    assert server.send(request)[1]["status"] == "stored"
    assert server.send(request)[1]["status"] == "duplicate"
    told = f"inbox WHERE source = '{name}' AND problem LIKE 'names %'"
    deadline = time.monotonic() + 20
    while not server.rows(told) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.rows(told) == 1


def test_every_source_is_delivered() -> None:
    """No adapter is without a capture that the tests above deliver as it is sent."""
    delivered = {name.partition(".")[0].removesuffix("-workflow") for name in TAGGED}
    assert delivered == set(adapters.names())


def test_chat_of_amocrm_is_signed(server: Server) -> None:
    """The chat API signs the body; what we said ourselves is ignored."""
    body = json.dumps(
        {"account_id": "a", "message": {"message": {"id": "1", "text": "Добрый день"}}}
    ).encode()
    headers = {"X-Signature": keyed_hash("sha1", body).hex()}
    assert server.send(Request("/v1/intake/amocrm-chat", headers, body))[1]["status"] == "ignored"
    assert server.send(Request("/v1/intake/amocrm-chat", headers, body + b" "))[0] == 401


def test_both_secret_and_token_where_both_are_set(server: Server) -> None:
    """All that is configured is demanded."""
    body = b'{"id": "s-1", "comment": "Late"}'
    for headers, expected in (
        (standard_webhook(body) | bearer(), 200),
        (standard_webhook(body), 401),
        (bearer(), 401),
    ):
        assert server.send(Request("/v1/intake/signed", headers, body))[0] == expected


def test_old_signature_is_refused(server: Server) -> None:
    """A true signature of ten minutes ago is a replay."""
    body = b'{"event": "message_updated", "id": 1}'
    timestamp = str(int(time.time()) - 600)
    signature = keyed_hash("sha256", f"{timestamp}.".encode() + body).hex()
    headers = {"X-Chatwoot-Timestamp": timestamp, "X-Chatwoot-Signature": f"sha256={signature}"}
    status, problem = server.send(Request("/v1/intake/chatwoot", headers, body))
    assert status == 401
    assert "5 minutes" in problem["detail"]


FAULTS = {
    "no signature": ("typeform", {}, "no signature in «typeform-signature», expected sha256=HMAC-SHA256"),
    "a signature of something else": ("typeform", {"Typeform-Signature": "sha256=AA=="}, "that does not fit"),
    "no token": ("generic", {}, "found no token, expected that of the source in Authorization: Bearer"),
    "another token": ("generic", {"X-Api-Key": "another-token-00000"}, "found a token that is not the right"),
    "a field without its hash": ("qualtrics", {}, "found no signature in the form field «HMAC»"),
    "a token of the body": ("limesurvey", {}, "or «api_token» in the body; give the platform the token of"),
}
"""Source, headers, and what the answer says of the fault."""


@pytest.mark.parametrize("name", FAULTS)
def test_a_refusal_says_what_to_do(server: Server, name: str) -> None:
    """The answer tells what was found, expected and to be done, of no API key; and it is counted."""
    source, headers, said = FAULTS[name]
    before = server.counted(source, "refused")
    status, problem = server.send(Request(f"/v1/intake/{source}", headers, b"id=1"))
    assert (status, problem["title"]) == (401, "The delivery does not prove that it is the platform's")
    assert said in problem["detail"]
    assert "intake.yaml" in problem["detail"]
    assert not any(secret in json.dumps(problem) for secret in (SECRET, TOKEN, WEBHOOK_SECRET))
    assert server.counted(source, "refused") == before + 1


def test_sources_without_settings_let_nothing_in(server: Server) -> None:
    """An adapter without a secret refuses; a name that is none is not there; checks and handshakes work."""
    assert server.send(Request("/v1/intake/nobody", bearer(), b"{}"))[0] == 404
    assert server.call("/v1/intake/surveymonkey", "HEAD") == (200, None)
    asked = urllib.request.Request(
        f"{server.address}/v1/intake/generic",
        method="OPTIONS",
        headers={"WebHook-Request-Origin": "crm.example.ru"},
    )
    with urllib.request.urlopen(asked) as answer:
        assert answer.headers["WebHook-Allowed-Origin"] == "crm.example.ru"
        assert answer.headers["WebHook-Allowed-Rate"] == "*"
        assert "POST" in answer.headers["Allow"]


def test_every_method(server: Server) -> None:
    """PUT and PATCH carry a body as POST does; GET carries the query."""
    for method in ("PUT", "PATCH"):
        body = json.dumps({"id": method, "comment": "Дорого"}).encode()
        assert server.send(Request("/v1/intake/webask", bearer(), body, method))[1]["status"] == "stored"
        assert server.wait_for("webask", method)["text"] == "Дорого"
    assert server.call("/v1/intake/webask", headers=bearer())[1]["status"] == "ignored"


def test_killed_and_started_again(models: Path, tmp_path: Path) -> None:
    """Every delivery that was answered 200 before a kill -9 is tagged after the next start, once."""
    answered: list[str] = []

    def deliver(server: Server, sender: int) -> None:
        for i in count():
            body = json.dumps({"id": f"{sender}-{i}", "comment": f"Задержали поставку {i}"}).encode()
            try:
                status, _ = server.send(Request("/v1/intake/generic", bearer(), body))
            except (OSError, HTTPException):
                return
            if status == 200:
                answered.append(f"{sender}-{i}")

    with running(models, tmp_path) as (server, process):
        senders = [threading.Thread(target=deliver, args=(server, i)) for i in range(4)]
        for sender in senders:
            sender.start()
        while len(answered) < 40:
            time.sleep(0.01)
        process.kill()
        for sender in senders:
            sender.join()
    with running(models, tmp_path) as (server, _):
        deadline = time.monotonic() + 30
        while server.rows("inbox WHERE state = 'waiting'") and time.monotonic() < deadline:
            time.sleep(0.05)
        found = server.comments("generic")
    assert all(comment["state"] == "tagged" for comment in found)
    ids = [comment["external_id"] for comment in found]
    assert len(ids) == len(set(ids))
    assert set(answered) <= set(ids)
    assert len(ids) <= len(answered) + len(senders)
