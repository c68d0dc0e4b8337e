"""What is chosen on held-out comments is what they show."""

import numpy as np
import pytest

from training.rule import _likeliest_leans


def test_leans_are_those_of_the_cases() -> None:
    """What nine of ten cases show is learned, surer from more cases; of what was never seen nothing."""
    logits = np.zeros((100, 3))
    truth = np.eye(3)[[1] * 90 + [0] * 10]
    known = np.zeros((100, 2))
    known[:, 0] = 1.0
    after_ten, never_seen = _likeliest_leans(logits, truth, known)
    assert after_ten > 0.5
    assert never_seen == pytest.approx(0.0, abs=1e-4)
    few = _likeliest_leans(logits[80:95], truth[80:95], known[80:95])[0]
    assert 0 < few < after_ten
