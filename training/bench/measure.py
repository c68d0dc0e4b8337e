"""Figures beside their goals: medians over rounds, and how far the rounds lie apart."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """A figure beside its goal."""

    goal: str
    """What is measured, and in what."""
    values: tuple[float, ...]
    """One a round."""
    target: float | None
    """The least that is wanted, or with `at_most` the most; None for a figure without a goal."""
    at_most: bool = False

    @property
    def value(self) -> float:
        """The median over the rounds."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool:
        """Whether the goal is reached; true where there is none."""
        if self.target is None:
            return True
        return self.value <= self.target if self.at_most else self.value >= self.target

    @property
    def spread(self) -> str:
        """The lowest and the highest of the rounds."""
        return f"{min(self.values):,.4g}–{max(self.values):,.4g}" if len(self.values) > 1 else ""

    def __str__(self) -> str:
        wanted = "" if self.target is None else f"{'≤' if self.at_most else '≥'} {self.target:,g}"
        verdict = "" if self.target is None else "met" if self.met else "NOT MET"
        return f"{self.goal:<76} {self.value:>10,.4g}  {self.spread:<19} {wanted:<9} {verdict}"


def at_least(goal: str, values: Sequence[float], target: float | None) -> Measured:
    """A figure that should be high."""
    return Measured(goal, tuple(values), target)


def at_most(goal: str, values: Sequence[float], target: float | None) -> Measured:
    """A cost."""
    return Measured(goal, tuple(values), target, at_most=True)


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Round by round."""
    return [a / b for a, b in zip(ours, theirs, strict=True)]


def seconds(work: Callable[..., object], *arguments: object) -> float:
    """How long `work(*arguments)` takes by the clock."""
    started = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - started


def core_seconds(work: Callable[..., object], *arguments: object) -> float:
    """How long `work(*arguments)` keeps a core busy: what else the machine does is not counted."""
    started = time.process_time()
    work(*arguments)
    return time.process_time() - started
