"""Sums and maxima over runs of consecutive rows: words of a clause, clauses of a comment.

`numpy`'s own `reduceat` walks each run column by column, which for short runs of wide rows is ten
times slower than memory allows. Here runs of like lengths are laid side by side: the first rows of all,
the longest run first, then their second rows, and so on. To fold them is then one addition of two long
arrays a row, and each run is summed in the order of its rows, whatever else is in the batch. A block holds
no more of them than stay in the processor's cache; where it can, it holds runs of one length, which numpy
folds in one call.
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
    """Some runs, the longest first."""

    runs: Rows
    """Their numbers, shape (runs,)."""
    places: Rows
    """Where the first row of each stands, then the second ones, and so on, shape (rows,)."""
    counts: tuple[int, ...]
    """How many of the runs have a first row, a second, …"""

    @property
    def is_even(self) -> bool:
        """Whether all runs are of one length."""
        return self.counts[0] == self.counts[-1]

    def steps(self) -> Iterator[tuple[slice, slice]]:
        """Slices of rows, and of the rows that follow them in their runs.

        >>> [block] = Runs(np.array([2, 0, 3])).blocks
        >>> list(block.steps())
        [(slice(0, 2, None), slice(2, 4, None)), (slice(2, 3, None), slice(4, 5, None))]
        """
        if self.is_even:
            yield slice(0, -self.counts[0]), slice(self.counts[0], None)
            return
        done = 0
        for count, following in pairwise(self.counts):
            yield slice(done, done + following), slice(done + count, done + count + following)
            done += count

    def fold(self, combine: np.ufunc, laid: Floats) -> Floats:
        """What `combine` makes of each run, from all rows as `places` tells them, shape (runs, width)."""
        if self.is_even:
            whole: Floats = combine.reduce(laid.reshape(len(self.counts), -1, laid.shape[1]), axis=0)
            return whole
        done = self.counts[0]
        folded = laid[:done].copy()
        for count in self.counts[1:]:
            combine(folded[:count], laid[done : done + count], out=folded[:count])
            done += count
        return folded


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
        """All runs that have rows, the longest first.

        >>> [block.places.tolist() for block in Runs(np.array([2, 0, 3])).blocks]  # rows 0-1 and 2-4
        [[2, 0, 3, 1, 4]]
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
            folded[block.runs] = block.fold(combine, rows.take(places, axis=0))
        return folded

    def _cut(self) -> Iterator[Block]:
        order = np.argsort(-self.lengths, kind="stable")[: len(self.filled)]
        lengths = self.lengths[order]
        starts = (np.cumsum(self.lengths) - self.lengths)[order]
        for first, last in _bounds(lengths):
            own = lengths[first:last]
            counts = np.searchsorted(-own, -np.arange(own[0]))
            level = np.repeat(np.arange(own[0]), counts)
            within = np.arange(len(level)) - np.repeat(np.cumsum(counts) - counts, counts)
            yield Block(order[first:last], starts[first:last][within] + level, tuple(counts.tolist()))


def _bounds(lengths: Rows) -> Iterator[tuple[int, int]]:
    """Where blocks of runs of falling `lengths` begin and end.

    Lengths of which there are few share a block; those of which there are many have blocks of their own.
    """
    if 0 < lengths.sum() <= _BLOCK_ROWS:
        yield 0, len(lengths)
        return
    changes = np.flatnonzero(np.diff(lengths)) + 1
    begun = rows = 0
    for first, last in pairwise([0, *changes.tolist(), len(lengths)]):
        length = int(lengths[first]) if first < last else 0
        if length * (last - first) < _BLOCK_ROWS // 2 and rows < _BLOCK_ROWS:
            rows += length * (last - first)
            continue
        if begun < first:
            yield begun, first
        step = max(1, _BLOCK_ROWS // length)
        yield from ((start, min(last, start + step)) for start in range(first, last, step))
        begun, rows = last, 0
    if begun < len(lengths):
        yield begun, len(lengths)
