"""Scores of clauses and comments, worked out once a distinct word as far as that goes.

Half of the model is linear in features that are sums over words (`service.nlp.features`), so what a
word adds to every head is one row of numbers. The other half is a network whose hidden layer adds up
what it hears of a word and of its two neighbours (`service.nlp.network`), so that is three rows more.
A `WordTable` keeps these rows for the words met so far. A batch is then a gather of rows, and sums
and maxima over clauses and comments (`service.nlp.runs`). Only a word that was never met is looked
up in the dictionary, cut into n-grams and multiplied with the weights.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from service.nlp.decide import Scores
from service.nlp.features import BLOCKS, Floats, Vocabulary, WordFeatures, WordReader, WordVectors
from service.nlp.hashing import KeyIndex, Rows, pair_keys
from service.nlp.lemmas import Lemmatizer
from service.nlp.network import Network, join_pools, project
from service.nlp.runs import Runs

WORD_BLOCKS = 2
"""Lemmas and n-grams: the blocks that are sums over words. Pairs come beside them."""

NETWORK_SHARE = 0.5
"""Of the logits; the rest is the linear half's."""

MAX_TABLE_WORDS = 40_000
_CHUNK_WORDS = 2_000
_CHUNK_COMMENTS = 256
"""So few that what is laid out stays in the processor's cache."""

_NO_WORD = 0
"""The table's first row, all zeros: the neighbour of a clause's first and last word."""

Clauses = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Weights:
    """A fitted model as arrays. «Adds» are weights times idf times block weight: what one occurrence adds."""

    vocabulary: Vocabulary
    vectors: WordVectors
    lemma_adds: Floats
    """Shape (lemmas, heads)."""
    ngram_adds: Floats
    """Shape (n-grams, heads)."""
    pair_adds: Floats
    """Shape (pairs, heads)."""
    biases: Floats
    """Shape (heads,)."""
    network: Network


class Scorer:
    """Scores batches of comments. Safe to use from several threads at once."""

    def __init__(
        self, weights: Weights, lemmatizer: Lemmatizer, max_table_words: int = MAX_TABLE_WORDS
    ) -> None:
        self._weights = weights
        self._heads = len(weights.biases)
        self._pairs = KeyIndex(weights.vocabulary.pair_keys)
        self._table = WordTable(weights, lemmatizer, max_table_words)

    def score(self, comments: Sequence[Clauses]) -> Scores:
        """Scores of comments given as clauses of lower-case words; no clause is empty."""
        chunks = [
            self._score_chunk(comments[start : start + _CHUNK_COMMENTS])
            for start in range(0, len(comments), _CHUNK_COMMENTS)
        ]
        owners = [chunk.owners + i * _CHUNK_COMMENTS for i, chunk in enumerate(chunks)]
        empty = np.empty((0, self._heads), dtype=np.float32)
        return Scores(
            np.concatenate([chunk.comments for chunk in chunks]) if chunks else empty,
            np.concatenate([chunk.clauses for chunk in chunks]) if chunks else empty,
            np.concatenate(owners) if chunks else np.empty(0, dtype=np.int64),
        )

    def _score_chunk(self, comments: Sequence[Clauses]) -> Scores:
        clauses = [clause for comment in comments for clause in comment]
        counts = np.fromiter(map(len, comments), dtype=np.int64, count=len(comments))
        lengths = np.fromiter(map(len, clauses), dtype=np.int64, count=len(clauses))
        owners = np.repeat(np.arange(len(comments)), counts)
        table, words = self._table.look_up([word for clause in clauses for word in clause])
        of_clauses, of_comments = Runs.of(lengths), Runs.of(counts)
        sums = np.concatenate(
            [
                of_clauses.sum(table.adds.take(words[of_clauses.positions], axis=0)),
                self._sum_pairs(table.lemma_rows[words], lengths),
            ],
            axis=1,
        )
        strongest, total = _hear(table, words, of_clauses, lengths)
        network = self._weights.network
        clause_pools = join_pools(strongest, total, lengths)
        comment_pools = join_pools(
            of_comments.max(strongest[of_comments.positions]),
            of_comments.sum(total[of_comments.positions]),
            np.bincount(owners, lengths, len(counts)).astype(np.int64),
        )
        return Scores(
            comments=_mix(
                self._logits(of_comments.sum(sums[of_comments.positions])),
                comment_pools @ network.comment_weights + network.comment_biases,
            ),
            clauses=_mix(self._logits(sums), clause_pools @ network.clause_weights + network.clause_biases),
            owners=owners,
        )

    def _sum_pairs(self, lemma_rows: Rows, lengths: Rows) -> Floats:
        """What the pairs of neighbouring lemmas add to each clause, shape (clauses, heads + 1)."""
        clause = np.repeat(np.arange(len(lengths)), lengths)
        first, second = lemma_rows[:-1], lemma_rows[1:]
        both = np.flatnonzero((first >= 0) & (second >= 0) & (clause[:-1] == clause[1:]))
        found = self._pairs.find(pair_keys(first[both], second[both]))
        known = found >= 0
        runs = Runs.of(np.bincount(clause[both[known]], minlength=len(lengths)))
        laid = found[known][runs.positions]
        squares = np.square(self._weights.vocabulary.pair_idf[laid])
        return runs.sum(np.column_stack([self._weights.pair_adds.take(laid, axis=0), squares]))

    def _logits(self, sums: Floats) -> Floats:
        """Biases plus each block's sum over its length; a block with nothing adds nothing."""
        blocks = sums.reshape(len(sums), len(BLOCKS), self._heads + 1)
        squares = blocks[:, :, -1:]
        scale = np.divide(1.0, np.sqrt(squares), out=np.zeros_like(squares), where=squares > 0)
        logits: Floats = self._weights.biases + (blocks[:, :, :-1] * scale).sum(axis=1)
        return logits


