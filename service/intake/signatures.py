"""How platforms prove that a delivery is theirs: signatures over the raw body, and shared tokens.

Every comparison takes the same time whatever is wrong, and every configured secret is tried, so that two may
be valid while one is replaced by the other.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

TOLERANCE_SECONDS = 300
"""How old or how far ahead a signed time may be; the libraries of Standard Webhooks take five minutes."""

WEBHOOK_SECRET = "whsec_"


@dataclass(frozen=True)
class Signature:
    """A keyed hash (HMAC) in a header or a form field."""

    header: str
    """Name of the header, in lower case."""
    digest: Literal["sha1", "sha256", "sha512"]
    encoding: Literal["hex", "base64"]
    prefix: str = ""
    """What stands before the hash, such as «sha256=»."""
    timestamp_header: str = ""
    """Of the time of sending in unix seconds, which is then signed before the body: «time.body»."""
    id_header: str = ""
    """Of the delivery's id, which is then signed before all: «id.time.body»."""
    listed: bool = False
    """Whether the header may hold several, separated by blanks."""
    aliases: Mapping[str, str] | None = None
    """Other names of the headers, by their first names."""
    signs_compact_json: bool = False
    """Whether the platform may have signed its body as JSON without blanks, whatever it then sent."""
    form_field: str = ""
    """Of a form field that holds the hash, instead of a header; then `signed_field` is what is hashed."""
    signed_field: str = ""

    def verify(
        self, headers: Mapping[str, str], bodies: Sequence[bytes], secrets: Sequence[str], now: float
    ) -> str | None:
        """None if one of `secrets` signed one of `bodies`, else what is wrong, without a word of the secret.

        `bodies` is the raw body, and any other form of it that the platform may have signed.
        """
        given = self._header(headers, self.header)
        if not given:
            return f"found no signature in {self._place}, expected {self._described}"
        prefix = self._signed_prefix(headers, now)
        if prefix is None:
            return (
                f"found no unix time in «{self.timestamp_header}» that is within {TOLERANCE_SECONDS // 60} "
                "minutes of this server's clock, expected the time of sending; a delivery that is sent again "
                "needs a new signature"
            )
        if self._is_right(given, prefix, bodies, secrets):
            return None
        return f"found a signature in {self._place} that does not fit, expected {self._described}"

    @property
    def _place(self) -> str:
        return f"the form field «{self.form_field}»" if self.form_field else f"«{self.header}»"

    @property
    def _described(self) -> str:
        """What has to stand there, so that its sender can compute it."""
        body = f"the form field «{self.signed_field}»" if self.form_field else "the raw body"
        named = [f"«{name}»" for name in (self.id_header, self.timestamp_header) if name]
        signed = ", ".join([*named, body]) + (", joined by dots" if named else "")
        return f"{self.prefix}HMAC-{self.digest.upper()} of {signed}, in {self.encoding}"

    def sign(self, body: bytes, secret: str, timestamp: str = "", delivery_id: str = "") -> str:
        """The header's value for a body, as the platform would compute it."""
        parts = [part.encode() for part in (delivery_id, timestamp) if part]
        return self.prefix + self._hash(b".".join([*parts, body]), secret)

    def _is_right(self, given: str, prefix: bytes, bodies: Sequence[bytes], secrets: Sequence[str]) -> bool:
        given = given.lower() if self.encoding == "hex" else given
        found = given.split() if self.listed else [given.strip()]
        expected = [self.prefix + self._hash(prefix + body, secret) for secret in secrets for body in bodies]
        matches = [equal(one, other) for one in found for other in expected]
        return any(matches)

    def _signed_prefix(self, headers: Mapping[str, str], now: float) -> bytes | None:
        if not self.timestamp_header:
            return b""
        timestamp = self._header(headers, self.timestamp_header).strip()
        if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 15):
            return None
        if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
            return None
        parts = [self._header(headers, self.id_header)] if self.id_header else []
        return ".".join([*parts, timestamp, ""]).encode()

    def _hash(self, content: bytes, secret: str) -> str:
        made = hmac.new(_key(secret), content, getattr(hashlib, self.digest)).digest()
        return made.hex() if self.encoding == "hex" else base64.b64encode(made).decode()

    def _header(self, headers: Mapping[str, str], name: str) -> str:
        return headers.get(name) or headers.get((self.aliases or {}).get(name, ""), "")


def find_tokens(headers: Mapping[str, str], query: Mapping[str, str]) -> list[str]:
    """The tokens that a request carries: bearer, basic password, X-Api-Key, or `token` of the address."""
    found = [headers.get("x-api-key", ""), *(query.get(name, "") for name in TOKEN_PARAMETERS)]
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        found.append(value.strip())
    if kind.lower() == "basic":
        found.append(_basic_password(value.strip()))
    return [token for token in found if token]


TOKEN_PARAMETERS = ("token", "access_token", "api_key")
"""Query parameters that may carry a token; never stored."""


def is_known(found: Sequence[str], tokens: Sequence[str]) -> bool:
    """Whether one of the tokens found is one of the right ones."""
    matches = [equal(one, other) for one in found for other in tokens]
    return any(matches)


def equal(one: str, other: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def _key(secret: str) -> bytes:
    if secret.startswith(WEBHOOK_SECRET):
        try:
            return base64.b64decode(secret.removeprefix(WEBHOOK_SECRET), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def _basic_password(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
