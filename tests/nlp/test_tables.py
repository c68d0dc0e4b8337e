"""Tables grow and shrink without a change in what they hold."""

import mmap
import platform
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.nlp.tables import make_table, select_rows, with_room

WIDTHS = (1, 3, 70_000)
"""The last makes every table of some rows a large one, with a map of its own."""


@given(st.integers(0, 6), st.integers(0, 20), st.sampled_from(WIDTHS))
def test_room_is_made_behind_what_is_there(rows: int, size: int, width: int) -> None:
    """Old rows stay as they are, new ones are zeros, and there are as many as were asked for."""
    table = np.arange(rows * width, dtype=np.int64).reshape(rows, width)
    longer = with_room(table, size)
    assert len(longer) >= max(rows, size)
    assert np.array_equal(longer[:rows], table)
    assert not longer[rows:].any()


@pytest.mark.parametrize("width", WIDTHS)
def test_rows_that_are_selected_are_those(width: int) -> None:
    """In the order asked for, repeated where asked for twice; the old table stays as it was."""
    table = np.random.default_rng(1).standard_normal((5, width)).astype(np.float32)
    selected = select_rows(table, np.array([4, 0, 0]))
    assert np.array_equal(selected, table[[4, 0, 0]])
    selected[:] = 0
    assert table[4].any()


def test_only_large_tables_have_a_map_of_their_own() -> None:
    """What is small stays with the allocator: a map takes whole pages."""
    large, small = (make_table((rows, 1_000), np.dtype(np.float64)) for rows in (1_000, 10))
    while not isinstance(large, memoryview | mmap.mmap) and large.base is not None:
        large = large.base
    assert isinstance(large.obj if isinstance(large, memoryview) else large, mmap.mmap)
    assert small.base is None


@pytest.mark.skipif(not hasattr(mmap, "MADV_HUGEPAGE"), reason="this system knows no large pages")
def test_a_kernel_without_large_pages_gives_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the kernel refuses (here: advice that there is not) is no reason to stop."""
    monkeypatch.setattr(mmap, "MADV_HUGEPAGE", 9_999)
    table = make_table((1_000, 1_000), np.dtype(np.float32), fills_soon=True)
    table[:] = 1
    assert table.sum() == 1_000_000


COUNT_FAULTS = """
import resource
import numpy as np
from service.nlp.tables import keep_freed_memory

def work():
    arrays = [np.ones(1 << 17) for _ in range(10)]  # 10 MiB, of 2,560 pages

keep_freed_memory()
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators keep what they like")
def test_memory_that_a_batch_gives_back_is_there_for_the_next() -> None:
    """Ten rounds over the same 10 MiB take hardly a new page from the system, where 25,600 are touched."""
    assert int(subprocess.check_output([sys.executable, "-c", COUNT_FAULTS])) < 100
