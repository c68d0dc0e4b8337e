"""Sums and maxima over runs of consecutive rows: words of a clause, clauses of a comment.

`numpy`'s own `reduceat` walks each run column by column, which for short runs of wide rows is ten
times slower than memory allows. Here the rows are laid out run against run instead: first the first
rows of all runs, the longest run first, then their second rows, and so on. Adding the k-th rows to
what stands before is then one addition of two large arrays, and each run is summed in the order of
its rows, whatever else is in the batch: a comment gets the same bits alone and in company.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from service.nlp.features import Floats
from service.nlp.hashing import Rows


@dataclass(frozen=True)
class Runs:
    """How to lay out runs of given lengths."""

    order: Rows
    """Numbers of the runs that have rows, the longest run first."""
    counts: tuple[int, ...]
    """How many runs have a first row, a second, …"""
    positions: Rows
    """Where each laid-out row stands among the rows in reading order: `laid = rows[positions]`."""
    size: int
    """Number of runs, with the empty ones."""

    @classmethod
    def of(cls, lengths: Rows) -> "Runs":
        """The layout of consecutive runs of `lengths` rows; a run may be empty.

        >>> Runs.of(np.array([2, 0, 3])).positions.tolist()  # rows 0-1 and 2-4
        [2, 0, 3, 1, 4]
        """
        order = np.argsort(-lengths, kind="stable")
        falling = -lengths[order]
        longest = -int(falling[0]) if len(falling) else 0
        counts = np.searchsorted(falling, -np.arange(longest))
        starts = (np.cumsum(lengths) - lengths)[order]
        level = np.repeat(np.arange(longest), counts)
        within = np.arange(len(level)) - np.repeat(np.cumsum(counts) - counts, counts)
        filled = order[: counts[0]] if longest else order[:0]
        return cls(filled, tuple(counts.tolist()), starts[within] + level, len(lengths))

    def sum(self, laid: Floats, out: Floats | None = None) -> Floats:
        """The sum of each run's rows, shape (runs, width); zeros for an empty run.

        `out` is where to put it: zeros of that shape.
        """
        return self._fold(laid, np.add, out)

    def max(self, laid: Floats) -> Floats:
        """The maximum of each run's rows, shape (runs, width); zeros for an empty run."""
        return self._fold(laid, np.maximum, None)

    def _fold(self, laid: Floats, combine: Callable[..., Floats], out: Floats | None) -> Floats:
        folded = np.zeros((self.size, laid.shape[1]), dtype=laid.dtype) if out is None else out
        if not self.counts:
            return folded
        done = self.counts[0]
        totals = laid[:done].copy()
        for count in self.counts[1:]:
            combine(totals[:count], laid[done : done + count], out=totals[:count])
            done += count
        folded[self.order] = totals
        return folded
