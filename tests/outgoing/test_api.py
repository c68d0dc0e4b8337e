"""A platform's wishes are kept: its pace, its «later», its «no»."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.clients.api import Api
from service.clients.errors import LimitReachedError, RefusedError, UnreachableError
from service.clients.limits import Pace, read_retry_after
from service.clients.transport import Bounds, open_client


@pytest.fixture
def pauses() -> list[float]:
    """What was slept, in seconds."""
    return []


@pytest.fixture
def api(stand_in, loopback, pauses) -> Api:
    """An API on loopback that sleeps only on paper."""
    http = open_client(loopback, Bounds(seconds=2))
    return Api("Platform", stand_in.url, http, Pace(10_000), {"X-Key": "k"}, sleep=pauses.append)


def _answers(stand_in, *replies):
    remaining = iter(replies)
    stand_in.reply = lambda seen: next(remaining)


def test_a_call_carries_key_parameters_and_body(api, stand_in):
    """What is asked for arrives as it was meant, and the answer's JSON comes back."""
    stand_in.reply = lambda seen: (200, {"result": "да"})
    answer = api.call("POST", "/items", params={"page": 2}, json={"a": "б"})
    seen = stand_in.seen[0]
    assert answer.json == {"result": "да"}
    assert (seen.method, seen.path, seen.query, seen.json) == ("POST", "/items", {"page": "2"}, {"a": "б"})
    assert seen.headers["x-key"] == "k"


def test_retry_after_is_waited_out(api, stand_in, pauses):
    """After 429 with Retry-After the same call is made again, not earlier than asked."""
    _answers(stand_in, (429, {}, {"Retry-After": "7"}), (200, {"ok": 1}))
    assert api.call("GET", "/x").json == {"ok": 1}
    assert len(pauses) == 1
    assert 6.5 < pauses[0] <= 7


def test_bitrix_limits_are_waited_out(api, stand_in, pauses):
    """503 QUERY_LIMIT_EXCEEDED pauses a little; 429 OPERATION_TIME_LIMIT until the moment in the body."""
    reset = datetime.now(UTC).timestamp() + 30
    _answers(
        stand_in,
        (503, {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}),
        (429, {"error": "OPERATION_TIME_LIMIT", "time": {"operating_reset_at": reset}}),
        (200, {"result": 1}),
    )
    assert api.call("POST", "/x").json == {"result": 1}
    assert pauses[0] == pytest.approx(1, abs=0.1)
    assert 28 < pauses[1] <= 30


def test_a_long_wait_is_told_and_not_slept(api, stand_in, pauses):
    """A pause past one's patience comes back as the moment when to go on."""
    stand_in.reply = lambda seen: (429, {"error": {"id": "1040"}}, {"Retry-After": "3600"})
    with pytest.raises(LimitReachedError, match="Platform") as error:
        api.call("GET", "/x")
    assert timedelta(minutes=59) < error.value.until - datetime.now(UTC) <= timedelta(hours=1)
    assert pauses == []
    assert len(stand_in.seen) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": "INVALID_TOKEN", "error_description": "wrong token"}, "401 INVALID_TOKEN wrong token"),
        ({"error": {"id": "1011", "message": "no permission"}}, "401 1011 no permission"),
        ({"title": "Unauthorized", "detail": "no key"}, "401  no key"),
        (b"<html>sorry</html>", "401"),
    ],
)
def test_a_no_is_told_once_and_in_the_platforms_words(api, stand_in, body, said):
    """A refusal is not repeated, and its code and words are in the message."""
    stand_in.reply = lambda seen: (401, body)
    with pytest.raises(RefusedError, match=said) as error:
        api.call("GET", "/x")
    assert error.value.status == 401
    assert len(stand_in.seen) == 1


def test_a_broken_gateway_is_tried_again_where_that_does_no_harm(api, stand_in):
    """502 is repeated for a repeatable call, and not for one that creates something."""
    _answers(stand_in, (502, b""), (502, b""), (200, {}))
    api.call("GET", "/x")
    stand_in.reply = lambda seen: (502, b"")
    with pytest.raises(RefusedError):
        api.call("POST", "/create", repeatable=False)
    assert [seen.path for seen in stand_in.seen] == ["/x", "/x", "/x", "/create"]


def test_a_server_that_is_gone_is_told(api, pauses):
    """Without any server the call fails after its tries, naming the host."""
    gone = replace(api, base_url="http://127.0.0.1:9")
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1"):
        gone.call("GET", "/x")
    assert len(pauses) == 3


def test_a_pace_lets_a_burst_through_and_then_keeps_its_rate():
    """Of ten calls with a burst of four and two a second, the last starts three seconds after the first."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    pace = Pace(2, burst=4, clock=lambda: now[0], sleep=sleep)
    starts = []
    for _ in range(10):
        pace.wait()
        starts.append(now[0])
    assert starts == [0, 0, 0, 0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]


def test_retry_after_may_be_a_date_and_nonsense_is_none():
    """Both forms of RFC 9110 are read; what is neither says nothing."""
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert read_retry_after("Sun, 22 Nov 2026 00:00:00 GMT", now) == datetime(2026, 11, 22, tzinfo=UTC)
    assert read_retry_after("soon", now) is None
    assert read_retry_after(None, now) is None
