"""What is chosen on held-out comments is what they show."""

import numpy as np
import pytest

from training.rule import _likeliest_shifts


def test_shifts_lean_as_the_cases_do() -> None:
    """What nine of ten cases show is learned, surer from more cases; of what was never seen nothing."""
    logits = np.zeros((100, 3))
    truth = np.eye(3)[[1] * 90 + [0] * 10]
    known = np.zeros((100, 2))
    known[:, 0] = 1.0
    after_ten, never_seen = _likeliest_shifts(logits, truth, known)
    assert after_ten.argmax() == 1
    assert after_ten.sum() == pytest.approx(0.0, abs=1e-4)
    assert never_seen == pytest.approx(np.zeros(3), abs=1e-4)
    few = _likeliest_shifts(logits[85:95], truth[85:95], known[85:95])[0]
    assert np.abs(few).max() < np.abs(after_ten).max()
