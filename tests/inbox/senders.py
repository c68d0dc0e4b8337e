"""How each platform proves itself: captured deliveries, signed as documented, and forged ones."""

import base64
import hashlib
import hmac
import time
import urllib.parse
from collections.abc import Callable

from service.intake.captures import read_capture
from tests.inbox.serving import CAPTURES, CLIENT, SECRET, WEBHOOK_SECRET, Request, bearer


def keyed_hash(digest: str, content: bytes, secret: str | bytes = SECRET) -> bytes:
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.new(key, content, getattr(hashlib, digest)).digest()


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def standard_webhook(body: bytes) -> dict[str, str]:
    """As the specification of Standard Webhooks computes it."""
    timestamp = str(int(time.time()))
    message_id = "msg_" + hashlib.sha256(body).hexdigest()[:12]
    secret = base64.b64decode(WEBHOOK_SECRET.removeprefix("whsec_"))
    content = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64_of(keyed_hash("sha256", content, secret)),
    }


def _chatwoot(body: bytes) -> dict[str, str]:
    timestamp = str(int(time.time()))
    signature = keyed_hash("sha256", f"{timestamp}.".encode() + body).hex()
    return {"X-Chatwoot-Timestamp": timestamp, "X-Chatwoot-Signature": f"sha256={signature}"}


Sign = Callable[[bytes], dict[str, str]]
SIGNED: dict[str, Sign] = {
    "typeform": lambda body: {"Typeform-Signature": "sha256=" + base64_of(keyed_hash("sha256", body))},
    "tally": lambda body: {"Tally-Signature": base64_of(keyed_hash("sha256", body))},
    "delighted": lambda body: {"X-Delighted-Webhook-Signature": "sha256=" + keyed_hash("sha256", body).hex()},
    "surveymonkey": lambda body: {"Sm-Signature": base64_of(keyed_hash("sha1", body, CLIENT))},
    "formbricks": standard_webhook,
    "chatwoot": _chatwoot,
    "qualtrics": lambda body: {},
    "bitrix24": lambda body: {},
    "limesurvey": lambda body: {},
}
"""How each platform proves itself; all others by a token in a header. Three carry it in the body."""


def signed(name: str) -> Request:
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
    return body.replace(b"HMAC=00", b"HMAC=" + keyed_hash("sha512", message.encode()).hex().encode())


def forged(request: Request) -> Request:
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