class WordTable:
    """What is known of each word met so far. Bounded: when full, it starts afresh."""

    def __init__(self, weights: Weights, lemmatizer: Lemmatizer, max_words: int) -> None:
        self._weights = weights
        self._reader = WordReader(weights.vocabulary, weights.vectors, lemmatizer)
        self._max_words = max_words
        self._lock = threading.Lock()
        self._rows = WordRows(weights, max_words)

    def look_up(self, words: Sequence[str]) -> tuple["WordRows", Rows]:
        """Rows that have all `words`, and the row of each."""
        known = self._rows
        if not known.numbers.keys() >= set(words):
            known = self._learn(words)
        numbers = np.fromiter(map(known.numbers.__getitem__, words), dtype=np.int64, count=len(words))
        return known, numbers

    def _learn(self, words: Sequence[str]) -> "WordRows":
        """Rows that have all `words`; those too many to keep are used once."""
        with self._lock:
            known = self._rows
            missing = sorted({word for word in words if word not in known.numbers})
            if len(known.numbers) + len(missing) > self._max_words:
                missing = sorted(set(words))
                known = WordRows(self._weights, max(self._max_words, len(missing)))
            for start in range(0, len(missing), _CHUNK_WORDS):
                some = missing[start : start + _CHUNK_WORDS]
                known.add(some, self._reader.read(some), self._weights)
            if len(known.numbers) <= self._max_words:
                self._rows = known
            return known


