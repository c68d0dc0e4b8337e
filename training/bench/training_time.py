"""Whether the time to fit grows no faster than the corpus."""

from collections.abc import Sequence
from dataclasses import replace

from service.nlp.heads import Heads
from service.nlp.taxonomy import Taxonomy
from training.bench.measure import Measured, at_most, core_seconds
from training.corpus import Example
from training.fit import TwinModel
from training.settings import TrainingSettings
from training.units import read_units


def measure_training(taxonomy: Taxonomy, examples: Sequence[Example], n: int) -> list[Measured]:
    """The time a comment of a fit on `n` comments, beside that of a fit on a quarter of them."""
    settings = replace(TrainingSettings(), jobs=1)
    heads = Heads(taxonomy)
    spent = []
    for count in (n // 4, n):
        units = read_units(examples[:count]).units
        spent.append(core_seconds(TwinModel(heads, settings).fit, units))
    growth = spent[1] / spent[0] / 4
    return [at_most(f"time to fit a comment, {n:,} comments beside {n // 4:,} (ratio)", [growth], 1.0)]
