"""Scores of clauses and comments, worked out once a distinct word as far as that goes.

Half of the model is linear in features that are sums over words (`service.nlp.features`), so what a
word adds to every head is one row of numbers. The other half is a network that sees a word as a vector,
a sum over the same features (`service.nlp.network`); what its hidden layer hears of a word is kept, too
(`service.nlp.hearing`).
`WordRows` keeps row and vector of the words met so far, beside what reading has found out about them
(`service.nlp.reading`). A batch is then a gather of rows, and sums and maxima over clauses and comments
(`service.nlp.runs`). Only a word that was never met is looked up in the dictionary, cut into n-grams
and multiplied with the weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from service.nlp.decide import Scores
from service.nlp.features import (
    Floats,
    KnownWords,
    Vocabulary,
    WordFeatures,
    WordReader,
    WordVectors,
)
from service.nlp.hashing import KeyTable, Rows, pair_keys
from service.nlp.hearing import Heard, Hearing
from service.nlp.lemmas import Lemmatizer
from service.nlp.network import NEGATIONS, Network, share
from service.nlp.reading import MAX_WORDS, Reader, Reading
from service.nlp.runs import Runs
from service.nlp.spelling import Spelling
from service.nlp.tables import keep_freed_memory, select_rows, with_room

WORD_BLOCKS = 2
"""Lemmas and n-grams: the blocks that are sums over words. Pairs come beside them."""

NETWORK_SHARE = 0.5
"""Of the logits; the rest is the linear half's."""

_CHUNK_WORDS = 1_000
"""So few that what is laid out stays in the processor's cache."""

_TINY = np.float32(1e-12)
"""In place of the length of a block with nothing: what is divided by it is nothing too."""


@dataclass(frozen=True)
class Weights:
    """A fitted model as arrays.

    «Adds» are what one occurrence adds: to each head its weight times idf times block weight, and in the
    last column, to the squared length of its block, the square of its idf. A lemma and an n-gram are also
    vectors of the network; these stand behind their adds, as both are wanted at once.
    """

    vocabulary: Vocabulary
    vectors: WordVectors
    words: KnownWords
    spelling: Spelling
    lemma_rows: Floats
    """Adds and vector of each, shape (lemmas, heads + 1 + size)."""
    ngram_rows: Floats
    """The same, shape (n-grams, heads + 1 + size)."""
    pair_adds: Floats
    """Shape (pairs, heads + 1)."""
    biases: Floats
    """Shape (heads,)."""
    network: Network


