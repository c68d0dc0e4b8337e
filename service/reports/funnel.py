"""The quarter's figures of the NPS funnel: who was asked, and what came of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import groupby

from service.nlp.context import nps_group
from service.store.cases import Case


@dataclass(frozen=True, slots=True)
class Quarter:
    """One quarter, by the day on which the customer was asked."""

    name: str
    """Such as «2026-Q4»."""
    asked: int
    satisfied: int
    passive: int
    dissatisfied: int
    no_answer: int
    waiting: int
    reviewed: int

    @property
    def answered(self) -> int:
        """How many gave a score."""
        return self.satisfied + self.passive + self.dissatisfied

    @property
    def response_rate(self) -> float | None:
        """Share of those asked who answered; those who may still answer count as asked."""
        return self.answered / self.asked if self.asked else None

    @property
    def nps(self) -> int | None:
        """Net Promoter Score: the share of promoters less that of detractors, in points."""
        return round(100 * (self.satisfied - self.dissatisfied) / self.answered) if self.answered else None


def by_quarter(cases: Iterable[Case], zone: tzinfo) -> list[Quarter]:
    """The quarters of `zone` in which anybody was asked, the first first."""
    ordered = sorted(cases, key=lambda case: case.asked_at)
    grouped = groupby(ordered, key=lambda case: quarter_name(case.asked_at.astimezone(zone)))
    return [_count(name, list(members)) for name, members in grouped]


def quarter_name(moment: datetime) -> str:
    """The quarter of a moment.

    >>> quarter_name(datetime(2026, 11, 21))
    '2026-Q4'
    """
    return f"{moment.year}-Q{(moment.month - 1) // 3 + 1}"


def _count(name: str, cases: list[Case]) -> Quarter:
    groups = [nps_group(case.score) for case in cases]
    return Quarter(
        name=name,
        asked=len(cases),
        satisfied=groups.count("promoter"),
        passive=groups.count("passive"),
        dissatisfied=groups.count("detractor"),
        no_answer=sum(case.state == "no_answer" for case in cases),
        waiting=sum(case.state in ("opened", "asked") for case in cases),
        reviewed=sum(case.reviewed_at is not None for case in cases),
    )
