"""Tables that grow and are dropped again, in memory of their own.

A table of some megabytes that is given back to the allocator leaves a hole, and the longer one that
takes its place does not fit into it: a worker that kept 80 MiB of rows held 400. So a large table is an
anonymous map, which the system has back as soon as no array refers to it.
"""

import mmap
from contextlib import suppress
from math import prod
from typing import Any

import numpy as np

_LARGE = 1 << 20
"""Bytes from which a table has a map of its own."""

_KEPT = 8 << 20
"""Bytes: more than any array of a batch has."""


def keep_freed_memory() -> None:
    """Let the allocator keep what a batch gives back, some 16 MB of it, for the next batch.

    By default glibc returns the end of its heap to the system as soon as a little of it is free, and has it
    back page by page, each at its first touch: a tenth of the time of tagging. Its bounds rise to the size
    of the largest piece that was ever freed (mallopt(3), M_MMAP_THRESHOLD), so one is freed here, untouched.
    """
    np.empty(_KEPT, dtype=np.uint8)


def make_table(shape: tuple[int, ...], dtype: np.dtype[Any], fills_soon: bool = False) -> Any:  # noqa: ANN401  # an array of that type
    """An array of zeros; what is never written to takes no memory.

    One that `fills_soon` is asked for in large pages, of which the system hands out 512 small ones at once.
    """
    size = prod(shape) * dtype.itemsize
    if size < _LARGE:
        return np.zeros(shape, dtype)
    own = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if fills_soon and hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a kernel that has no large pages refuses; small ones do, too
            own.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(own, dtype).reshape(shape)


def with_room(table: Any, size: int) -> Any:  # noqa: ANN401  # any kind of array, and the same comes back
    """`table`, or a longer copy of it that has room for `size` rows."""
    if size <= len(table):
        return table
    longer = make_table((max(size, 2 * len(table)), *table.shape[1:]), table.dtype)
    longer[: len(table)] = table
    return longer


def select_rows(table: Any, rows: Any) -> Any:  # noqa: ANN401  # as above
    """A table of `rows` alone: as `table[rows]`."""
    selected = make_table((len(rows), *table.shape[1:]), table.dtype)
    table.take(rows, axis=0, out=selected, mode="clip")  # «clip» writes without a copy
    return selected