class WordRows:
    """A row a word of each of these arrays; the first row is that of no word."""

    def __init__(self, weights: Weights, max_words: int) -> None:
        def rows(width: int) -> Floats:
            table = np.empty((max_words + 1, width), dtype=np.float32)
            table[_NO_WORD] = 0.0
            return table

        hidden = weights.network.window.shape[2]
        self.numbers: dict[str, int] = {}
        self.lemma_rows: Rows = np.full(max_words + 1, -1, dtype=np.int64)
        self.adds = rows(WORD_BLOCKS * (len(weights.biases) + 1))
        self.as_left, self.as_own, self.as_right = rows(hidden), rows(hidden), rows(hidden)

    def add(self, words: list[str], features: WordFeatures, weights: Weights) -> None:
        """Add the rows of new `words`; other threads find them only when they are whole."""
        start = len(self.numbers) + 1
        rows = slice(start, start + len(words))
        self.lemma_rows[rows] = features.lemma_rows
        self.adds[rows] = word_adds(weights, features)
        heard = project(weights.network, word_vectors(weights, features))
        self.as_left[rows], self.as_own[rows], self.as_right[rows] = heard
        self.numbers.update(zip(words, range(start, start + len(words)), strict=True))


def word_adds(weights: Weights, features: WordFeatures) -> Floats:
    """What each word adds to each head, and its squared length, block by block."""
    n, heads = len(features.lemma_rows), len(weights.biases)
    adds = np.zeros((n, WORD_BLOCKS, heads + 1), dtype=np.float32)
    known = np.flatnonzero(features.lemma_rows >= 0)
    rows = features.lemma_rows[known]
    adds[known, 0, :heads] = weights.lemma_adds[rows]
    adds[known, 0, heads] = np.square(weights.vocabulary.lemma_idf[rows])
    runs, ngrams = _lay_ngrams(features)
    adds[:, 1, :heads] = runs.sum(weights.ngram_adds.take(ngrams, axis=0))
    adds[:, 1, heads] = runs.sum(np.square(weights.vocabulary.ngram_idf[ngrams, None]))[:, 0]
    return adds.reshape(n, -1)


def word_vectors(weights: Weights, features: WordFeatures) -> Floats:
    """Each word as the network sees it: lemma, mean-like sum of n-grams, and ready word vector."""
    network, n = weights.network, len(features.lemma_rows)
    counts = np.bincount(features.ngram_owners, minlength=n)
    runs, ngrams = _lay_ngrams(features)
    vectors = runs.sum(network.ngram_vectors.take(ngrams, axis=0))
    vectors /= np.sqrt(np.maximum(counts, 1), dtype=np.float32)[:, None]
    known = np.flatnonzero(features.lemma_rows >= 0)
    vectors[known] += network.lemma_vectors[features.lemma_rows[known]]
    found = np.flatnonzero(features.vector_rows >= 0)
    codes = weights.vectors.codes[features.vector_rows[found]]
    vectors[found] += network.part_vectors[np.arange(codes.shape[1]), codes].sum(axis=1)
    return vectors


def _lay_ngrams(features: WordFeatures) -> tuple[Runs, Rows]:
    """Runs of the n-grams of each word, and the n-grams laid out by them."""
    counts = np.bincount(features.ngram_owners, minlength=len(features.lemma_rows))
    runs = Runs.of(counts)
    by_word = features.ngram_rows[np.argsort(features.ngram_owners, kind="stable")]
    return runs, by_word[runs.positions]


def _hear(table: WordRows, words: Rows, runs: Runs, lengths: Rows) -> tuple[Floats, Floats]:
    """The strongest response and the sum of responses of the hidden layer over each clause."""
    first = np.cumsum(lengths) - lengths
    left = np.empty_like(words)
    left[1:] = words[:-1]
    left[first] = _NO_WORD
    right = np.empty_like(words)
    right[:-1] = words[1:]
    right[first - 1] = _NO_WORD  # the word before a clause's first is the last of one; the very last wraps
    heard = table.as_own.take(words[runs.positions], axis=0)
    heard += table.as_left.take(left[runs.positions], axis=0)
    heard += table.as_right.take(right[runs.positions], axis=0)
    responses = np.maximum(heard, 0.0, out=heard)
    return runs.max(responses), runs.sum(responses)


def _mix(linear: Floats, network: Floats) -> Floats:
    mixed: Floats = (1 - NETWORK_SHARE) * linear + NETWORK_SHARE * network
    return mixed
