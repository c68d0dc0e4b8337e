"""Which column of a score array means what."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.nlp.taxonomy import Taxonomy

Polarity = Literal["problem", "praise", "neutral"]
POLARITIES: tuple[Polarity, ...] = ("problem", "praise", "neutral")


@dataclass(frozen=True)
class Head:
    """One yes-or-no question that a linear model answers about a unit.

    Without polarity and aspect: is it about the category? With one of them: given the category,
    is that its polarity, its aspect? With polarity and no category: the tone, whatever the subject.
    """

    category: str | None = None
    polarity: Polarity | None = None
    aspect: str | None = None


@dataclass(frozen=True)
class Heads:
    """All heads of a taxonomy, in the order of the columns: categories, tone, polarities, aspects."""

    taxonomy: Taxonomy

    @cached_property
    def all(self) -> tuple[Head, ...]:
        """One head a column."""
        codes = self.taxonomy.category_codes
        return (
            *(Head(code) for code in codes),
            *(Head(polarity=polarity) for polarity in POLARITIES),
            *(Head(code, polarity=polarity) for code in codes for polarity in POLARITIES),
            *(Head(code, aspect=aspect) for code in codes for aspect in self.taxonomy.aspect_codes(code)),
        )

    @property
    def categories(self) -> slice:
        """Columns of the categories, in taxonomy order."""
        return slice(0, len(self.taxonomy.categories))

    @property
    def tone(self) -> slice:
        """Columns of the tone, in the order of `POLARITIES`."""
        start = len(self.taxonomy.categories)
        return slice(start, start + len(POLARITIES))

    def polarities(self, number: int) -> slice:
        """Columns of the polarities of category `number`, in the order of `POLARITIES`."""
        start = self.tone.stop + number * len(POLARITIES)
        return slice(start, start + len(POLARITIES))

    def aspects(self, number: int) -> slice:
        """Columns of the aspects of category `number`, in taxonomy order."""
        counts = [len(category.aspects) for category in self.taxonomy.categories]
        start = self.polarities(len(counts)).start + sum(counts[:number])
        return slice(start, start + counts[number])

    @cached_property
    def polarity_columns(self) -> NDArray[np.int64]:
        """Columns of the polarities by category, shape (categories, polarities)."""
        columns = np.arange(len(self.all))
        return np.stack([columns[self.polarities(i)] for i in range(len(self.taxonomy.categories))])

    @cached_property
    def aspect_columns(self) -> NDArray[np.int64]:
        """Columns of the aspects by category, -1 beyond the last, shape (categories, most aspects)."""
        counts = [len(category.aspects) for category in self.taxonomy.categories]
        columns = np.full((len(counts), max(counts)), -1)
        for number, count in enumerate(counts):
            columns[number, :count] = np.arange(len(self.all))[self.aspects(number)]
        return columns
