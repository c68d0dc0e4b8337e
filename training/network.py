"""Fitting the network of `service.nlp.network`: plain numpy, one thread, the same bytes each time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin
from threadpoolctl import threadpool_limits

from service.nlp.features import Floats
from service.nlp.hashing import Rows
from service.nlp.network import NEGATIONS, Flags, find_negated, layer_inputs, pool, same_clause
from training.features import UnitFeatures
from training.settings import TrainingSettings
from training.units import Targets, Unit

_ADAM_FIRST, _ADAM_SECOND, _ADAM_LEAST = (np.float32(x) for x in (0.9, 0.999, 1e-8))
"""As proposed by Kingma and Ba, arXiv:1412.6980."""

_TABLES = ("lemma_vectors", "ngram_vectors")
"""Parameters of which a batch moves some rows. A row has one second moment, the mean over its numbers:
half the memory to go through, and the same accuracy."""

Gradients = dict[str, tuple[Rows | None, Floats]]
"""By parameter: the rows that have a gradient (None for all), and it."""


@dataclass(frozen=True)
class _Batch:
    """Some comments: the words of their clauses, one after the other."""

    words: Rows
    """Numbers of the words, shape (words,)."""
    clause_lengths: Rows
    comment_lengths: Rows
    """In words."""
    clause_targets: Targets
    comment_targets: Targets


class WordNetwork(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Logits of units; the first units are whole comments, the others their clauses in order."""

    def __init__(self, features: UnitFeatures, settings: TrainingSettings) -> None:
        self.features = features
        self.settings = settings

    def fit(self, units: Sequence[Unit], targets: Targets) -> Self:
        """Fit by Adam on batches of comments, whole and clause by clause at once."""
        lexicon = _Lexicon.of(units, self.features)
        comments = _Comments.of(units, targets, lexicon)
        generator = np.random.default_rng(self.settings.seed)
        with threadpool_limits(1):
            self.parameters_ = _start(lexicon, targets.shape[1], self.settings, generator)
            trainer = _Trainer(self.parameters_, lexicon, self.settings, generator)
            for batch, progress in comments.batches(self.settings, generator):
                trainer.step(batch, _rate(progress, self.settings.network_rate))
        return self

    def decision_function(self, units: Sequence[Unit]) -> Floats:
        """Logits, shape (units, heads)."""
        lexicon = _Lexicon.of(units, self.features)
        words = _word_vectors(self.parameters_, lexicon)
        logits = np.zeros((len(units), len(self.parameters_["clause_biases"])), dtype=np.float32)
        for start in range(0, len(units), 4_096):
            some = units[start : start + 4_096]
            numbers = [[lexicon.numbers[w] for clause in unit.words for w in clause] for unit in some]
            clauses = np.array([len(clause) for unit in some for clause in unit.words], dtype=np.int64)
            flat = np.array([number for own in numbers for number in own], dtype=np.int64)
            negated = find_negated(lexicon.negates[flat], clauses)
            inputs = layer_inputs(self.parameters_, words[flat], clauses, negated)
            hidden = np.maximum(inputs, 0.0)
            pooled = pool(hidden, np.array([len(own) for own in numbers], dtype=np.int64))
            whole = np.array([unit.is_comment for unit in some])[:, None]
            logits[start : start + len(some)] = np.where(
                whole,
                pooled @ self.parameters_["comment_weights"] + self.parameters_["comment_biases"],
                pooled @ self.parameters_["clause_weights"] + self.parameters_["clause_biases"],
            )
        return logits


