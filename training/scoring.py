"""How predictions are scored: the rule book's counts, and intervals by bootstrap."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.nlp.spans import Span
from training.corpus import Example, Label

BOOTSTRAP_ROUNDS = 1000
_SEED = 7

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Guess:
    """What a model says of one comment."""

    labels: tuple[Label, ...] = ()
    evidence: tuple[tuple[str, Span], ...] = ()
    """Category and words; empty for models that give none."""
    probabilities: tuple[float, ...] = ()
    """By category in taxonomy order; empty for models that give none."""
    needs_review: bool = False

    def label(self, category: str) -> Label | None:
        """What is said of `category`, if anything."""
        for label in self.labels:
            if label.category == category:
                return label
        return None


@dataclass(frozen=True)
class Figure:
    """A figure with the bounds of its 95 % bootstrap interval, and how many cases it rests on."""

    value: float
    low: float
    high: float
    cases: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}–{self.high:.3f}]"


@dataclass(frozen=True)
class Report:
    """The figures of one model on one set; keys are names for people and for JSON."""

    comments: int
    figures: dict[str, Figure]


_TP, _FP, _FN = 0, 1, 2
_PROBABILITY, _TRUTH, _CASES = 0, 1, 2
_BINS = 10


def score(examples: Sequence[Example], guesses: Sequence[Guess], categories: Sequence[str]) -> Report:
    """All figures of `guesses` against `examples`, which stand in the same order.

    A figure without any case, or of something that the model never says, is left out. `macro_f1` is the
    mean F1 over the categories with cases; `polarity` and `aspect` are accuracies over right categories;
    `left_empty` is the share of comments without labels that got no tag (an optional category counts
    nowhere); `evidence` is the mean F1 of characters with the marks; `calibration` is the expected
    calibration error of the probabilities, the mean over the categories.
    """
    counts = np.array([_counts(e, g, categories) for e, g in zip(examples, guesses, strict=True)])
    rounds = _rounds(len(examples))
    figures = {}
    parts = {"macro_f1": counts}
    parts |= {f"f1 {category}": counts[:, [number]] for number, category in enumerate(categories)}
    for name, own in parts.items():
        if own.any():
            figures[name] = _figure(own, rounds, _macro_f1, own[:, :, [_TP, _FN]].sum())
    ratios = {
        "polarity": [_polarity(e, g) for e, g in zip(examples, guesses, strict=True)],
        "aspect": [_aspect(e, g) for e, g in zip(examples, guesses, strict=True)],
        "left_empty": [_left_empty(e, g) for e, g in zip(examples, guesses, strict=True)],
        "evidence": [_evidence(e, g) for e, g in zip(examples, guesses, strict=True)],
        "needs_review": [(float(g.needs_review), 1.0) for g in guesses],
    }
    for name, pairs in ratios.items():
        table = np.array(pairs, dtype=np.float64)
        if table[:, 1].sum() and name not in _unsaid(guesses):
            figures[name] = _figure(table, rounds, _ratio, table[:, 1].sum())
    if examples and all(guess.probabilities for guess in guesses):
        table = np.array([_bins(e, g, categories) for e, g in zip(examples, guesses, strict=True)])
        figures["calibration"] = _figure(table, rounds, _calibration_error, table[..., _CASES].sum())
    return Report(len(examples), figures)


def _unsaid(guesses: Sequence[Guess]) -> set[str]:
    """Figures of things that the model never says, such as aspects: it is not measured by them."""
    said = {
        "aspect": any(label.aspect for guess in guesses for label in guess.labels),
        "evidence": any(guess.evidence for guess in guesses),
        "needs_review": any(guess.needs_review for guess in guesses),
    }
    return {name for name, is_said in said.items() if not is_said}


def _counts(example: Example, guess: Guess, categories: Sequence[str]) -> NDArray[np.float64]:
    """True positives, false positives and false negatives by category, shape (categories, 3)."""
    table = np.zeros((len(categories), 3))
    for number, category in enumerate(categories):
        required = example.label(category) is not None
        said = guess.label(category) is not None
        if category in example.optional:
            continue
        table[number] = required and said, said and not required, required and not said
    return table


def _bins(example: Example, guess: Guess, categories: Sequence[str]) -> Counts:
    """Probability, truth and 1 in the bin of each category's probability, shape (categories, bins, 3)."""
    table = np.zeros((len(categories), _BINS, 3))
    for number, category in enumerate(categories):
        if category not in example.optional:
            probability = guess.probabilities[number]
            place = min(int(probability * _BINS), _BINS - 1)
            table[number, place] = probability, example.label(category) is not None, 1.0
    return table


