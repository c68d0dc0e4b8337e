"""Bodies that lie, break or burst, sent to a real server by curl."""

import gzip
import re
import socket
import urllib.parse
import urllib.request

import pytest

from tests.inbox.serving import TOKEN, Request, Server, bearer

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
    "a gzip bomb": (GZIP, gzip.compress(BIG), 200, "unreadable"),
    "a gzip bomb that is not declared": ({}, gzip.compress(BIG[:-1]), 200, "unreadable"),
    "50 MB": ({}, BIG, 413, None),
    "3,000 records": ({}, b"[" + b",".join([b"{}"] * 3_000) + b"]", 200, "unreadable"),
    "a score in quotes": ({}, '{"id": "b-14", "score": "«9»", "comment": "Дорого"}'.encode(), 200, "stored"),
    "a score as text": ({}, '{"id": "b-15", "score": "9", "comment": "Дорого"}'.encode(), 200, "stored"),
    "a decimal comma": ({}, '{"id": "b-16", "score": "9,0", "comment": "Дорого"}'.encode(), 200, "stored"),
    "a score of ten": ({}, '{"id": "b-17", "score": "9/10", "comment": "Дорого"}'.encode(), 200, "stored"),
    "a score of eleven": ({}, '{"id": "b-18", "score": 11, "comment": "Дорого"}'.encode(), 200, "stored"),
    "a comment in HTML": (
        {}, '{"id": "b-19", "comment": "<p>Долго&nbsp;везли,<br>и <b>помяли</b></p>"}'.encode(), 200, "stored"
    ),
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
    status, answer = server.send(Request("/v1/intake/generic", bearer() | headers, body))
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
        "b-19": "Долго везли,\nи помяли",
    }  # fmt: skip
    assert {name: server.wait_for("generic", name)["text"] for name in expected} == expected
    scores = {"b-14": 9, "b-15": 9, "b-16": 9, "b-17": 9, "b-18": None}
    assert {name: server.wait_for("generic", name)["score"] for name in scores} == scores


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
