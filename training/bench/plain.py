"""The obvious pipeline, with the same features and weights: scikit-learn on pymorphy3 with `lru_cache`.

It is the pipeline of the artefact as an analyst would call it, text to tags, with what a sensible
person does to make it fast: one analyser for all calls, and every lemma kept for good.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from unittest.mock import patch

import joblib
from sklearn.pipeline import Pipeline

from service.nlp.artefact import current_version, parse_rule
from service.nlp.heads import Heads
from service.nlp.normal_forms import NormalForms
from service.nlp.taxonomy import Taxonomy, parse_taxonomy
from training.corpus import Example
from training.guess import decide_units
from training.lemmas import KeepingLemmatizer
from training.rule import score_units
from training.scoring import Guess
from training.units import read_units


class _ParsedForms(NormalForms):
    """By all parses of each word."""

    def of(self, word: str) -> str:
        """As `NormalForms.of`."""
        return self._ask(word)


class _PlainLemmatizer(KeepingLemmatizer):
    @cached_property
    def _forms(self) -> NormalForms:
        return _ParsedForms()


class PlainTagger:
    """The plain pipeline; it remembers the lemmas of all words that it met."""

    def __init__(self, models: Path) -> None:
        folder = models / current_version(models)
        self.taxonomy: Taxonomy = parse_taxonomy((folder / "taxonomy.json").read_text(encoding="utf-8"))
        self._rule = parse_rule((folder / "rule.json").read_text(encoding="utf-8"))
        self._pipeline: Pipeline = joblib.load(folder / "pipeline.joblib")
        self._lemmatizer = _PlainLemmatizer()

    def tag(self, texts: Sequence[str]) -> list[Guess]:
        """The tags of each text, with probabilities and evidence."""
        units = read_units([Example(text=text, labels=(), marks=()) for text in texts])
        with patch("training.features.keeping_lemmatizer", lambda: self._lemmatizer):
            scores = score_units(self._pipeline, units)
        return decide_units(scores, units, Heads(self.taxonomy), self._rule)
