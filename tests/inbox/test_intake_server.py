"""A real server, to which every platform delivers with the signature or token that it documents."""

import base64
import gzip
import hashlib
import hmac
import json
import re
import socket
import sqlite3
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from service.intake.captures import read_capture
from service.store import keys
from service.store.database import Database
from service.store.migrate import upgrade
from tests.test_server import OTKLIK, free_port, wait_until_ready
from training.settings import PROJECT

CAPTURES = PROJECT / "data" / "examples" / "deliveries"
TOKEN = "demo-token-0123456789"
APPLICATION_TOKEN = "t0k3n-0123456789abcdef"
SECRET = "demo-secret"
WEBHOOK_SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
CLIENT = "demo-client&demo-secret"

INTAKE = f"""
sources:
  typeform: {{secrets: [the-old-one, {SECRET}]}}
  tally: {{secrets: {SECRET}}}
  delighted: {{secrets: {SECRET}}}
  chatwoot: {{secrets: {SECRET}}}
  surveymonkey: {{secrets: {CLIENT}}}
  formbricks: {{secrets: {WEBHOOK_SECRET}}}
  qualtrics: {{secrets: {SECRET}}}
  qualtrics-workflow: {{adapter: qualtrics, tokens: {TOKEN}}}
  amocrm: {{tokens: {TOKEN}}}
  amocrm-chat: {{adapter: amocrm, secrets: {SECRET}}}
  signed: {{adapter: generic, secrets: {WEBHOOK_SECRET}, tokens: {TOKEN}}}
  bitrix24: {{tokens: {APPLICATION_TOKEN}}}
""" + "".join(
    f"  {name}: {{tokens: {TOKEN}}}\n"
    for name in (
        "anketolog", "generic", "google-forms", "limesurvey", "msforms", "promoter", "sendpulse", "testograf",
        "webask", "yandex-forms",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Request:
    """What is sent."""

    path: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"


@dataclass(frozen=True)
class Server:
    """A running server, and a key to its comments."""

    address: str
    key: str
    store: Path

    def send(self, request: Request) -> tuple[int, Any]:
        """The status and the JSON of the answer."""
        return self.call(request.path, request.method, request.body or None, request.headers)

    def call(
        self, path: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """The status and the JSON of any answer."""
        asked = urllib.request.Request(f"{self.address}{path}", body, headers or {}, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return answer.status, _json(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, _json(error.read())

    def comments(self, source: str) -> list[dict[str, Any]]:
        """The stored comments of a source."""
        query = urllib.parse.urlencode({"source": source, "limit": 200})
        status, page = self.call(f"/v1/comments?{query}", headers={"Authorization": f"Bearer {self.key}"})
        assert status == 200
        return list(page["comments"])

    def wait_for(self, source: str, external_id: str) -> dict[str, Any]:
        """The comment once it is tagged."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for comment in self.comments(source):
                if comment["external_id"] == external_id and comment["state"] == "tagged":
                    return comment
            time.sleep(0.05)
        raise TimeoutError(f"{source} {external_id} was not tagged")

    def counted(self, source: str, status: str) -> float:
        """How many deliveries /metrics counts."""
        with urllib.request.urlopen(f"{self.address}/metrics") as answer:
            text = answer.read().decode()
        line = f'otklik_intake_deliveries_total{{source="{source}",status="{status}"}} '
        return float(next((one.removeprefix(line) for one in text.splitlines() if one.startswith(line)), 0))

    def rows(self, table: str) -> int:
        """How many rows the table has."""
        with sqlite3.connect(self.store) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def _json(content: bytes) -> Any:
    return json.loads(content) if content else None


@contextmanager
def _running(models: Path, folder: Path) -> Iterator[tuple[Server, "subprocess.Popen[str]"]]:
    store = folder / "otklik.db"
    database = Database(f"sqlite:///{store}")
    upgrade(database)
    with database.write() as connection:
        key = keys.create(connection, f"test {time.monotonic_ns()}", "admin")
    database.close()
    (folder / "intake.yaml").write_text(INTAKE, encoding="utf-8")
    port = free_port()
    command = [*OTKLIK, "serve", "--port", str(port), "--models", str(models)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTKLIK_DATABASE", f"sqlite:///{store}")
        patch.setenv("OTKLIK_INTAKE", str(folder / "intake.yaml"))
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, text=True)
    with process:
        try:
            wait_until_ready(f"http://127.0.0.1:{port}")
            yield Server(f"http://127.0.0.1:{port}", key, store), process
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture(scope="module")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests of this file."""
    with _running(models, tmp_path_factory.mktemp("intake")) as (server, _):
        yield server


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


def _token(body: bytes) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKEN}"}


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
    headers |= SIGNED.get(source, _token)(body)
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
    """A captured delivery, signed by openssl as the platform documents it and sent by curl, is tagged."""
    body = tmp_path / "body.json"
    body.write_bytes(_request("typeform").body.replace(b"a3a1", b"curl-1").replace(b"LtW1", b"LtW2"))
    command = (
        f"signature=$(openssl dgst -sha256 -hmac {SECRET} -binary {body} | base64); "
        f"curl -s {server.address}/v1/intake/typeform -H 'Content-Type: application/json' "
        f'-H "Typeform-Signature: sha256=$signature" --data-binary @{body}'
    )
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
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
        (_standard(body) | _token(body), 200),
        (_standard(body), 401),
        (_token(body), 401),
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
    assert server.send(Request("/v1/intake/nobody", _token(b""), b"{}"))[0] == 404
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
        assert server.send(Request("/v1/intake/webask", _token(body), body, method))[1]["status"] == "stored"
        assert server.wait_for("webask", method)["text"] == "Дорого"
    assert server.call("/v1/intake/webask", headers=_token(b""))[1]["status"] == "ignored"


BIG = b'{"id": "1", "comment": "' + b"a" * 50 * 1024 * 1024 + b'"}'
DEAR = '{"id": "b-7", "comment": "Дорого"}'.encode()
JSON_TYPE = {"Content-Type": "application/json"}
GZIP = {"Content-Encoding": "gzip"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=xx"}
BAD: dict[str, tuple[dict[str, str], bytes, int, str | None]] = {
    "JSON declared as a form": (
        {"Content-Type": "application/x-www-form-urlencoded"},
        '{"id": "b-1", "comment": "Дорого"}'.encode(), 200, "stored",
    ),
    "a form declared as JSON": (JSON_TYPE, b"id=b-2&comment=Late+again", 200, "stored"),
    "JSON declared as an image": (
        {"Content-Type": "image/png"}, '{"id": "b-3", "comment": "Дорого"}'.encode(), 200, "stored",
    ),
    "no type at all": ({"Content-Type": ""}, b'{"id": "b-4", "comment": "Very late again"}', 200, "stored"),
    "a form of cp1251": ({}, "id=b-5&comment=Сорвали сроки".encode("cp1251"), 200, "stored"),
    "percent-encoded cp1251": (
        {}, b"id=b-6&comment=" + urllib.parse.quote("Сорвали сроки", encoding="cp1251").encode(), 200,
        "stored",
    ),
    "broken UTF-8": ({}, DEAR.replace(b"\xd0\x94", b"\xd0"), 200, "stored"),
    "a line break inside JSON": ({}, '{"id": "b-8", "comment": "Дорого\nи долго"}'.encode(), 200, "stored"),
    "not JSON": ({}, b'{"id": "b-9", "comment": ', 200, "unreadable"),
    "plain text": ({"Content-Type": "text/plain"}, "Дорого".encode(), 200, "unreadable"),
    "10,000 deep": ({}, b"[" * 10_000, 200, "unreadable"),
    "10,000 deep in a field": ({}, b'{"id": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001, 200, "unreadable"),
    "brackets 10,000 deep": ({}, b"a" + b"[a]" * 10_000 + b"=1", 200, "unreadable"),
    "100,000 fields": ({}, b"&".join([b"a=1"] * 100_000), 200, "unreadable"),
    "only numbers": ({}, b"[1, 2, 3]", 200, "unreadable"),
    "an empty list": ({}, b"[]", 200, "ignored"),
    "gzip": (GZIP, gzip.compress(b'{"id": "b-10", "comment": "Very late"}'), 200, "stored"),
    "gzip that is none": (GZIP, b'{"id": "b-11", "comment": "Very late"}', 200, "stored"),
    "damaged gzip": (GZIP, gzip.compress(BIG[:9_000])[:40] + b"\0" * 9, 200, "unreadable"),
    "a compression that is unknown": ({"Content-Encoding": "br"}, b"\x0b\x02\x80", 200, "unreadable"),
    "a gzip bomb": (GZIP, gzip.compress(BIG), 413, None),
    "a gzip bomb that is not declared": ({}, gzip.compress(BIG), 413, None),
    "50 MB": ({}, BIG, 413, None),
    "3,000 records": ({}, b"[" + b",".join([b"{}"] * 3_000) + b"]", 413, None),
    "NUL": ({}, b'{"id": "b-12", "comment": "a\\u0000b c d", "x\\u0000": "\\u0000"}', 200, "stored"),
    "multipart": (
        MULTIPART,
        '--xx\r\nContent-Disposition: form-data; name="id"\r\n\r\nb-13\r\n--xx\r\n'
        'Content-Disposition: form-data; name="comment"\r\n\r\nДорого\r\n--xx--\r\n'.encode(), 200, "stored",
    ),
    "multipart without parts": (MULTIPART, b"Late", 200, "unreadable"),
}  # fmt: skip
"""Headers, body, status, and what the answer says became of the delivery."""


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_a_clear_answer(server: Server, name: str) -> None:
    """Bodies that lie or break are answered clearly, never with 5xx, and authentic ones are kept."""
    headers, body, expected, outcome = BAD[name]
    rows = server.rows("inbox")
    try:
        status, answer = server.send(Request("/v1/intake/generic", _token(body) | headers, body))
    except (BrokenPipeError, ConnectionResetError, urllib.error.URLError):
        assert name == "50 MB"  # refused before it was all sent
        return
    assert status == expected
    assert answer.get("status") == (outcome or expected)
    assert server.rows("inbox") == rows + (expected == 200)
    if outcome == "unreadable":
        assert answer["detail"]


def test_what_bad_input_says_is_read(server: Server) -> None:
    """The letters of lying and broken bodies come out right."""
    expected = {
        "b-1": "Дорого", "b-2": "Late again", "b-3": "Дорого", "b-5": "Сорвали сроки", "b-6": "Сорвали сроки",
        "b-7": "\N{REPLACEMENT CHARACTER}орого", "b-8": "Дорого\nи долго",
        "b-10": "Very late", "b-11": "Very late", "b-12": "a\N{REPLACEMENT CHARACTER}b c d", "b-13": "Дорого",
    }  # fmt: skip
    assert {name: server.wait_for("generic", name)["text"] for name in expected} == expected


@pytest.mark.parametrize(("claimed", "sent"), [(1_000, b'{"id": "1"}'), (5, b'{"id": "1"}'), (-1, b"")])
def test_lengths_that_lie(server: Server, claimed: int, sent: bytes) -> None:
    """A length that is too great, too small or none leaves the server well."""
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = (
            f"POST /v1/intake/generic?token={TOKEN} HTTP/1.1\r\nHost: a\r\nContent-Length: {claimed}\r\n\r\n"
        )
        connection.sendall(head.encode() + sent)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(1_000)
    assert not answer.startswith(b"HTTP/1.1 5")
    assert server.call("/healthz")[0] == 200


def test_no_fault_of_ours(server: Server) -> None:
    """After all of that the server has answered nothing with 5xx."""
    with urllib.request.urlopen(f"{server.address}/metrics") as answer:
        pattern = r'otklik_requests_total\{route="/v1/(intake|comments)[^}]*status="5'
        assert not re.search(pattern, answer.read().decode())


def test_killed_and_started_again(models: Path, tmp_path: Path) -> None:
    """Every delivery that was answered 200 before a kill -9 is tagged after the next start, once."""
    answered: list[str] = []

    def deliver(server: Server, sender: int) -> None:
        for i in count():
            body = json.dumps({"id": f"{sender}-{i}", "comment": f"Задержали поставку {i}"}).encode()
            try:
                status, _ = server.send(Request("/v1/intake/generic", _token(body), body))
            except (OSError, HTTPException):
                return
            if status == 200:
                answered.append(f"{sender}-{i}")

    with _running(models, tmp_path) as (server, process):
        senders = [threading.Thread(target=deliver, args=(server, i)) for i in range(4)]
        for sender in senders:
            sender.start()
        while len(answered) < 40:
            time.sleep(0.01)
        process.kill()
        for sender in senders:
            sender.join()
    with _running(models, tmp_path) as (server, _):
        deadline = time.monotonic() + 30
        while server.rows("inbox WHERE state = 'waiting'") and time.monotonic() < deadline:
            time.sleep(0.05)
        found = server.comments("generic")
    assert all(comment["state"] == "tagged" for comment in found)
    ids = [comment["external_id"] for comment in found]
    assert len(ids) == len(set(ids))
    assert set(answered) <= set(ids)
    assert len(ids) <= len(answered) + len(senders)
