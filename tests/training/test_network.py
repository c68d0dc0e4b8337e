"""The network learns by the gradient that calculus gives, and answers alike in training and service."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.nlp.network import pool
from service.nlp.taxonomy import Taxonomy
from training.corpus import parse_comment
from training.features import UnitFeatures
from training.network import WordNetwork, _Comments, _Lexicon, _start, _Trainer
from training.settings import TrainingSettings
from training.units import UnitSet, read_units

LINES = [
    "[задержали поставку]{logistics -}, а [станок отличный]{quality +}",
    "[цена высокая очень]{price -}. ждали ждали месяц",
    "спасибо",
]
SETTINGS = replace(TrainingSettings(), network_size=6, network_hidden=5, network_dropout=0.0)


@pytest.fixture(scope="module")
def units(taxonomy: Taxonomy) -> UnitSet:
    """Three comments, each often enough for its words to be known."""
    return read_units([parse_comment(line, taxonomy) for line in LINES * 6])


def _targets(units: UnitSet) -> np.ndarray:
    """Answers of two heads; some teach nothing."""
    return np.random.default_rng(1).integers(-1, 2, (len(units.units), 2)).astype(np.int8)


def _cross_entropy(logits: np.ndarray, targets: np.ndarray) -> float:
    taught = targets >= 0
    losses = np.logaddexp(0.0, logits) - logits * targets
    return float(losses[taught].mean())


def test_gradient_is_the_slope_of_the_loss(units: UnitSet) -> None:
    """Moving any weight a little changes the loss as the gradient says."""
    features = UnitFeatures().fit(units.units)
    lexicon = _Lexicon.of(units.units, features)
    targets = _targets(units)
    generator = np.random.default_rng(2)
    parameters = {
        name: (20 * value).astype(np.float64)
        for name, value in _start(lexicon, 2, SETTINGS, generator).items()
    }
    comments = _Comments.of(units.units, targets, lexicon)
    batch, _ = next(comments.batches(replace(SETTINGS, network_batch=99), generator))
    trainer = _Trainer(parameters, lexicon, SETTINGS, generator)
    network = WordNetwork(features, SETTINGS)
    network.parameters_ = parameters

    def loss() -> float:
        logits = network.decision_function(units.units).astype(np.float64)
        n = units.n_comments
        return _cross_entropy(logits[:n], targets[:n]) + _cross_entropy(logits[n:], targets[n:])

    for name, (rows, gradient) in trainer._gradients(batch).items():
        whole = np.zeros_like(parameters[name])
        whole[slice(None) if rows is None else rows] = gradient
        strongest = np.unravel_index(np.abs(whole).argmax(), whole.shape)
        value = parameters[name][strongest]
        slopes = []
        for step in (1e-3, -1e-3):
            parameters[name][strongest] = value + step
            slopes.append(loss())
        parameters[name][strongest] = value
        assert (slopes[0] - slopes[1]) / 2e-3 == pytest.approx(whole[strongest], rel=0.05, abs=1e-4), name


def test_it_learns_what_it_is_shown(units: UnitSet) -> None:
    """After some epochs the answers that were taught come back."""
    targets = _targets(units)
    targets[: units.n_comments, 0] = [1, 0, 0] * 6
    settings = replace(SETTINGS, network_epochs=60, network_batch=6, network_rate=1e-2)
    network = WordNetwork(UnitFeatures().fit(units.units), settings).fit(units.units, targets)
    said = network.decision_function(units.units)[: units.n_comments, 0] > 0
    assert said.tolist() == [True, False, False] * 6


def test_a_unit_is_judged_alike_in_any_company(units: UnitSet) -> None:
    """Logits do not depend on what else is scored."""
    features = UnitFeatures().fit(units.units)
    network = WordNetwork(features, replace(SETTINGS, network_epochs=1)).fit(units.units, _targets(units))
    together = network.decision_function(units.units[:8])
    alone = np.concatenate([network.decision_function([unit]) for unit in units.units[:8]])
    assert together == pytest.approx(alone, abs=1e-5)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8))
def test_pooling_is_strongest_and_scaled_sum(lengths: list[int]) -> None:
    """Each run gives its maxima and its sums over the root of its length; an empty run zeros."""
    responses = np.random.default_rng(3).random((sum(lengths), 3), dtype=np.float32)
    pooled = pool(responses, np.array(lengths, dtype=np.int64))
    start = 0
    for row, length in zip(pooled, lengths, strict=True):
        run = responses[start : start + length]
        start += length
        expected = np.zeros(6) if not length else np.r_[run.max(axis=0), run.sum(axis=0) / np.sqrt(length)]
        assert row == pytest.approx(expected, rel=1e-5)
