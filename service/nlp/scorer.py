"""Scores of clauses and comments, worked out once a distinct word as far as that goes.

Half of the model is linear in features that are sums over words (`service.nlp.features`), so what a
word adds to every head is one row of numbers; the other half starts from a vector of each word
(`service.nlp.network`). A `WordTable` keeps both for the words met so far. A batch is then a gather
of rows; sums over clauses and comments, divided by the length of each block; and the network's
window over the vectors. Only a word that was never met is looked up in the dictionary, cut into
n-grams and multiplied with the weights.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from service.nlp.decide import Scores
from service.nlp.features import BLOCKS, Floats, Vocabulary, WordFeatures, WordReader, WordVectors
from service.nlp.hashing import KeyIndex, Rows, pair_keys
from service.nlp.lemmas import Lemmatizer
from service.nlp.network import Network, pool, respond

WORD_BLOCKS = 2
"""Lemmas and n-grams: the blocks that are sums over words. Pairs come beside them."""

NETWORK_SHARE = 0.5
"""Of the logits; the rest is the linear half's."""

MAX_TABLE_WORDS = 60_000
_CHUNK_WORDS = 2_000
_CHUNK_COMMENTS = 512

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
        owners = np.repeat(np.arange(len(comments)), counts)
        lengths = np.fromiter(map(len, clauses), dtype=np.int64, count=len(clauses))
        words = [word for clause in clauses for word in clause]
        rows, lemma_rows = self._table.look_up(words)
        adds, vectors = np.split(rows, [WORD_BLOCKS * (self._heads + 1)], axis=1)
        sums = np.concatenate([_sum_runs(adds, lengths), self._sum_pairs(lemma_rows, lengths)], axis=1)
        of_comments, of_clauses = self._judge(vectors, lengths, counts)
        return Scores(
            comments=_mix(self._logits(_sum_runs(sums, counts)), of_comments),
            clauses=_mix(self._logits(sums), of_clauses),
            owners=owners,
        )

    def _judge(self, vectors: Floats, lengths: Rows, counts: Rows) -> tuple[Floats, Floats]:
        """The network's logits of the comments and of the clauses."""
        network = self._weights.network
        responses = respond(network, vectors, lengths)
        words = np.add.reduceat(np.append(lengths, 0), np.cumsum(counts) - counts) * (counts > 0)
        return (
            pool(responses, words) @ network.comment_weights + network.comment_biases,
            pool(responses, lengths) @ network.clause_weights + network.clause_biases,
        )

    def _sum_pairs(self, lemma_rows: Rows, lengths: Rows) -> Floats:
        """What the pairs of neighbouring lemmas add to each clause, shape (clauses, heads + 1)."""
        clause = np.repeat(np.arange(len(lengths)), lengths)
        first, second = lemma_rows[:-1], lemma_rows[1:]
        both = (first >= 0) & (second >= 0) & (clause[:-1] == clause[1:])
        found = self._pairs.find(pair_keys(first[both], second[both]))
        known = found >= 0
        sums = np.zeros((len(lengths), self._heads + 1), dtype=np.float32)
        idf = self._weights.vocabulary.pair_idf[found[known]]
        adds = np.column_stack([self._weights.pair_adds[found[known]], np.square(idf)])
        np.add.at(sums, clause[:-1][both][known], adds)
        return sums

    def _logits(self, sums: Floats) -> Floats:
        """Biases plus each block's sum over its length; a block with nothing adds nothing."""
        blocks = sums.reshape(len(sums), len(BLOCKS), self._heads + 1)
        squares = blocks[:, :, -1:]
        scale = np.divide(1.0, np.sqrt(squares), out=np.zeros_like(squares), where=squares > 0)
        logits: Floats = self._weights.biases + (blocks[:, :, :-1] * scale).sum(axis=1)
        return logits


