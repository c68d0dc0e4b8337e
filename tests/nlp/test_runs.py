"""Runs of rows are summed and compared as a loop would, whatever their lengths."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.nlp.runs import Runs

LENGTHS = st.lists(st.integers(0, 6), max_size=12)


@given(LENGTHS)
def test_each_run_is_folded_over_its_own_rows(lengths: list[int]) -> None:
    """Sums and maxima are those of the run's rows; an empty run has zeros."""
    rows = np.random.default_rng(1).standard_normal((sum(lengths), 3)).astype(np.float32)
    runs = Runs(np.array(lengths, dtype=np.int64))
    ends = np.cumsum(lengths, dtype=np.int64)
    for number, (length, end) in enumerate(zip(lengths, ends, strict=True)):
        own = rows[end - length : end]
        assert np.allclose(runs.sum(rows)[number], own.sum(axis=0), atol=1e-5)
        assert np.array_equal(runs.max(rows)[number], own.max(axis=0) if length else np.zeros(3))


@given(LENGTHS, LENGTHS)
def test_a_run_is_summed_to_the_same_bits_in_any_company(lengths: list[int], others: list[int]) -> None:
    """What stands beside a run does not change the order in which its rows are added."""
    rows = np.random.default_rng(2).standard_normal((sum(lengths) + sum(others), 2)).astype(np.float32)
    alone = Runs(np.array(lengths, dtype=np.int64))
    together = Runs(np.array([*lengths, *others], dtype=np.int64))
    sums = alone.sum(rows[: sum(lengths)])
    assert np.array_equal(together.sum(rows)[: len(lengths)], sums)
