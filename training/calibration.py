"""Whether a probability of 0.8 is right eight times in ten."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.corpus import Example
from training.rule import truths
from training.scoring import Guess

BINS = 10


@dataclass(frozen=True)
class Bin:
    """The judgements whose probability lies in one tenth of the scale."""

    probability: float
    """Mean of what was said."""
    share: float
    """What came out: share of judgements where the category is labelled."""
    cases: int


@dataclass(frozen=True)
class Calibration:
    """Probabilities of categories beside the labels, held out."""

    errors: dict[str, float]
    """Expected calibration error by category; empty for a model that kept no probabilities."""
    bins: tuple[Bin, ...]
    """Over all categories; bins without a case are left out."""


def measure_calibration(
    examples: Sequence[Example], guesses: Sequence[Guess], categories: Sequence[str]
) -> Calibration:
    """Of the guesses with probabilities, which are in the order of `categories`."""
    rows = [i for i, guess in enumerate(guesses) if guess.probabilities]
    said = np.array([guesses[i].probabilities for i in rows], dtype=np.float64).reshape(-1, len(categories))
    answers = np.array([truths([examples[i] for i in rows], code) for code in categories]).T.reshape(
        said.shape
    )
    errors = {
        code: _error(_bins(said[known, number], answers[known, number] == 1))
        for number, code in enumerate(categories)
        if (known := answers[:, number] >= 0).any()
    }
    return Calibration(errors, tuple(_bins(said[answers >= 0], answers[answers >= 0] == 1)))


def _error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: the mean gap between what was said and what came out."""
    gaps = sum(own.cases * abs(own.share - own.probability) for own in bins)
    return gaps / sum(own.cases for own in bins)


def _bins(said: NDArray[np.float64], right: NDArray[np.bool_]) -> list[Bin]:
    numbers = np.minimum((said * BINS).astype(int), BINS - 1)
    return [
        Bin(float(said[inside].mean()), float(right[inside].mean()), int(inside.sum()))
        for inside in (numbers == number for number in range(BINS))
        if inside.any()
    ]
