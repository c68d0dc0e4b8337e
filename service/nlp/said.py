"""What is said of a text, by numbers: all that a result is made of, at a third of its cost."""

from typing import NamedTuple


class SaidTag(NamedTuple):
    """A tag by its numbers."""

    category: int
    """In the taxonomy."""
    aspect: int
    """In the category, -1 for none."""
    polarity: int
    """In `POLARITIES`."""
    probability: float
    evidence: tuple[tuple[int, int], ...]
    """Starts and stops."""


class Said(NamedTuple):
    """What is said of a text."""

    tags: tuple[SaidTag, ...]
    needs_review: bool
    doubt: int
    """Number of the category that was decided with the least certainty."""
    certainty: float
