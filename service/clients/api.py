"""Calls to a platform's JSON API: paced, patient where it says «later», clear where it says «no».

What may be repeated: a call that was refused before it was carried out (429, 503) always; one whose answer
got lost only where repeating it does no harm (`repeatable`).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import httpx2
import orjson

from service.clients.errors import LimitReachedError, RefusedError, UnreachableError
from service.clients.limits import Pace, read_retry_after

Json: TypeAlias = Any
"""What a platform says; each client reads it with care."""

_TRIES = 4
_FIRST_PAUSE = 1.0
_LATER = frozenset({429, 503})
_BROKEN = frozenset({500, 502, 504})
_SHOWN_CHARS = 200
"""Of a refusal's body in a message; more may be personal data."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer: its JSON and its headers."""

    json: Json
    headers: httpx2.Headers


@dataclass(frozen=True, slots=True)
class Api:
    """One platform's API, with what each call to it needs."""

    name: str
    base_url: str
    http: httpx2.Client
    pace: Pace
    headers: Mapping[str, str] = field(default_factory=dict)
    patience: float = 60.0
    """Seconds to wait within one call; a longer wait is told to the caller."""
    sleep: Callable[[float], None] = time.sleep

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Json = None,
        repeatable: bool = True,
    ) -> Answer:
        """The answer to one call, after pauses where the platform asked for them.

        Raises:
            LimitReachedError: when the platform wants a longer pause than `patience`.
            RefusedError: with its status and code, when it says no.
            UnreachableError: when no answer came after all tries.
        """
        url = f"{self.base_url.rstrip('/')}/{path.lstrip('/')}"
        for attempt in range(1, _TRIES + 1):
            self.pace.wait()
            last = attempt == _TRIES
            pause = _FIRST_PAUSE * 2 ** (attempt - 1)
            try:
                response = self.http.request(method, url, params=params, json=json, headers=self.headers)
            except UnreachableError:
                if last or not repeatable:
                    raise
            else:
                if response.is_success:
                    return Answer(self._read(response), response.headers)
                wish = self._wish(response)
                if wish is None and not (response.status_code in _BROKEN and repeatable):
                    raise self._refusal(response)
                if last and wish is None:
                    raise UnreachableError(f"{self._refusal(response)}")
                pause = self._pause(wish, pause, last) if wish else pause
            self.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _read(self, response: httpx2.Response) -> Json:
        try:
            return orjson.loads(response.content or b"null")
        except orjson.JSONDecodeError:
            raise UnreachableError(f"{self.name}: the answer is not JSON ({response.status_code})") from None

    def _wish(self, response: httpx2.Response) -> datetime | None:
        """When the platform wants the next call, if that is what it says; now, if it names no moment."""
        if response.status_code not in _LATER:
            return None
        now = datetime.now(UTC)
        named = read_retry_after(response.headers.get("retry-after"), now) or _operating_reset(response)
        return named or now

    def _pause(self, wish: datetime, pause: float, last: bool) -> float:
        wanted = max(pause, (wish - datetime.now(UTC)).total_seconds())
        if last or wanted > self.patience:
            until = datetime.now(UTC) + timedelta(seconds=wanted)
            raise LimitReachedError(
                f"{self.name}: the limit of calls is reached until {until:%H:%M:%S} UTC", until
            )
        return wanted

    def _refusal(self, response: httpx2.Response) -> RefusedError:
        code, said = _read_error(response)
        text = f"{self.name} refused the call: {response.status_code} {code} {said}".strip()
        return RefusedError(text, response.status_code, code)


def _operating_reset(response: httpx2.Response) -> datetime | None:
    """Bitrix24 names the end of `OPERATION_TIME_LIMIT` in the body, in unix seconds."""
    body = _json_object(response)
    reset = (body.get("time") or {}).get("operating_reset_at") if isinstance(body.get("time"), dict) else None
    return datetime.fromtimestamp(reset, UTC) if isinstance(reset, int | float) else None


def _read_error(response: httpx2.Response) -> tuple[str, str]:
    """The error's code and words, in the forms that the platforms use."""
    body = _json_object(response)
    error = body.get("error")
    details: dict[str, Any] = error if isinstance(error, dict) else body
    code = error if isinstance(error, str) else details.get("code") or details.get("id") or ""
    said = (
        body.get("error_description")
        or details.get("message")
        or details.get("detail")
        or details.get("errorMessage")
        or ""
    )
    return str(code), str(said)[:_SHOWN_CHARS]


def _json_object(response: httpx2.Response) -> dict[str, Any]:
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}
