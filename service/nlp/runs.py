"""Sums and maxima over runs of consecutive rows: words of a clause, clauses of a comment.

`numpy`'s own `reduceat` walks each run column by column, which for short runs of wide rows is ten
times slower than memory allows. Here runs of the same length are laid side by side: the first rows of
all, then their second rows, and so on. To fold them is then one addition of two long arrays a row, and
each run is summed in the order of its rows, whatever else is in the batch: a comment gets the same bits
alone and in company. A block holds no more of them than stay in the processor's cache.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from service.nlp.features import Floats
from service.nlp.hashing import Rows

_BLOCK_ROWS = 1_024


@dataclass(frozen=True)
class Block:
    """Some runs of the same length."""

    runs: Rows
    """Their numbers, shape (runs,)."""
    places: Rows
    """Where their rows stand, shape (length, runs)."""


@dataclass(frozen=True)
class Runs:
    """Consecutive runs of given lengths; a run may be empty."""

    lengths: Rows

    @cached_property
    def filled(self) -> Rows:
        """The runs that have rows."""
        return np.flatnonzero(self.lengths)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """All runs that have rows, the shortest first.

        >>> [block.places.tolist() for block in Runs(np.array([2, 0, 3, 2])).blocks]  # rows 0-1, 2-4, 5-6
        [[[0, 5], [1, 6]], [[2], [3], [4]]]
        """
        return tuple(self._cut())

    def sum(self, rows: Floats, of: Rows | None = None) -> Floats:
        """The sum of each run's rows, shape (runs, width); zeros for an empty run.

        With `of`, the rows of the runs are `rows[of]`.
        """
        return self._fold(np.add, rows, of)

    def max(self, rows: Floats) -> Floats:
        """The maximum of each run's rows, shape (runs, width); zeros for an empty run."""
        return self._fold(np.maximum, rows, None)

    def _fold(self, combine: np.ufunc, rows: Floats, of: Rows | None) -> Floats:
        folded = np.zeros((len(self.lengths), rows.shape[1]), dtype=rows.dtype)
        for block in self.blocks:
            places = block.places if of is None else of[block.places]
            folded[block.runs] = combine.reduce(rows.take(places, axis=0), axis=0)
        return folded

    def _cut(self) -> Iterator[Block]:
        order = np.argsort(self.lengths, kind="stable")[len(self.lengths) - len(self.filled) :]
        lengths = self.lengths[order]
        starts = (np.cumsum(self.lengths) - self.lengths)[order]
        bounds = np.append(np.flatnonzero(np.diff(lengths, prepend=0)), len(order))
        for first, last in pairwise(bounds.tolist()):
            within = np.arange(lengths[first])[:, None]
            step = max(1, _BLOCK_ROWS // len(within))
            for start in range(first, last, step):
                some = slice(start, min(last, start + step))
                yield Block(order[some], starts[some] + within)
