"""What a delivery of a survey platform says, in the same words for every source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of one response now; None is «not said», so score and comment may come apart."""

    id: str
    """Of the response at the source, the same for every delivery that speaks of it."""
    text: str | None = None
    score: int | None = None
    question: str | None = None
    respondent: str | None = None
    answered_at: datetime | None = None
    version: datetime | None = None
    """When the source last changed the response: of two deliveries the later version wins, in whatever order
    they come. None where the source does not say: then the later delivery wins."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What could not be used and why, for the person who looks at the delivery."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """The response was deleted at the source; it is final, whatever comes of the response later."""

    id: str


@dataclass(frozen=True, slots=True)
class Reference:
    """The source only says that something has changed; what, has to be fetched from it."""

    kind: str
    """What to fetch, in the source's own word: response, deal, lead, item …"""
    id: str
    scope: Mapping[str, str] = field(default_factory=dict)
    """What the fetch needs beside the id: the survey, the portal …"""
    version: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """Authentic, but nothing for us: an event of another kind, a test call."""

    reason: str


Event: TypeAlias = Answer | Deletion | Reference | Ignored