@dataclass(frozen=True)
class _Lexicon:
    """The distinct words of some units, and the features that make their vectors."""

    numbers: dict[str, int]
    lemma_rows: Rows
    ngrams: sp.csr_matrix
    """1 / √(n-grams of the word) at each known n-gram, shape (words, n-grams)."""
    vectors: Floats
    negates: Flags
    """Which words are negations, shape (words,)."""
    n_lemmas: int

    @classmethod
    def of(cls, units: Sequence[Unit], features: UnitFeatures) -> "_Lexicon":
        words = list(dict.fromkeys(word for unit in units for clause in unit.words for word in clause))
        vocabulary, vectors = features.vocabulary_, features.vectors_
        found = features.word_reader().read(words)
        known = NEGATIONS if "negations" not in features.without else frozenset[str]()
        counts = np.bincount(found.ngram_owners, minlength=len(words)).astype(np.float32)
        shares = 1.0 / np.sqrt(counts[found.ngram_owners], dtype=np.float32)
        shape = (len(words), len(vocabulary.ngram_keys))
        return cls(
            numbers={word: number for number, word in enumerate(words)},
            lemma_rows=found.lemma_rows,
            ngrams=sp.csr_matrix((shares, (found.ngram_owners, found.ngram_rows)), shape=shape),
            vectors=vectors.unpack(found.vector_rows).astype(np.float32),
            negates=np.array([word in known for word in words], dtype=np.bool_),
            n_lemmas=len(vocabulary.lemma_keys),
        )


