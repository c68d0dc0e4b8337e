"""Feature matrices of units: the blocks of `service.nlp.features`, written out as sparse rows."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Self

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, TransformerMixin

from service.nlp.features import BLOCKS, Block, Floats, Vocabulary, WordFeatures, WordReader
from service.nlp.hashing import KeyIndex, Keys, Rows, ngram_keys, pair_keys, word_keys
from service.nlp.lemmas import Lemmatizer
from service.nlp.spelling import Spelling, choose_forms
from training.lemmas import keeping_lemmatizer
from training.settings import Part
from training.units import Unit
from training.vectors import BundledVectors, bundled_vectors, silent_vectors

MIN_DOCUMENTS: dict[Block, int] = {"lemmas": 2, "ngrams": 9, "pairs": 4}
"""A feature must stand in so many comments; rarer ones tell more of the author than the topic."""

BLOCK_WEIGHTS: dict[Block, float] = {"lemmas": 1.0, "ngrams": 1.5, "pairs": 0.5}
"""How far the penalty lets each block speak; chosen by comparison on the evaluation sets."""


@dataclass(frozen=True)
class FittedVocabulary(Vocabulary):
    """The features with the inverse document frequency of each."""

    lemma_idf: Floats
    ngram_idf: Floats
    pair_idf: Floats


class UnitFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Units to a sparse matrix of the blocks side by side, in the order of `BLOCKS`."""

    def __init__(self, without: Sequence[Part] = ()) -> None:
        self.without = without

    def fit(self, units: Sequence[Unit], y: object = None) -> Self:
        """Learn vocabulary and document frequencies from the units of whole comments."""
        wholes = [unit for unit in units if unit.is_comment]
        self.vocabulary_ = fit_vocabulary(wholes, keeping_lemmatizer(), self.without)
        counts = Counter() if "spelling" in self.without else _document_counts(wholes)
        self.spelling_ = Spelling.of(choose_forms(counts))
        self.vectors_ = self._vectors()
        return self

    def word_reader(self) -> WordReader:
        """A reader of words by what was learnt."""
        return WordReader(self.vocabulary_, self.vectors_, self.spelling_, keeping_lemmatizer())

    def transform(self, units: Sequence[Unit]) -> sp.csr_matrix:
        """Shape (units, features), each block as described in `service.nlp.features`."""
        words = _Words.of(units, self.word_reader())
        counts = words.counts
        blocks: dict[Block, sp.csr_matrix] = {
            "lemmas": _scaled(counts, *_lemma_block(words, self.vocabulary_)),
            "ngrams": _scaled(counts, *_ngram_block(words, self.vocabulary_)),
            "pairs": _scaled(words.pair_counts(self.vocabulary_), *_pair_block(self.vocabulary_)),
        }
        return sp.hstack([blocks[name] * BLOCK_WEIGHTS[name] for name in BLOCKS], format="csr")

    def __getstate__(self) -> dict[str, object]:
        """The vectors stay out of the pickle: natasha's wheel has them."""
        return {name: value for name, value in self.__dict__.items() if name != "vectors_"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self.vectors_ = self._vectors()

    def _vectors(self) -> BundledVectors:
        return silent_vectors() if "vectors" in self.without else bundled_vectors()


def fit_vocabulary(
    units: Sequence[Unit], lemmatizer: Lemmatizer, without: Sequence[Part] = ()
) -> FittedVocabulary:
    """The lemmas, n-grams and pairs of enough `units`, with smoothed idf ln((1+n)/(1+df)) + 1.

    A block that is named in `without` stays empty.
    """
    lemma_of = {word: lemmatizer.lemma(word) for word in distinct_words(units)}
    word_list = list(lemma_of)
    lemma_key = dict(zip(word_list, word_keys(list(lemma_of.values())).tolist(), strict=True))
    lemmas = _frequent((_lemmas_in(unit, lemma_key) for unit in units), MIN_DOCUMENTS["lemmas"])
    lemma_rows = {key: row for row, key in enumerate(lemmas)}
    pairs = _frequent((_pairs_in(unit, lemma_key, lemma_rows) for unit in units), MIN_DOCUMENTS["pairs"])
    counts = _count_ngrams(units, word_list)
    ngrams = {key: count for key, count in counts.items() if count >= MIN_DOCUMENTS["ngrams"]}
    pairs, ngrams = ({} if "pairs" in without else pairs), ({} if "ngrams" in without else ngrams)
    lemma_keys, ngram_keys, pair_keys = map(_keys, (lemmas, ngrams, pairs))
    idf = (_idf(block, len(units)) for block in (lemmas, ngrams, pairs))
    return FittedVocabulary(lemma_keys, ngram_keys, pair_keys, *idf)


@dataclass(frozen=True)
class _Words:
    """The distinct words of some units, and where each unit has which."""

    reader: WordReader
    words: list[str]
    clauses: list[tuple[int, list[int]]]
    """Unit and word numbers of each clause."""
    n_units: int

    @classmethod
    def of(cls, units: Sequence[Unit], reader: WordReader) -> "_Words":
        numbers: dict[str, int] = {}
        clauses = [
            (row, [numbers.setdefault(word, len(numbers)) for word in clause])
            for row, unit in enumerate(units)
            for clause in unit.words
        ]
        return cls(reader, list(numbers), clauses, len(units))

    @cached_property
    def features(self) -> WordFeatures:
        return self.reader.read(self.words)

    @cached_property
    def counts(self) -> sp.csr_matrix:
        """How often each unit has each word, shape (units, words)."""
        rows = np.repeat([row for row, _ in self.clauses], [len(clause) for _, clause in self.clauses])
        columns = np.array([word for _, clause in self.clauses for word in clause], dtype=np.int64)
        return _count_matrix(rows, columns, (self.n_units, len(self.words)))

    def pair_counts(self, vocabulary: Vocabulary) -> sp.csr_matrix:
        """How often each unit has each known pair of neighbouring lemmas, shape (units, pairs)."""
        lemma_rows = self.features.lemma_rows
        rows: list[int] = []
        first: list[int] = []
        second: list[int] = []
        for row, clause in self.clauses:
            rows += [row] * (len(clause) - 1)
            first += clause[:-1]
            second += clause[1:]
        a, b = lemma_rows[np.array(first, dtype=np.int64)], lemma_rows[np.array(second, dtype=np.int64)]
        both = (a >= 0) & (b >= 0)
        found = KeyIndex(vocabulary.pair_keys).find(pair_keys(a[both], b[both]))
        units = np.array(rows, dtype=np.int64)[both]
        shape = (self.n_units, len(vocabulary.pair_keys))
        return _count_matrix(units[found >= 0], found[found >= 0], shape)


def _lemma_block(words: _Words, vocabulary: FittedVocabulary) -> tuple[sp.csr_matrix, Floats]:
    rows = words.features.lemma_rows
    known = np.flatnonzero(rows >= 0)
    idf = vocabulary.lemma_idf[rows[known]]
    return _word_matrix(known, rows[known], idf, (len(rows), len(vocabulary.lemma_keys)))


def _ngram_block(words: _Words, vocabulary: FittedVocabulary) -> tuple[sp.csr_matrix, Floats]:
    features = words.features
    idf = vocabulary.ngram_idf[features.ngram_rows]
    shape = (len(words.words), len(vocabulary.ngram_keys))
    return _word_matrix(features.ngram_owners, features.ngram_rows, idf, shape)


def _pair_block(vocabulary: FittedVocabulary) -> tuple[sp.csr_matrix, Floats]:
    return sp.diags_array(vocabulary.pair_idf, format="csr"), np.square(vocabulary.pair_idf)


def _word_matrix(
    words: Rows, columns: Rows, idf: Floats, shape: tuple[int, int]
) -> tuple[sp.csr_matrix, Floats]:
    """v(word) of each word, and its squared length counted over occurrences."""
    lengths = np.zeros(shape[0], dtype=np.float32)
    np.add.at(lengths, words, np.square(idf))
    return sp.csr_matrix((idf, (words, columns)), shape=shape), lengths


def _scaled(counts: sp.csr_matrix, values: sp.csr_matrix, squares: Floats) -> sp.csr_matrix:
    """Σ v / √(Σ ‖v‖²) for each row of `counts`; zeros where a unit has nothing of the block."""
    totals = counts @ squares.astype(np.float64)
    scale = np.divide(1.0, np.sqrt(totals), out=np.zeros_like(totals), where=totals > 0)
    return sp.diags_array(scale) @ (counts @ values.astype(np.float64))


def _count_matrix(rows: Rows, columns: Rows, shape: tuple[int, int]) -> sp.csr_matrix:
    return sp.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)


