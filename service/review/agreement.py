"""How far people agree with the model, seeing its proposal and not seeing it, and with each other."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from service.store import corrections
from service.store.corrections import Opinion

_Z = 1.959964
"""Of the normal distribution, for 95 %."""


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a number of cases, with its 95 % interval by Wilson (1927)."""

    hits: int
    count: int

    @property
    def value(self) -> float | None:
        """The share; None of nothing."""
        return round(self.hits / self.count, 4) if self.count else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the true share lies, at 95 %.

        >>> Share(8, 10).interval
        (0.4902, 0.9433)
        """
        if not self.count:
            return None
        n, p = self.count, self.hits / self.count
        middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
        return round(middle - half, 4), round(middle + half, 4)

    def to_json(self) -> dict[str, Any]:
        """The share and what it is of."""
        return {**asdict(self), "value": self.value, "interval": self.interval}


@dataclass(frozen=True, slots=True)
class Agreement:
    """Shares of corrections that say just what had been proposed."""

    open: Share
    """Where the proposal was shown."""
    blind: Share
    """Where it was hidden: what people think by themselves."""
    people: Share
    """Pairs of people who said the same of the same text."""

    @property
    def nodding(self) -> float | None:
        """How much oftener people agree when they see the proposal: the part that is mere nodding.

        Only where its 95 % interval (Newcombe 1998, method 10) is above zero is it more than chance.
        """
        if self.open.value is None or self.blind.value is None:
            return None
        return round(self.open.value - self.blind.value, 4)

    @property
    def nodding_interval(self) -> tuple[float, float] | None:
        """The 95 % interval of `nodding`."""
        shown, hidden = self.open.interval, self.blind.interval
        if shown is None or hidden is None or self.open.value is None or self.blind.value is None:
            return None
        p, q = self.open.value, self.blind.value
        low = p - q - math.hypot(p - shown[0], hidden[1] - q)
        high = p - q + math.hypot(shown[1] - p, q - hidden[0])
        return round(low, 4), round(high, 4)

    def to_json(self) -> dict[str, Any]:
        """All figures."""
        return {
            "open": self.open.to_json(),
            "blind": self.blind.to_json(),
            "people": self.people.to_json(),
            "nodding": self.nodding,
            "nodding_interval": self.nodding_interval,
        }


def measure(connection: Connection) -> Agreement:
    """The figures over all corrections of comments' latest texts; those whose words were deleted count on.

    Of one person's several corrections of a text the first counts: later ones have seen more than the text.
    """
    open_hits: list[bool] = []
    blind_hits: list[bool] = []
    pairs: list[bool] = []
    for firsts in _first_words(corrections.opinions(connection)):
        for opinion in firsts:
            if opinion.proposed is not None:
                hits = blind_hits if opinion.blind else open_hits
                hits.append(opinion.proposed == opinion.view)
        views = [opinion.view for opinion in firsts]
        pairs += [one == other for i, one in enumerate(views) for other in views[:i]]
    return Agreement(_share(open_hits), _share(blind_hits), _share(pairs))


def _first_words(said: Iterable[Opinion]) -> Iterator[list[Opinion]]:
    """The first opinion of each person, comment by comment; `said` is in the order of comments."""
    for _, own in groupby(said, key=lambda opinion: opinion.comment_id):
        firsts: dict[str, Opinion] = {}
        for opinion in own:
            firsts.setdefault(opinion.author, opinion)
        yield list(firsts.values())


def _share(hits: list[bool]) -> Share:
    return Share(sum(hits), len(hits))
