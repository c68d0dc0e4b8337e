"""Linear heads over the features of units, as a scikit-learn pipeline."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import scipy.sparse as sp
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from service.nlp.heads import Head, Heads
from training.features import UnitFeatures
from training.settings import TrainingSettings
from training.units import Unit

CERTAIN_LOGIT = 6.0
"""Size of the logit of a head that has only positive or only negative examples."""

Targets = NDArray[np.int8]


class LinearHeads(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """One logistic regression a column of targets, where 1 is yes, 0 no and -1 teaches nothing."""

    def __init__(self, penalties: Sequence[float], settings: TrainingSettings) -> None:
        self.penalties = penalties
        self.settings = settings

    def fit(self, matrix: sp.csr_matrix, targets: Targets) -> Self:
        """Fit the heads, several at once in processes of their own; the result is the same."""
        fitted = Parallel(n_jobs=self.settings.jobs, max_nbytes="1M")(
            delayed(_fit_head)(matrix, targets[:, number], c, self.settings)
            for number, c in enumerate(self.penalties)
        )
        self.coef_ = np.stack([weights for weights, _ in fitted], axis=1)
        self.intercept_ = np.array([bias for _, bias in fitted])
        return self

    def decision_function(self, matrix: sp.csr_matrix) -> NDArray[np.float64]:
        """Logits, shape (units, heads)."""
        return np.asarray(matrix @ self.coef_ + self.intercept_)


def fit_pipeline(units: Sequence[Unit], heads: Heads, settings: TrainingSettings) -> Pipeline:
    """The fitted pipeline of `UnitFeatures` and `LinearHeads`; its `decision_function` takes units."""
    penalties = [_penalty(head, settings) for head in heads.all]
    targets = np.array([[_target(head, unit) for head in heads.all] for unit in units], dtype=np.int8)
    pipeline = Pipeline([("features", UnitFeatures()), ("heads", LinearHeads(penalties, settings))])
    return pipeline.fit(units, targets)


def _penalty(head: Head, settings: TrainingSettings) -> float:
    finds_category = head.polarity is None and head.aspect is None
    return settings.category_c if finds_category else settings.polarity_c


def _target(head: Head, unit: Unit) -> int:
    """1 and 0 for a unit that teaches the head yes and no, -1 for one that teaches it nothing."""
    if head.category is None:
        tones = {label.polarity for label in unit.labels}
        return int(head.polarity in tones) if len(tones) == 1 else -1
    label = next((label for label in unit.labels if label.category == head.category), None)
    if head.polarity is None and head.aspect is None:
        return -1 if label is None and head.category in unit.uncertain else int(label is not None)
    if label is None:
        return -1
    return int(label.polarity == head.polarity) if head.polarity else int(label.aspect == head.aspect)


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
