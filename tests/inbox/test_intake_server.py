"""A real server, to which every platform delivers with the signature or token that it documents."""

import base64
import hashlib
import hmac
import json
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from itertools import count
from pathlib import Path

import pytest

from service.intake.captures import read_capture
from tests.inbox.serving import (
    CAPTURES,
    CLIENT,
    SECRET,
    WEBHOOK_SECRET,
    Request,
    Server,
    bearer,
    running,
)


def _hmac(digest: str, content: bytes, secret: str | bytes = SECRET) -> bytes:
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.new(key, content, getattr(hashlib, digest)).digest()


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _standard(body: bytes) -> dict[str, str]:
    """As the specification of Standard Webhooks computes it."""
    timestamp = str(int(time.time()))
    message_id = "msg_" + hashlib.sha256(body).hexdigest()[:12]
    secret = base64.b64decode(WEBHOOK_SECRET.removeprefix("whsec_"))
    content = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + _b64(_hmac("sha256", content, secret)),
    }


def _chatwoot(body: bytes) -> dict[str, str]:
    timestamp = str(int(time.time()))
    signature = _hmac("sha256", f"{timestamp}.".encode() + body).hex()
    return {"X-Chatwoot-Timestamp": timestamp, "X-Chatwoot-Signature": f"sha256={signature}"}


Sign = Callable[[bytes], dict[str, str]]
SIGNED: dict[str, Sign] = {
    "typeform": lambda body: {"Typeform-Signature": "sha256=" + _b64(_hmac("sha256", body))},
    "tally": lambda body: {"Tally-Signature": _b64(_hmac("sha256", body))},
    "delighted": lambda body: {"X-Delighted-Webhook-Signature": "sha256=" + _hmac("sha256", body).hex()},
    "surveymonkey": lambda body: {"Sm-Signature": _b64(_hmac("sha1", body, CLIENT))},
    "formbricks": _standard,
    "chatwoot": _chatwoot,
    "qualtrics": lambda body: {},
    "bitrix24": lambda body: {},
    "limesurvey": lambda body: {},
}
"""How each platform proves itself; all others by a token in a header. Three carry it in the body."""

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


def _request(name: str) -> Request:
    """The captured delivery as the platform would send it here, proof and all."""
    file = "qualtrics.workflow" if name == "qualtrics-workflow" else name
    capture = read_capture((CAPTURES / f"{file}.http").read_bytes())
    source = name.partition(".")[0]
    body = _sign_form(capture.body) if name == "qualtrics" else capture.body
    headers = {name: value for name, value in capture.headers.items() if name != "x-api-key"}
    headers |= SIGNED.get(source, lambda _: bearer())(body)
    query = f"?{capture.query}" if capture.query else ""
    return Request(f"/v1/intake/{source}{query}", headers, body, capture.method)


def _sign_form(body: bytes) -> bytes:
    """Qualtrics signs one field of its form in another."""
    message = urllib.parse.parse_qs(body.decode())["MSG"][0]
    return body.replace(b"HMAC=00", b"HMAC=" + _hmac("sha512", message.encode()).hex().encode())


def _forge(request: Request) -> Request:
    """The same with another body, or another token."""
    if "Authorization" in request.headers:
        return Request(
            request.path, {"Authorization": "Bearer another-token-00000"}, request.body, request.method
        )
    body = request.body.replace(b"t0k3n", b"f0rg3").replace(b"demo-token", b"fake-token")
    if body == request.body:
        body = body.replace(b"0", b"1", 1)
    assert body != request.body
    return Request(request.path, request.headers, body, request.method)


@pytest.mark.parametrize("name", TAGGED)
def test_delivered_tagged_once_and_not_forged(server: Server, name: str) -> None:
    """Each shape is tagged like any comment; its repeat changes nothing; a forged one is refused."""
    source, request = name.partition(".")[0], _request(name)
    refused, rows = server.counted(source, "refused"), server.rows("inbox")
    status, problem = server.send(_forge(request))
    assert (status, problem["status"]) == (401, 401)
    assert server.counted(source, "refused") == refused + 1
    assert server.rows("inbox") == rows

    status, receipt = server.send(request)
    assert (status, receipt["status"]) == (200, "stored")
    comment = server.wait_for(source, TAGGED[name])
    asked = {"comments": [{"id": "1", "text": comment["text"], "question": comment["question"]}]}
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
    request = _request(name)
    assert server.send(_forge(request))[0] == 401
    assert server.send(request)[1]["status"] == "stored"
    assert server.send(request)[1]["status"] == "duplicate"
    told = f"inbox WHERE source = '{name}' AND problem LIKE 'names %'"
    deadline = time.monotonic() + 20
    while not server.rows(told) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.rows(told) == 1


def test_with_curl(server: Server, tmp_path: Path) -> None:
    """A captured delivery that curl sends, signed as the platform documents it, is tagged."""
    body = tmp_path / "body.json"
    body.write_bytes(_request("typeform").body.replace(b"a3a1", b"curl-1").replace(b"LtW1", b"LtW2"))
    signature = "sha256=" + _b64(_hmac("sha256", body.read_bytes()))
    command = ["curl", "-s", f"{server.address}/v1/intake/typeform", "--data-binary", f"@{body}"]
    command += ["-H", "Content-Type: application/json", "-H", f"Typeform-Signature: {signature}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["status"] == "stored"
    assert server.wait_for("typeform", "curl-1")["score"] == 3


def test_chat_of_amocrm_is_signed(server: Server) -> None:
    """The chat API signs the body; what we said ourselves is ignored."""
    body = json.dumps(
        {"account_id": "a", "message": {"message": {"id": "1", "text": "Добрый день"}}}
    ).encode()
    headers = {"X-Signature": _hmac("sha1", body).hex()}
    assert server.send(Request("/v1/intake/amocrm-chat", headers, body))[1]["status"] == "ignored"
    assert server.send(Request("/v1/intake/amocrm-chat", headers, body + b" "))[0] == 401


def test_both_secret_and_token_where_both_are_set(server: Server) -> None:
    """All that is configured is demanded."""
    body = b'{"id": "s-1", "comment": "Late"}'
    for headers, expected in (
        (_standard(body) | bearer(), 200),
        (_standard(body), 401),
        (bearer(), 401),
    ):
        assert server.send(Request("/v1/intake/signed", headers, body))[0] == expected


def test_old_signature_is_refused(server: Server) -> None:
    """A true signature of ten minutes ago is a replay."""
    body = b'{"event": "message_updated", "id": 1}'
    timestamp = str(int(time.time()) - 600)
    signature = _hmac("sha256", f"{timestamp}.".encode() + body).hex()
    headers = {"X-Chatwoot-Timestamp": timestamp, "X-Chatwoot-Signature": f"sha256={signature}"}
    status, problem = server.send(Request("/v1/intake/chatwoot", headers, body))
    assert status == 401
    assert "5 minutes" in problem["detail"]


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
