"""Two models on the same comments: the difference of each figure, with paired bootstrap intervals.

Both are drawn on the same comments in each round, so that what makes comments hard for both cancels
out (Efron & Tibshirani 1993, ch. 8). Comments on which both behave alike are drawn as one cell: the
distribution is the same, and ten thousand comments cost no more than their distinct outcomes.
"""

import hashlib
import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.registry.gate import ComparedSet, Difference
from training.corpus import Example
from training.scoring import Guess

ROUNDS = 4_000
GATE_ERROR = 0.05
"""Chance that the gate refuses a model that is no worse in any category, over all figures it looks at."""
_SEED = 11

Table = NDArray[np.float64]


def compare_on(
    examples: Sequence[Example],
    old: Sequence[Guess],
    new: Sequence[Guess],
    categories: Sequence[str],
    gated: int | None = None,
) -> ComparedSet:
    """Every figure of `old` and `new` on `examples`, which all stand in the same order.

    With `gated`, F1 a category is: its upper bound holds at `GATE_ERROR / gated`, where `gated` is how many
    figures the gate looks at in all (Bonferroni), so that many categories do not make refusals likelier.
    """
    before, after = _draw(examples, old, new, categories)
    figures = {}
    for number, name in enumerate(
        [*(f"f1 {code}" for code in categories), "polarity", "aspect", "left_empty"]
    ):
        columns = _columns(number, len(categories))
        found = _difference(before[:, columns], after[:, columns], name, gated)
        if found:
            figures[name] = found
    return ComparedSet(comments=len(examples), sha256=hash_examples(examples), figures=figures)


def compare_macro_f1(
    examples: Sequence[Example], old: Sequence[Guess], new: Sequence[Guess], categories: Sequence[str]
) -> Difference:
    """The mean F1 of `old` and `new` over the categories that occur in `examples`."""
    before, after = (_macro_f1(sums, len(categories)) for sums in _draw(examples, old, new, categories))
    low, high = np.nanpercentile((after - before)[1:], [2.5, 97.5])
    cases = sum(len(example.labels) for example in examples)
    return Difference(
        old=float(before[0]), new=float(after[0]), low=float(low), high=float(high), cases=cases
    )


def _macro_f1(sums: Table, n_categories: int) -> Table:
    """Row by row, the mean over the categories that occur; not a number where none does."""
    figures = np.stack([_figure(sums[:, _columns(i, n_categories)], True) for i in range(n_categories)])
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nansum(figures, axis=0) / (~np.isnan(figures)).sum(axis=0))


def _draw(
    examples: Sequence[Example], old: Sequence[Guess], new: Sequence[Guess], categories: Sequence[str]
) -> tuple[Table, Table]:
    """Sums of the counts of `old` and of `new`: on the comments as they are (first row), and as drawn."""
    outcomes = np.array(
        [
            [*_counts(e, a, categories), *_counts(e, b, categories)]
            for e, a, b in zip(examples, old, new, strict=True)
        ]
    )
    cells, counts = np.unique(outcomes, axis=0, return_counts=True)
    generator = np.random.default_rng(_SEED)
    rounds = generator.multinomial(len(examples), counts / len(examples), size=ROUNDS)
    sums = np.concatenate([(counts @ cells)[None], rounds @ cells])
    return sums[:, : cells.shape[1] // 2], sums[:, cells.shape[1] // 2 :]


def _difference(old: Table, new: Table, name: str, gated: int | None) -> Difference | None:
    """The figure on the comments as they are (first row of the sums) and as drawn; None without a case."""
    of_f1 = name.startswith("f1")
    cases = int(old[0, 1] + old[0, 2] if of_f1 else old[0, 1])
    before, after = _figure(old, of_f1), _figure(new, of_f1)
    change = (after - before)[1:]
    change = change[~np.isnan(change)]
    if not cases or np.isnan(after[0] - before[0]) or not len(change):
        return None
    low, high = np.percentile(change, [2.5, 97.5])
    bound = float(np.quantile(change, 1 - GATE_ERROR / gated)) if of_f1 and gated else None
    return Difference(old=before[0], new=after[0], low=low, high=high, cases=cases, gate_high=bound)


def _counts(example: Example, guess: Guess, categories: Sequence[str]) -> list[float]:
    """False positives, true positives and false negatives a category; then pairs of (right, cases)."""
    table: list[float] = []
    for category in categories:
        required, said = example.label(category) is not None, guess.label(category) is not None
        counted = category not in example.optional
        table += [
            counted and said and not required,
            counted and said and required,
            counted and required and not said,
        ]
    both = [(label, guess.label(label.category)) for label in example.labels]
    toned = [(a, b) for a, b in both if b and a.polarity]
    aimed = [(a, b) for a, b in both if b and a.aspect]
    table += [sum(a.polarity == b.polarity for a, b in toned), len(toned)]
    table += [sum(a.aspect == b.aspect for a, b in aimed), len(aimed)]
    left = all(label.category in example.optional for label in guess.labels)
    table += [float(not example.labels and left), float(not example.labels)]
    return [float(value) for value in table]


def _columns(number: int, n_categories: int) -> NDArray[np.int64]:
    if number < n_categories:
        return 3 * number + np.arange(3)
    return 3 * n_categories + 2 * (number - n_categories) + np.arange(2)


def _figure(sums: Table, of_f1: bool) -> Table:
    """F1 of (false positives, true positives, false negatives), or a share of (right, cases), row by row."""
    with np.errstate(invalid="ignore", divide="ignore"):
        if of_f1:
            return np.asarray(2 * sums[:, 1] / (2 * sums[:, 1] + sums[:, 0] + sums[:, 2]))
        return np.asarray(sums[:, 0] / sums[:, 1])


def hash_examples(examples: Sequence[Example]) -> str:
    """A hash of the comments and of how they are labelled."""
    rows = [(e.text, sorted(map(str, e.labels)), sorted(e.optional)) for e in examples]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