def _document_counts(units: Iterable[Unit]) -> Counter[str]:
    """How many units have each word."""
    return Counter(word for unit in units for word in {own for clause in unit.words for own in clause})


def distinct_words(units: Iterable[Unit]) -> set[str]:
    """The words of `units`, in lower case."""
    return {word for unit in units for clause in unit.words for word in clause}


def _lemmas_in(unit: Unit, lemma_key: dict[str, int]) -> set[int]:
    return {lemma_key[word] for clause in unit.words for word in clause}


def _pairs_in(unit: Unit, lemma_key: dict[str, int], lemma_rows: dict[int, int]) -> set[int]:
    """Keys of the pairs whose two lemmas are both in the vocabulary."""
    rows = [[lemma_rows.get(lemma_key[word], -1) for word in clause] for clause in unit.words]
    return {a << 32 | b for clause in rows for a, b in pairwise(clause) if a >= 0 and b >= 0}


def _count_ngrams(units: Sequence[Unit], word_list: Sequence[str]) -> dict[int, int]:
    """In how many units each n-gram of their words stands, by its key, in the order of the keys."""
    number = {word: i for i, word in enumerate(word_list)}
    columns = [[number[w] for w in {w for clause in unit.words for w in clause}] for unit in units]
    rows = np.repeat(np.arange(len(units)), [len(own) for own in columns])
    words = np.array([column for own in columns for column in own], dtype=np.int64)
    has_word = _count_matrix(rows, words, (len(units), len(word_list)))
    keys, owners = ngram_keys(word_list)
    known, ngrams = np.unique(keys, return_inverse=True)
    has_ngram = has_word @ _count_matrix(owners, ngrams, (len(word_list), len(known)))
    counts = np.bincount(has_ngram.indices, minlength=len(known))  # a unit has an n-gram in one place
    return dict(zip(known.tolist(), counts.tolist(), strict=True))


def _frequent(documents: Iterable[set[int]], least: int) -> dict[int, int]:
    """Keys of at least `least` documents with their document frequency, by key."""
    counts: Counter[int] = Counter()
    for document in documents:
        counts.update(document)
    return {key: counts[key] for key in sorted(counts) if counts[key] >= least}


def _keys(frequencies: dict[int, int]) -> Keys:
    return np.array(list(frequencies), dtype=np.uint64)


def _idf(frequencies: dict[int, int], n: int) -> Floats:
    counts = np.array(list(frequencies.values()), dtype=np.int64)
    return (np.log((1 + n) / (1 + counts)) + 1).astype(np.float32)
