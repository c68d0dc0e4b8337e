"""When a delivery that failed is tried again: published, so that receivers can rely on it."""

import random
from datetime import datetime, timedelta

SCHEDULE = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""The waits after the first attempt, those of Standard Webhooks: ten attempts in some three days."""

ATTEMPTS = 1 + len(SCHEDULE)

JITTER = 0.1
"""Each wait is longer by up to this share, so that many failures at once do not come back at once."""

_LONGEST_WISH = timedelta(hours=24)


def next_attempt(attempts: int, now: datetime, wish: datetime | None = None) -> datetime | None:
    """When to try again after `attempts` failures, not before the receiver's `wish`; None: give up."""
    if attempts >= ATTEMPTS:
        return None
    wait = SCHEDULE[attempts - 1] * (1 + JITTER * random.random())
    due = now + wait
    return max(due, min(wish, now + _LONGEST_WISH)) if wish else due
