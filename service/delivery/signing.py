"""Standard Webhooks: how a delivery is signed (https://www.standardwebhooks.com, specification 1.0.0)."""

import base64
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

_SECRET_BYTES = 32
"""The specification asks for 24 to 64."""


def new_secret() -> str:
    """A random signing secret, as the specification writes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def sign(secrets: Sequence[str], message_id: str, moment: datetime, body: bytes) -> dict[str, str]:
    """The headers of one attempt; while a secret is being rotated, one signature for each that holds."""
    moment = moment.astimezone(UTC)
    text = body.decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message_id, moment, text) for secret in secrets),
    }