@dataclass(frozen=True)
class _Comments:
    """All training comments, to be dealt into batches."""

    words: list[Rows]
    clause_lengths: list[Rows]
    comment_targets: Targets
    clause_targets: Targets
    first_clause: Rows
    """Shape (comments + 1,)."""

    @classmethod
    def of(cls, units: Sequence[Unit], targets: Targets, lexicon: _Lexicon) -> "_Comments":
        wholes = [unit for unit in units if unit.is_comment]
        words = [
            np.array([lexicon.numbers[word] for clause in unit.words for word in clause], dtype=np.int64)
            for unit in wholes
        ]
        lengths = [np.array([len(clause) for clause in unit.words], dtype=np.int64) for unit in wholes]
        first = np.concatenate([[0], np.cumsum([len(own) for own in lengths])]).astype(np.int64)
        return cls(words, lengths, targets[: len(wholes)], targets[len(wholes) :], first)

    def batches(
        self, settings: TrainingSettings, generator: np.random.Generator
    ) -> Iterator[tuple[_Batch, float]]:
        """Batches of all epochs, each with the share of the work that is done."""
        spoken = np.array([i for i, own in enumerate(self.words) if len(own)], dtype=np.int64)
        size, epochs = settings.network_batch, settings.network_epochs
        steps = -(-len(spoken) // size) * epochs
        done = 0
        for _ in range(epochs):
            order = generator.permutation(spoken)
            for start in range(0, len(order), size):
                yield self._batch(order[start : start + size]), done / steps
                done += 1

    def _batch(self, chosen: Rows) -> _Batch:
        clauses = np.concatenate([np.arange(*self.first_clause[i : i + 2]) for i in chosen])
        return _Batch(
            words=np.concatenate([self.words[i] for i in chosen]),
            clause_lengths=np.concatenate([self.clause_lengths[i] for i in chosen]),
            comment_lengths=np.array([len(self.words[i]) for i in chosen], dtype=np.int64),
            clause_targets=self.clause_targets[clauses],
            comment_targets=self.comment_targets[chosen],
        )


def _start(
    lexicon: _Lexicon, heads: int, settings: TrainingSettings, generator: np.random.Generator
) -> dict[str, Floats]:
    """Parameters before the first step: small and random, biases at zero."""
    size, hidden = settings.network_size, settings.network_hidden
    shapes: dict[str, tuple[tuple[int, ...], float]] = {
        "lemma_vectors": ((lexicon.n_lemmas, size), 0.05),
        "ngram_vectors": ((lexicon.ngrams.shape[1], size), 0.03),
        "projection": ((lexicon.vectors.shape[1], size), 0.006),
        "window": ((3, size, hidden), 0.07),
        "window_biases": ((hidden,), 0.0),
        "negated_weights": ((size, hidden), 0.03),
        "negated_biases": ((hidden,), 0.0),
        "clause_weights": ((2 * hidden, heads), 0.04),
        "clause_biases": ((heads,), 0.0),
        "comment_weights": ((2 * hidden, heads), 0.04),
        "comment_biases": ((heads,), 0.0),
    }
    return {
        name: (scale * generator.standard_normal(shape, dtype=np.float32)).astype(np.float32)
        for name, (shape, scale) in shapes.items()
    }


class _Trainer:
    """Steps of Adam over the parameters, in place."""

    def __init__(
        self,
        parameters: dict[str, Floats],
        lexicon: _Lexicon,
        settings: TrainingSettings,
        generator: np.random.Generator,
    ) -> None:
        self._parameters = parameters
        self._lexicon = lexicon
        self._settings = settings
        self._generator = generator
        self._first = {name: np.zeros_like(value) for name, value in parameters.items()}
        self._second = {
            name: np.zeros_like(value[:, :1] if name in _TABLES else value)
            for name, value in parameters.items()
        }
        self._steps = 0

    def step(self, batch: _Batch, rate: float) -> None:
        """Move the parameters against the gradient of the batch's loss."""
        self._steps += 1
        scale = rate * np.sqrt(1 - _ADAM_SECOND**self._steps) / (1 - _ADAM_FIRST**self._steps)
        for name, (rows, gradient) in self._gradients(batch).items():
            at = slice(None) if rows is None else rows
            squares = np.square(gradient) if rows is None else _mean_squares(gradient)
            first = _ADAM_FIRST * self._first[name][at] + (1 - _ADAM_FIRST) * gradient
            second = _ADAM_SECOND * self._second[name][at] + (1 - _ADAM_SECOND) * squares
            self._first[name][at], self._second[name][at] = first, second
            first *= np.float32(scale) / (np.sqrt(second) + _ADAM_LEAST)
            self._parameters[name][at] -= first

    def _gradients(self, batch: _Batch) -> Gradients:
        """Gradients of the mean cross-entropy over the answers that the batch teaches."""
        parameters = self._parameters
        used, places = np.unique(batch.words, return_inverse=True)
        vectors, kept = self._drop(_word_vectors(parameters, self._lexicon, used)[places])
        negated = find_negated(self._lexicon.negates[batch.words], batch.clause_lengths)
        inputs = layer_inputs(parameters, vectors, batch.clause_lengths, negated)
        hidden = np.maximum(inputs, 0.0)
        gradients: Gradients = {}
        back = np.zeros_like(hidden)
        for kind, lengths, targets in (
            ("clause", batch.clause_lengths, batch.clause_targets),
            ("comment", batch.comment_lengths, batch.comment_targets),
        ):
            whole = pool(hidden, lengths)
            pooled, mask = self._drop(whole)
            error = _error(pooled @ parameters[f"{kind}_weights"] + parameters[f"{kind}_biases"], targets)
            gradients[f"{kind}_weights"] = (None, pooled.T @ error)
            gradients[f"{kind}_biases"] = (None, error.sum(axis=0))
            back += _unpool((error @ parameters[f"{kind}_weights"].T) * mask, hidden, whole, lengths)
        back *= inputs > 0
        gradients["window_biases"] = (None, back.sum(axis=0))
        gradients["window"], to_words = _window_gradients(parameters, vectors, back, batch.clause_lengths)
        gradients["negated_weights"] = (None, vectors[negated].T @ back[negated])
        gradients["negated_biases"] = (None, back[negated].sum(axis=0))
        to_words[negated] += back[negated] @ parameters["negated_weights"].T
        gather = sp.csr_matrix((np.ones(len(places), np.float32), (places, np.arange(len(places)))))
        return gradients | self._word_gradients(used, gather @ (to_words * kept))

    def _word_gradients(self, used: Rows, back: Floats) -> Gradients:
        lemma_rows = self._lexicon.lemma_rows[used]
        known = lemma_rows >= 0
        lemmas, owners = np.unique(lemma_rows[known], return_inverse=True)
        lemma_gradient = np.zeros((len(lemmas), back.shape[1]), dtype=np.float32)
        np.add.at(lemma_gradient, owners, back[known])
        some = self._lexicon.ngrams[used]
        ngrams, columns = np.unique(some.indices, return_inverse=True)
        narrow = sp.csr_matrix((some.data, columns, some.indptr), shape=(len(used), len(ngrams)))
        return {
            "lemma_vectors": (lemmas, lemma_gradient),
            "ngram_vectors": (ngrams, narrow.T @ back),
            "projection": (None, self._lexicon.vectors[used].T @ back),
        }

    def _drop(self, values: Floats) -> tuple[Floats, Floats]:
        """`values` with a share set to zero and the rest raised, and the factors."""
        share = np.float32(self._settings.network_dropout)
        kept = self._generator.random(values.shape, dtype=np.float32) >= share
        factors = kept.astype(np.float32) / (1 - share)
        return values * factors, factors


def _word_vectors(parameters: dict[str, Floats], lexicon: _Lexicon, used: Rows | None = None) -> Floats:
    """The vectors of words `used` (of all by default), shape (words, size)."""
    at = np.arange(len(lexicon.numbers)) if used is None else used
    rows = lexicon.lemma_rows[at]
    vectors: Floats = lexicon.ngrams[at] @ parameters["ngram_vectors"]
    vectors += lexicon.vectors[at] @ parameters["projection"]
    vectors[rows >= 0] += parameters["lemma_vectors"][rows[rows >= 0]]
    return vectors


def _window_gradients(
    parameters: dict[str, Floats], words: Floats, back: Floats, lengths: Rows
) -> tuple[tuple[None, Floats], Floats]:
    """Gradients of the window's weights, and of the word vectors that it saw."""
    joined = same_clause(lengths)
    weights = parameters["window"]
    from_left, from_right = back[1:] * joined, back[:-1] * joined
    gradient = np.stack([words[:-1].T @ from_left, words.T @ back, words[1:].T @ from_right])
    to_words = back @ weights[1].T
    to_words[:-1] += from_left @ weights[0].T
    to_words[1:] += from_right @ weights[2].T
    return (None, gradient), to_words


def _mean_squares(gradient: Floats) -> Floats:
    """Of each row, shape (rows, 1)."""
    squares: Floats = np.einsum("ij,ij->i", gradient, gradient)[:, None] / np.float32(gradient.shape[1])
    return squares


def _unpool(back: Floats, hidden: Floats, pooled: Floats, lengths: Rows) -> Floats:
    """Gradients of the responses: of the strongest ones, and of all by their share in the sum."""
    width = hidden.shape[1]
    run = np.repeat(np.arange(len(lengths)), lengths)
    is_strongest = hidden == pooled[run, :width]
    gradient: Floats = back[run, :width]
    gradient *= is_strongest
    gradient += (back[:, width:] / np.sqrt(lengths, dtype=np.float32)[:, None])[run]
    return gradient


def _error(logits: Floats, targets: Targets) -> Floats:
    """Gradient of the mean cross-entropy, zero where a target teaches nothing."""
    taught = targets >= 0
    share = 0.5 * (1.0 + np.tanh(0.5 * logits))
    error: Floats = np.where(taught, share - targets, 0.0).astype(np.float32) / max(1, taught.sum())
    return error


def _rate(progress: float, highest: float) -> float:
    """The learning rate: up over the first tenth of the work, then down along a cosine."""
    if progress < 0.1:
        return highest * (0.1 + 9 * progress)
    return highest * 0.5 * (1 + float(np.cos(np.pi * (progress - 0.1) / 0.9)))
