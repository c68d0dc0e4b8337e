"""The model as scikit-learn estimators: linear heads and a network, half and half."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from service.nlp.features import Floats
from service.nlp.heads import POLARITIES, Head, Heads
from service.nlp.scorer import NETWORK_SHARE
from training.corpus import Label
from training.features import UnitFeatures
from training.network import WordNetwork
from training.settings import TrainingSettings
from training.units import Targets, Unit

CERTAIN_LOGIT = 6.0
"""Size of the logit of a head that has only positive or only negative examples."""


class LinearHeads(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """One logistic regression a column of targets, where 1 is yes, 0 no and -1 teaches nothing."""

    def __init__(self, penalties: Sequence[float], settings: TrainingSettings) -> None:
        self.penalties = penalties
        self.settings = settings

    def fit(self, matrix: sp.csr_matrix, targets: Targets) -> Self:
        """Fit the heads one by one."""
        matrix.sort_indices()  # once here, or every head sorts a copy of its own
        fitted = [
            _fit_head(matrix, targets[:, number], c, self.settings) for number, c in enumerate(self.penalties)
        ]
        self.coef_ = np.stack([weights for weights, _ in fitted], axis=1).astype(np.float32)
        self.intercept_ = np.array([bias for _, bias in fitted])
        return self

    def decision_function(self, matrix: sp.csr_matrix) -> NDArray[np.float64]:
        """Logits, shape (units, heads)."""
        return np.asarray(matrix @ self.coef_ + self.intercept_)


class TwinModel(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """`UnitFeatures`, `LinearHeads` over them, and a `WordNetwork`; units in, mixed logits out."""

    def __init__(self, heads: Heads, settings: TrainingSettings) -> None:
        self.heads = heads
        self.settings = settings

    def fit(self, units: Sequence[Unit]) -> Self:
        """Fit both halves on `units`: whole comments first, then all their clauses in order."""
        penalties = [_penalty(head, self.settings) for head in self.heads.all]
        targets = targets_of(units, self.heads)
        self.features_ = UnitFeatures(self.settings.without).fit(units)
        self.linear_ = LinearHeads(penalties, self.settings).fit(self.features_.transform(units), targets)
        self.network_ = WordNetwork(self.features_, self.settings).fit(units, targets)
        return self

    def decision_function(self, units: Sequence[Unit]) -> NDArray[np.float64]:
        """Logits, shape (units, heads)."""
        return mix_halves(*self.halves(units), NETWORK_SHARE)

    def halves(self, units: Sequence[Unit]) -> tuple[Floats, Floats]:
        """Logits of the linear half and of the network, each of shape (units, heads)."""
        linear = self.linear_.decision_function(self.features_.transform(units))
        return linear, self.network_.decision_function(units)


def mix_halves(linear: Floats, network: Floats, share: float) -> NDArray[np.float64]:
    """The logits of both halves together; `share` is the network's."""
    mixed: NDArray[np.float64] = (1 - share) * linear + share * network
    return mixed


def _penalty(head: Head, settings: TrainingSettings) -> float:
    finds_category = head.polarity is None and head.aspect is None
    return settings.category_c if finds_category else settings.polarity_c


def targets_of(units: Sequence[Unit], heads: Heads) -> Targets:
    """What each unit teaches each head, shape (units, heads).

    A category is yes or no, or nothing where the unit is uncertain of it. The tone is that of all
    labels together, if they agree; polarity and aspect of a category are taught by its label alone.
    """
    targets = np.full((len(units), len(heads.all)), -1, dtype=np.int8)
    targets[:, heads.categories] = 0
    for row, unit in zip(targets, units, strict=True):
        for category in unit.uncertain:
            row[heads.taxonomy.category_codes.index(category)] = -1
        tones = {label.polarity for label in unit.labels}
        if len(tones) == 1:
            row[heads.tone] = [polarity in tones for polarity in POLARITIES]
        for label in unit.labels:
            if label.category:
                _teach(row, label, heads)
    return targets


def _teach(row: Targets, label: Label, heads: Heads) -> None:
    number = heads.taxonomy.category_codes.index(label.category)
    aspects = heads.taxonomy.aspect_codes(label.category)
    row[number] = 1
    row[heads.polarities(number)] = [polarity == label.polarity for polarity in POLARITIES]
    row[heads.aspects(number)] = [aspect == label.aspect for aspect in aspects]


def _fit_head(
    matrix: sp.csr_matrix, targets: Targets, c: float, settings: TrainingSettings
) -> tuple[NDArray[np.float64], float]:
    """Weights and bias of one head."""
    taught = np.flatnonzero(targets >= 0)
    answers = targets[taught]
    if len(set(answers.tolist())) < 2:
        sign = 1.0 if len(answers) and answers[0] else -1.0
        return np.zeros(matrix.shape[1]), CERTAIN_LOGIT * sign
    model = LogisticRegression(
        C=c,
        solver="liblinear",
        dual=True,
        max_iter=settings.max_iterations,
        tol=settings.tolerance,
        random_state=settings.seed,
    )
    model.fit(matrix[taught], answers)
    return model.coef_[0], float(model.intercept_[0])