class Scorer:
    """Scores what its reader has read. Safe to use from several threads at once."""

    def __init__(self, weights: Weights, lemmatizer: Lemmatizer, max_words: int = MAX_WORDS) -> None:
        keep_freed_memory()
        self._weights = weights
        self._heads = len(weights.biases)
        self._hidden = weights.network.window.shape[2]
        network = weights.network
        self._of_comments = _Output.of(weights.biases, network.comment_weights, network.comment_biases)
        self._of_clauses = _Output.of(weights.biases, network.clause_weights, network.clause_biases)
        self._pairs = KeyTable.of(weights.vocabulary.pair_keys)
        words = WordReader(weights.vocabulary, weights.vectors, weights.spelling, lemmatizer, weights.words)
        self.reader = Reader(lambda: WordRows(weights, words), max_words=max_words)

    def score(self, reading: Reading["WordRows"]) -> Scores:
        """Scores of the texts and clauses that were read."""
        clauses, texts = Runs(reading.lengths), Runs(reading.counts)
        n_words = np.bincount(texts.owners, reading.lengths, len(reading.counts))
        of_clauses = self._fold_words(reading, clauses)
        of_texts = of_clauses.fold(texts)
        return Scores(
            self._judge(of_texts, n_words, self._of_comments),
            self._judge(of_clauses, reading.lengths, self._of_clauses),
            texts,
        )

    def score_one(
        self, table: "WordRows", words: Sequence[int], lengths: Sequence[int]
    ) -> tuple[Floats, Floats]:
        """The same for one text, from its words and the lengths of its clauses, of which there are some.

        For so little, sums by a product of matrices beat any layout.
        """
        numbers, n = np.array(words), len(lengths)
        ends = list(accumulate(lengths))
        slices = [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]
        responses = table.hear(numbers, np.array(lengths)).respond_one([own.start for own in slices])
        belongs = np.zeros((n + 1, len(words)), dtype=np.float32)
        strongest = np.empty((n + 1, self._hidden), dtype=np.float32)
        for row, own in enumerate((*slices, slice(None))):  # last the whole text
            belongs[row, own] = 1.0
            np.maximum.reduce(responses[own], axis=0, out=strongest[row])
        pairs = self._sum_pairs_one(table.lemma_rows.take(numbers).tolist(), slices)
        logits = self._sum_blocks(belongs @ table.adds.take(numbers, axis=0))
        logits += self._sum_blocks(pairs)
        pools = np.concatenate(
            [strongest, share(belongs @ responses, np.array([*lengths, len(words)]))], axis=1
        )
        return (
            logits[n] + pools[n] @ self._of_comments.weights + self._of_comments.biases,
            logits[:n] + pools[:n] @ self._of_clauses.weights + self._of_clauses.biases,
        )

    def _sum_pairs_one(self, lemma_rows: Sequence[int], slices: Sequence[slice]) -> Floats:
        """What pairs of neighbouring lemmas add to each clause, and to the text: the last row."""
        sums = np.zeros((len(slices) + 1, self._heads + 1), dtype=np.float32)
        for row, own in enumerate(slices):
            for first, second in pairwise(lemma_rows[own]):
                pair = self._pair_rows.get((first << 32) | second) if first >= 0 and second >= 0 else None
                if pair is not None:
                    sums[row] += self._weights.pair_adds[pair]
                    sums[-1] += self._weights.pair_adds[pair]
        return sums

    @cached_property
    def _pair_rows(self) -> dict[int, int]:
        """Row of each pair by its key: for few look-ups quicker than the index."""
        keys = self._weights.vocabulary.pair_keys.tolist()
        return dict(zip(keys, range(len(keys)), strict=True))

    def _fold_words(self, reading: Reading["WordRows"], clauses: Runs) -> "Folded":
        """What the words of each clause add up to, and the pairs of them."""
        table, words = reading.lexicon.store, reading.words
        heard = table.hear(words, reading.lengths)
        adds, sums, strongest = (
            np.empty((len(reading.lengths), width), dtype=np.float32)
            for width in (table.adds.shape[1], self._hidden, self._hidden)
        )
        for block, responses in zip(clauses.blocks, heard.respond(clauses.blocks), strict=True):
            block.fold(np.add, table.adds.take(words.take(block.places), axis=0), adds[block.runs])
            block.fold(np.add, responses, sums[block.runs])
            block.fold(np.maximum, responses, strongest[block.runs])
        return Folded(clauses, adds, self._fold_pairs(reading, clauses), sums, strongest)

    def _fold_pairs(self, reading: Reading["WordRows"], clauses: Runs) -> Floats:
        """What the pairs of neighbouring lemmas of each clause add up to, shape (clauses, heads + 1)."""
        lemma_rows = reading.lexicon.store.lemma_rows.take(reading.words)
        pairs, counts = self._find_pairs(lemma_rows, clauses)
        runs = Runs(counts)
        return runs.fold(np.add, self._weights.pair_adds, pairs).take(runs.rank[clauses.order], axis=0)

    def _find_pairs(self, lemma_rows: Rows, clauses: Runs) -> tuple[Rows, Rows]:
        """The rows of the known pairs of neighbouring lemmas, and how many of them each clause has."""
        clause = clauses.owners
        first, second = lemma_rows[:-1], lemma_rows[1:]
        both = np.flatnonzero((first >= 0) & (second >= 0) & (clause[:-1] == clause[1:]))
        found = self._pairs.find(pair_keys(first[both], second[both]))
        known = found >= 0
        return found[known], np.bincount(clause[both[known]], minlength=len(clauses.lengths))

    def _judge(self, folded: "Folded", n_words: Rows, output: "_Output") -> Floats:
        """Logits of all that was folded, which has so many words."""
        logits = self._sum_blocks(folded.adds)
        logits += self._sum_blocks(folded.pairs)
        logits += folded.strongest @ output.weights[: self._hidden]
        shares = 1 / np.sqrt(np.maximum(n_words[folded.runs.order], 1), dtype=np.float32)
        logits += np.einsum("nh,n->nh", folded.responses @ output.weights[self._hidden :], shares)
        logits += output.biases
        return logits.take(folded.runs.rank, axis=0)

    def _sum_blocks(self, adds: Floats) -> Floats:
        """The linear half's part in the logits: each block over its length; one with nothing adds nothing.

        `adds` has shape (n, blocks × (heads + 1)), the result (n, heads).
        """
        width = self._heads + 1
        blocks = adds.reshape(len(adds), adds.shape[1] // width, width)
        shares = (1 - NETWORK_SHARE) / np.sqrt(np.maximum(blocks[:, :, -1], _TINY))
        logits: Floats = np.einsum("nbh,nb->nh", blocks[:, :, :-1], shares)
        return logits


@dataclass(frozen=True)
class _Output:
    """From the hidden layer to its part in the logits."""

    weights: Floats
    """Of strongest and mean responses, shape (2 × hidden, heads)."""
    biases: Floats
    """Of both halves, shape (heads,)."""

    @classmethod
    def of(cls, linear_biases: Floats, weights: Floats, biases: Floats) -> Self:
        """Of a network's weights and biases, and those of the linear half."""
        mixed = (1 - NETWORK_SHARE) * linear_biases + NETWORK_SHARE * biases
        return cls(NETWORK_SHARE * weights, mixed)


@dataclass(frozen=True)
class Folded:
    """What n clauses or texts add up to, the longest first, as their runs are in order."""

    runs: Runs
    adds: Floats
    """Of words: to each head and to the squared lengths, block by block, shape (n, blocks × (heads + 1))."""
    pairs: Floats
    """The same of pairs, shape (n, heads + 1)."""
    responses: Floats
    """Sums of the hidden layer's responses, shape (n, hidden)."""
    strongest: Floats
    """Their maxima, shape (n, hidden)."""

    def fold(self, texts: Runs) -> "Folded":
        """The same of the texts that the clauses are of."""
        of = self.runs.rank
        return Folded(
            texts,
            texts.fold(np.add, self.adds, of),
            texts.fold(np.add, self.pairs, of),
            texts.fold(np.add, self.responses, of),
            texts.fold(np.maximum, self.strongest, of),
        )


class WordRows:
    """What is known of the words of a lexicon: a row of each array a word, by its number there."""

    def __init__(self, weights: Weights, reader: WordReader) -> None:
        self._weights = weights
        self._reader = reader
        self._size = 1  # the row of no word
        self.lemma_rows: Rows = np.full(1, -1, dtype=np.int64)
        self.adds = np.zeros((1, WORD_BLOCKS * (len(weights.biases) + 1)), dtype=np.float32)
        self.vectors = np.zeros((1, weights.network.window.shape[1]), dtype=np.float32)
        self.negates = np.zeros(1, dtype=np.bool_)
        self._hearing = Hearing(weights.network)

    def add(self, words: Sequence[str]) -> None:
        """Add the rows of new words."""
        for start in range(0, len(words), _CHUNK_WORDS):
            self._add(words[start : start + _CHUNK_WORDS])

    def hear(self, words: Rows, lengths: Rows) -> Heard:
        """What the network's hidden layer hears of `words`, which are those of clauses of `lengths`."""
        return Heard.of(self._hearing, words, lengths, self.vectors, self.negates)

    def keep(self, numbers: Rows) -> Self:
        """The rows of these words alone."""
        kept = type(self)(self._weights, self._reader)
        kept._size = len(numbers)
        for name in _ROWS:
            setattr(kept, name, select_rows(getattr(self, name), numbers))
        return kept

    def _add(self, words: Sequence[str]) -> None:
        features = self._reader.read(words)
        negates = np.array([word in NEGATIONS for word in words], dtype=np.bool_)
        stop = self._size + len(words)
        new = (features.lemma_rows, *read_rows(self._weights, features), negates)
        for name, rows in zip(_ROWS, new, strict=True):
            longer = with_room(getattr(self, name), stop)
            longer[self._size : stop] = rows
            setattr(self, name, longer)
        self._size = stop


_ROWS = ("lemma_rows", "adds", "vectors", "negates")


def read_rows(weights: Weights, features: WordFeatures) -> tuple[Floats, Floats]:
    """What each word adds to each head and to the squared lengths, block by block; and its vector.

    The vector is what the network sees: lemma, mean-like sum of n-grams, and ready word vector.
    """
    width = len(weights.biases) + 1
    counts = np.bincount(features.ngram_owners, minlength=len(features.lemma_rows))
    by_word = features.ngram_rows[np.argsort(features.ngram_owners, kind="stable")]
    sums = Runs(counts).sum(weights.ngram_rows, of=by_word)
    adds = np.zeros((len(counts), WORD_BLOCKS * width), dtype=np.float32)
    adds[:, width:] = sums[:, :width]
    vectors = sums[:, width:] / np.sqrt(np.maximum(counts, 1), dtype=np.float32)[:, None]
    known = np.flatnonzero(features.lemma_rows >= 0)
    of_lemmas = weights.lemma_rows.take(features.lemma_rows[known], axis=0)
    adds[known, :width] = of_lemmas[:, :width]
    vectors[known] += of_lemmas[:, width:]
    found = np.flatnonzero(features.vector_rows >= 0)
    codes = weights.vectors.codes[features.vector_rows[found]]
    vectors[found] += _unpack(weights.network.part_vectors, codes)
    return adds, vectors


def _unpack(part_vectors: Floats, codes: NDArray[np.uint8]) -> Floats:
    """The sum of what the parts of each code add; part by part, as one part's table stays in the cache."""
    vectors = np.zeros((len(codes), part_vectors.shape[2]), dtype=np.float32)
    for adds, column in zip(part_vectors, np.ascontiguousarray(codes.T), strict=True):
        vectors += adds.take(column, axis=0)
    return vectors