class WordTable:
    """What each word met so far adds to each head. Bounded: when full, it starts afresh."""

    def __init__(self, weights: Weights, lemmatizer: Lemmatizer, max_words: int) -> None:
        self._weights = weights
        self._reader = WordReader(weights.vocabulary, weights.vectors, lemmatizer)
        self._max_words = max_words
        self._size = weights.network.window.shape[1]
        self._width = WORD_BLOCKS * (len(weights.biases) + 1) + self._size
        self._lock = threading.Lock()
        self._rows = _Generation(max_words, self._width)

    def look_up(self, words: Sequence[str]) -> tuple[Floats, Rows]:
        """For each of `words`, its adds and its vector side by side, and the row of its lemma."""
        generation = self._rows
        missing = [word for word in set(words) if word not in generation.numbers]
        if missing:
            generation = self._learn(words)
        numbers = np.fromiter(map(generation.numbers.__getitem__, words), dtype=np.int64, count=len(words))
        return generation.rows[numbers], generation.lemma_rows[numbers]

    def _learn(self, words: Sequence[str]) -> "_Generation":
        """The generation that has all `words`; one too large to keep is used once."""
        with self._lock:
            generation = self._rows
            missing = sorted({word for word in words if word not in generation.numbers})
            if len(generation.numbers) + len(missing) > self._max_words:
                missing = sorted(set(words))
                generation = _Generation(max(self._max_words, len(missing)), self._width)
            for start in range(0, len(missing), _CHUNK_WORDS):
                self._add(generation, missing[start : start + _CHUNK_WORDS])
            if len(generation.numbers) <= self._max_words:
                self._rows = generation
            return generation

    def _add(self, generation: "_Generation", words: list[str]) -> None:
        features = self._reader.read(words)
        start = len(generation.numbers)
        rows = slice(start, start + len(words))
        generation.rows[rows, : -self._size] = word_adds(self._weights, features)
        generation.rows[rows, -self._size :] = word_vectors(self._weights, features)
        generation.lemma_rows[rows] = features.lemma_rows
        # Only now, when the rows are whole, may other threads find the words.
        generation.numbers.update(zip(words, range(start, start + len(words)), strict=True))


class _Generation:
    def __init__(self, max_words: int, width: int) -> None:
        self.numbers: dict[str, int] = {}
        self.rows: Floats = np.empty((max_words, width), dtype=np.float32)
        self.lemma_rows: Rows = np.empty(max_words, dtype=np.int64)


def word_adds(weights: Weights, features: WordFeatures) -> Floats:
    """What each word adds to each head, and its squared length, block by block."""
    n, heads = len(features.lemma_rows), len(weights.biases)
    adds = np.zeros((n, WORD_BLOCKS, heads + 1), dtype=np.float32)
    known = np.flatnonzero(features.lemma_rows >= 0)
    rows = features.lemma_rows[known]
    adds[known, 0, :heads] = weights.lemma_adds[rows]
    adds[known, 0, heads] = np.square(weights.vocabulary.lemma_idf[rows])
    np.add.at(adds[:, 1, :heads], features.ngram_owners, weights.ngram_adds[features.ngram_rows])
    ngram_squares = np.square(weights.vocabulary.ngram_idf[features.ngram_rows])
    np.add.at(adds[:, 1, heads], features.ngram_owners, ngram_squares)
    return adds.reshape(n, -1)


def word_vectors(weights: Weights, features: WordFeatures) -> Floats:
    """Each word as the network sees it: lemma, mean-like sum of n-grams, and ready word vector."""
    network, n = weights.network, len(features.lemma_rows)
    vectors = np.zeros((n, network.window.shape[1]), dtype=np.float32)
    counts = np.bincount(features.ngram_owners, minlength=n)
    np.add.at(vectors, features.ngram_owners, network.ngram_vectors[features.ngram_rows])
    vectors /= np.sqrt(np.maximum(counts, 1), dtype=np.float32)[:, None]
    known = np.flatnonzero(features.lemma_rows >= 0)
    vectors[known] += network.lemma_vectors[features.lemma_rows[known]]
    found = np.flatnonzero(features.vector_rows >= 0)
    codes = weights.vectors.codes[features.vector_rows[found]]
    vectors[found] += network.part_vectors[np.arange(codes.shape[1]), codes].sum(axis=1)
    return vectors


def _mix(linear: Floats, network: Floats) -> Floats:
    mixed: Floats = (1 - NETWORK_SHARE) * linear + NETWORK_SHARE * network
    return mixed


def _sum_runs(rows: Floats, lengths: Rows) -> Floats:
    """Sums of consecutive runs of `rows`; an empty run sums to zeros."""
    sums = np.zeros((len(lengths), rows.shape[1]), dtype=np.float32)
    filled = lengths > 0
    if filled.any():
        starts = np.cumsum(lengths) - lengths
        sums[filled] = np.add.reduceat(rows, starts[filled])
    return sums
