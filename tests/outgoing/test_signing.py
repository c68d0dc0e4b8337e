"""Our webhooks are what Standard Webhooks says, so that any of its libraries can check them."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from service.delivery.schedule import ATTEMPTS, SCHEDULE, next_attempt
from service.delivery.signing import new_secret, sign

BODY = '{"id":"r-1","score":3,"comment":"Курьер опоздал"}'.encode()
VECTORS = [
    (
        "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", "msg_1", 1790000000, BODY,
        "v1,t/0+S1Z7KBpK2/CXHOPQ68D/3YvycChK8zxtojw5JO8=",
    ),
    (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
        b'{"test": 2432232314}', "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("secret", "message", "seconds", "body", "signature"), VECTORS)
def test_signatures_match_published_vectors(secret, message, seconds, body, signature):
    """The signature of a known body is the known one."""
    headers = sign([secret], message, datetime.fromtimestamp(seconds, UTC), body)
    assert headers == {
        "webhook-id": message,
        "webhook-timestamp": str(seconds),
        "webhook-signature": signature,
    }


def test_the_hour_does_not_hang_on_the_time_zone():
    """A moment with another zone is signed as the same moment."""
    moment = datetime.fromtimestamp(1790000000, UTC).astimezone()
    secret, message, _, body, signature = VECTORS[0]
    assert sign([secret], message, moment, body)["webhook-signature"] == signature


def test_both_secrets_verify_while_one_replaces_the_other():
    """A receiver that has either secret accepts; one with neither, or a changed body, refuses."""
    old, new = new_secret(), new_secret()
    headers = sign([new, old], "msg_2", datetime.now(UTC), BODY)
    assert Webhook(old).verify(BODY, headers) == Webhook(new).verify(BODY, headers) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(BODY.replace(b"3", b"9"), headers)


def test_an_old_delivery_cannot_be_used_again():
    """A signature of ten minutes ago is refused by the receiver's library."""
    secret = new_secret()
    headers = sign([secret], "msg_3", datetime.now(UTC) - timedelta(minutes=10), BODY)
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(secret).verify(BODY, headers)


def test_the_schedule_is_the_published_one():
    """Each wait is the published one and up to a tenth more; after the last attempt there is none."""
    now = datetime(2026, 11, 21, tzinfo=UTC)
    for attempts, wait in enumerate(SCHEDULE, start=1):
        due = next_attempt(attempts, now)
        assert due is not None
        assert wait <= due - now <= wait * 1.1
    assert next_attempt(ATTEMPTS, now) is None


def test_a_receiver_may_ask_for_more_time_but_not_for_ever():
    """Retry-After moves the next attempt back, a day at most, and never forward."""
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert next_attempt(1, now, now + timedelta(hours=1)) == now + timedelta(hours=1)
    assert next_attempt(1, now, now + timedelta(days=400)) == now + timedelta(days=1)
    due = next_attempt(2, now, now)
    assert due is not None
    assert due >= now + SCHEDULE[1]
