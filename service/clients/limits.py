"""Staying within what another system allows: a pace kept beforehand, and its wishes when it says «enough»."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime


class Pace:
    """A leaky bucket, safe to share between threads: `burst` calls at once, then `per_second`."""

    def __init__(
        self,
        per_second: float,
        burst: int = 1,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap = 1 / per_second
        self._slack = (burst - 1) * self._gap
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._empty_at = clock()

    def wait(self) -> None:
        """Return when the next call may be made."""
        with self._lock:
            now = self._clock()
            self._empty_at = max(self._empty_at, now)
            wait = self._empty_at - self._slack - now
            self._empty_at += self._gap
        if wait > 0:
            self._sleep(wait)


def read_retry_after(value: str | None, now: datetime) -> datetime | None:
    """The moment that a `Retry-After` header names, in seconds or as a date (RFC 9110, 10.2.3).

    >>> from datetime import UTC
    >>> read_retry_after("120", datetime(2026, 1, 1, tzinfo=UTC)).isoformat()
    '2026-01-01T00:02:00+00:00'
    """
    if not value:
        return None
    text = value.strip()
    if text.isdecimal():
        return now + timedelta(seconds=min(int(text), 10**8))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
