"""Whether the time to fit grows no faster than the corpus."""

from collections.abc import Sequence
from dataclasses import replace

from service.nlp.heads import Heads
from service.nlp.taxonomy import Taxonomy
from training.bench.measure import Measured, at_most, core_seconds
from training.corpus import Example
from training.fit import TwinModel
from training.lemmas import keeping_lemmatizer
from training.settings import TrainingSettings
from training.units import read_units
from training.vectors import bundled_vectors


def measure_training(taxonomy: Taxonomy, examples: Sequence[Example], n: int) -> list[Measured]:
    """The time a comment of a fit on `n` comments, beside fits on a quarter before and after it."""
    before, whole, after = (_fit(taxonomy, examples[:count]) for count in (n // 4, n, n // 4))
    growth = whole / (before + after) * 2 / 4
    return [at_most(f"time to fit a comment, {n:,} comments beside {n // 4:,} (ratio)", [growth], 1.0)]


def _fit(taxonomy: Taxonomy, examples: Sequence[Example]) -> float:
    """Core seconds of a fit from nothing: ready vectors are read and lemmas looked up each time."""
    bundled_vectors.cache_clear()
    keeping_lemmatizer.cache_clear()
    settings = replace(TrainingSettings(), jobs=1)
    return core_seconds(TwinModel(Heads(taxonomy), settings).fit, read_units(examples).units)
