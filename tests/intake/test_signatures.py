"""The published and computed vectors of every signature scheme, and what must be refused."""

import pytest

from service.intake.adapters import find
from service.intake.signatures import Signature, find_tokens, is_known

BODY = '{"id":"r-1","score":3,"comment":"Курьер опоздал"}'.encode()
NOW = 1_790_000_000
STANDARD_SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
CHATWOOT = "sha256=9904104c9e88f694e028932371402ab45a6140c61e03f3c957fdae20cda85c07"
VECTORS: dict[str, tuple[str, str, dict[str, str]]] = {
    "formbricks": (
        "formbricks",
        STANDARD_SECRET,
        {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(NOW),
            "webhook-signature": "v1,t/0+S1Z7KBpK2/CXHOPQ68D/3YvycChK8zxtojw5JO8=",
        },
    ),
    "delighted": (
        "delighted",
        "demo-api-key",
        {
            "x-delighted-webhook-signature": "sha256="
            "06c225769b1ab7190cf6b0b2eea70ed18492c02499ba8c7b464fa2f5460d22c7"
        },
    ),
    "surveymonkey": (
        "surveymonkey",
        "demo-client&demo-secret",
        {"sm-signature": "Ozx0rjs2i2RF8Bja8S/Kh0So5Wg="},
    ),
    "typeform": (
        "typeform",
        "demo-secret",
        {"typeform-signature": "sha256=fLEB6+IR7Hm13KeZTh8Ua12BHqoTcwuO16HojNgX7X0="},
    ),
    "tally": ("tally", "demo-secret", {"tally-signature": "fLEB6+IR7Hm13KeZTh8Ua12BHqoTcwuO16HojNgX7X0="}),
    "chatwoot": (
        "chatwoot",
        "demo-secret",
        {"x-chatwoot-timestamp": str(NOW), "x-chatwoot-signature": CHATWOOT},
    ),
    "amocrm chat": ("amocrm", "demo-secret", {"x-signature": "91b89d610221f7478afa413f853408e635485083"}),
}


def _scheme(name: str) -> Signature:
    source = find(name)
    assert source
    assert source.signature
    return source.signature


@pytest.mark.parametrize("name", VECTORS)
def test_vectors(name: str) -> None:
    """Each vector of the research page is accepted, and refused with another body or another secret."""
    source, secret, headers = VECTORS[name]
    scheme = _scheme(source)
    assert scheme.verify(headers, [BODY], [secret], NOW) is None
    assert scheme.verify(headers, [BODY + b" "], [secret], NOW)
    assert scheme.verify(headers, [BODY], ["another"], NOW)
    assert scheme.verify({}, [BODY], [secret], NOW)
    assert scheme.verify(headers, [BODY], [], NOW)


@pytest.mark.parametrize("name", VECTORS)
def test_two_secrets_while_one_is_replaced(name: str) -> None:
    """A secret that is being replaced and the one that replaces it both open."""
    source, secret, headers = VECTORS[name]
    assert _scheme(source).verify(headers, [BODY], ["new", secret], NOW) is None


@pytest.mark.parametrize("name", ["formbricks", "chatwoot"])
@pytest.mark.parametrize("now", [NOW + 301, NOW - 301])
def test_time_window(name: str, now: int) -> None:
    """A signed time five minutes off, behind or ahead, is refused though the signature fits."""
    source, secret, headers = VECTORS[name]
    reason = _scheme(source).verify(headers, [BODY], [secret], now)
    assert reason is not None
    assert "time" in reason


@pytest.mark.parametrize("timestamp", ["", "now", "-1", "1e9", "1790000000.5", "٣", "9" * 400])
def test_times_that_are_none(timestamp: str) -> None:
    """What is no unix time is refused, never an error."""
    source, secret, headers = VECTORS["chatwoot"]
    assert _scheme(source).verify(headers | {"x-chatwoot-timestamp": timestamp}, [BODY], [secret], NOW)


def test_published_vector_of_standard_webhooks() -> None:
    """The specification's own vector; one of several signatures is enough; Svix's names are known."""
    scheme = _scheme("generic")
    right = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    for signature in (right, f"v1,bm90IHRoaXM= {right}", f"v1a,AAAA {right}"):
        for prefix in ("webhook", "svix"):
            headers = {
                f"{prefix}-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
                f"{prefix}-timestamp": "1614265330",
                f"{prefix}-signature": signature,
            }
            secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
            body = [b'{"test": 2432232314}']
            assert scheme.verify(headers, body, [secret], 1_614_265_330) is None


def test_hexadecimal_in_capitals() -> None:
    """Hex digits may be in capitals."""
    source, secret, headers = VECTORS["amocrm chat"]
    headers = {name: value.upper() for name, value in headers.items()}
    assert _scheme(source).verify(headers, [BODY], [secret], NOW) is None


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"authorization": "Bearer t"}, {}),
        ({"authorization": "bearer t"}, {}),
        ({"authorization": "Basic dXNlcjp0"}, {}),
        ({"x-api-key": "t"}, {}),
        ({}, {"token": "t"}),
        ({}, {"access_token": "t"}),
    ],
)
def test_where_a_token_may_stand(headers: dict[str, str], query: dict[str, str]) -> None:
    """A token is found in header or query, and compared whole."""
    found = find_tokens(headers, query)
    assert is_known(found, ["new", "t"])
    assert not is_known(found, ["tt"])
    assert not is_known([], ["t"])
    assert not is_known(found, [])


def test_tokens_that_are_none() -> None:
    """Garbage in the header is no token and no error."""
    for value in ("Basic ///", "Basic 0", "Bearer ", "Bearer", "\udc80"):
        assert find_tokens({"authorization": value}, {}) == []
    assert not is_known(["\udc80"], ["t"])
