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

    runs: slice
    """Which they are, in the order of all."""
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

    def fold(self, combine: np.ufunc, laid: Floats, out: Floats) -> None:
        """Write what `combine` makes of each run, from rows as `places` tells them, shape (runs, width)."""
        if self.is_even:
            combine.reduce(laid.reshape(len(self.counts), -1, laid.shape[1]), axis=0, out=out)
            return
        done = self.counts[0]
        out[:] = laid[:done]
        for count in self.counts[1:]:
            combine(out[:count], laid[done : done + count], out=out[:count])
            done += count


@dataclass(frozen=True)
class Runs:
    """Consecutive runs of given lengths; a run may be empty."""

    lengths: Rows

    @cached_property
    def order(self) -> Rows:
        """All runs, the longest first."""
        longest = self.lengths.max(initial=0)
        shorter_by = (longest - self.lengths).astype(np.min_scalar_type(longest))
        return np.argsort(shorter_by, kind="stable")  # numpy sorts small numbers in linear time

    @cached_property
    def rank(self) -> Rows:
        """Where each run stands in that order."""
        rank = np.empty_like(self.order)
        rank[self.order] = np.arange(len(rank))
        return rank

    @cached_property
    def owners(self) -> Rows:
        """The run of each row."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

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
        return self.fold(np.add, rows, of).take(self.rank, axis=0)

    def max(self, rows: Floats) -> Floats:
        """The maximum of each run's rows, shape (runs, width); zeros for an empty run."""
        return self.fold(np.maximum, rows).take(self.rank, axis=0)

    def fold(self, combine: np.ufunc, rows: Floats, of: Rows | None = None) -> Floats:
        """What `combine` makes of each run's rows, as `sum` has them, but in the `order` of the runs."""
        folded = np.empty((len(self.lengths), rows.shape[1]), dtype=rows.dtype)
        folded[len(self.filled) :] = 0
        for block in self.blocks:
            places = block.places if of is None else of.take(block.places)
            if len(block.counts) == 1:  # nothing to combine
                rows.take(places, axis=0, out=folded[block.runs], mode="clip")
            else:
                block.fold(combine, rows.take(places, axis=0), folded[block.runs])
        return folded

    def _cut(self) -> Iterator[Block]:
        order = self.order[: len(self.filled)]
        lengths = self.lengths[order]
        starts = (np.cumsum(self.lengths) - self.lengths)[order]
        for first, last in _bounds(lengths):
            yield Block(slice(first, last), *_lay(starts[first:last], lengths[first:last]))


def _lay(starts: Rows, lengths: Rows) -> tuple[Rows, tuple[int, ...]]:
    """The places of all rows of runs of falling `lengths`, and how many there are of each step.

    >>> places, counts = _lay(np.array([2, 0]), np.array([3, 2]))
    >>> places.tolist(), counts
    ([2, 0, 3, 1, 4], (2, 2, 1))
    """
    steps = np.arange(lengths[0])
    if lengths[0] == lengths[-1]:
        return (starts + steps[:, None]).ravel(), (len(starts),) * len(steps)
    counts = np.searchsorted(-lengths, -steps)
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return starts[within] + np.repeat(steps, counts), tuple(counts.tolist())


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
