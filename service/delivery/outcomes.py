"""What became of one attempt to tell something."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Delivered:
    """The target has it."""

    status: int | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """Not this time: try again by the schedule, and not before `wish`."""

    error: str
    status: int | None = None
    wish: datetime | None = None
    throttled: bool = False
    """Whether the target wants fewer calls: then nothing else is sent to it before `wish` either."""


@dataclass(frozen=True, slots=True)
class NotYet:
    """The target's limit of calls is reached: nothing goes to it before `until`; this does not count."""

    error: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Hopeless:
    """Trying again will not help; a person has to look."""

    error: str
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """The target wants nothing any more."""

    error: str
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is nothing left to tell."""

    reason: str


Outcome: TypeAlias = Delivered | Failed | NotYet | Hopeless | Gone | Nothing