def _calibration_error(sums: Counts) -> float:
    """Mean |share of truths − mean probability|, over bins of equal width by their cases, then categories.

    `sums` has shape (categories, bins, 3). After Guo et al., «On Calibration of Modern Neural
    Networks» (2017), equation 3.
    """
    gaps = np.abs(sums[..., _TRUTH] - sums[..., _PROBABILITY]).sum(axis=1)
    return float(np.mean(gaps / np.maximum(sums[..., _CASES].sum(axis=1), 1.0)))


def _polarity(example: Example, guess: Guess) -> tuple[float, float]:
    pairs = [(label, guess.label(label.category)) for label in example.labels if label.polarity]
    right = [mine.polarity == theirs.polarity for mine, theirs in pairs if theirs]
    return float(sum(right)), float(len(right))


def _aspect(example: Example, guess: Guess) -> tuple[float, float]:
    pairs = [(label, guess.label(label.category)) for label in example.labels if label.aspect]
    right = [mine.aspect == theirs.aspect for mine, theirs in pairs if theirs]
    return float(sum(right)), float(len(right))


def _left_empty(example: Example, guess: Guess) -> tuple[float, float]:
    if example.labels:
        return 0.0, 0.0
    return float(all(label.category in example.optional for label in guess.labels)), 1.0


def _evidence(example: Example, guess: Guess) -> tuple[float, float]:
    """Sum of F1 over the right categories that have marks, and their number."""
    total = cases = 0.0
    for category in {mark.label.category for mark in example.marks}:
        if guess.label(category) is None:
            continue
        gold = _characters(mark.span for mark in example.marks if mark.label.category == category)
        mine = _characters(span for own, span in guess.evidence if own == category)
        total += 2 * len(gold & mine) / max(1, len(gold) + len(mine))
        cases += 1
    return total, cases


def _characters(spans: Iterable[Span]) -> set[int]:
    return {i for span in spans for i in range(span.start, span.stop)}


@lru_cache(maxsize=1)
def _rounds(n: int) -> NDArray[np.float64]:
    """How often each comment is drawn in each round, shape (rounds, n)."""
    generator = np.random.default_rng(_SEED)
    return generator.multinomial(n, np.full(n, 1.0 / max(n, 1)), size=BOOTSTRAP_ROUNDS).astype(np.float64)


def _figure(
    table: Counts, rounds: NDArray[np.float64], compute: Callable[[Counts], float], cases: float
) -> Figure:
    drawn = np.tensordot(rounds, table, axes=1)
    values = [compute(sums) for sums in drawn]
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return Figure(compute(table.sum(axis=0)), float(low), float(high), int(cases))


def _macro_f1(sums: Counts) -> float:
    """Mean F1 over the categories that occur at all; `sums` has shape (categories, 3)."""
    doubled = 2 * sums[:, _TP]
    total = doubled + sums[:, _FP] + sums[:, _FN]
    return float(np.mean(doubled[total > 0] / total[total > 0])) if (total > 0).any() else float("nan")


def _ratio(sums: Counts) -> float:
    return float(sums[0] / sums[1]) if sums[1] else float("nan")


def report_from(fields: Mapping[str, Any]) -> Report:
    """The report that `dataclasses.asdict` made `fields` of."""
    figures = {name: Figure(**figure) for name, figure in fields["figures"].items()}
    return Report(fields["comments"], figures)
