"""What the model sees of a word, and which words and pairs it knows.

The linear half of the model describes a unit (a clause, or a whole comment) by three blocks of
features: lemmas, in-word character n-grams, and pairs of neighbouring lemmas. Each block is

    Σ v(word) / √(Σ ‖v(word)‖²)        over the words (or pairs) of the unit,

where v holds the inverse document frequencies of the features that the word has. All of it is a
sum over words, so a linear model over the blocks is a sum over words too: what a word adds to
each label can be worked out once a word (`service.nlp.scorer`). The other half, a network, makes a
vector of each word from the same features and from ready word vectors (`service.nlp.network`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.nlp.hashing import KeyIndex, Keys, Rows, ngram_keys, word_keys
from service.nlp.lemmas import Lemmatizer

Floats = NDArray[np.floating]
Block = Literal["lemmas", "ngrams", "pairs"]
BLOCKS: tuple[Block, ...] = ("lemmas", "ngrams", "pairs")


@dataclass(frozen=True)
class WordVectors:
    """Product-quantised word vectors: each part of a vector is one of 256."""

    keys: Keys
    """Sorted keys of the words, shape (words,)."""
    codes: NDArray[np.uint8]
    """Shape (words, parts)."""


@dataclass(frozen=True)
class Vocabulary:
    """The features a model knows: sorted keys, and the inverse document frequency of each."""

    lemma_keys: Keys
    lemma_idf: Floats
    ngram_keys: Keys
    ngram_idf: Floats
    pair_keys: Keys
    pair_idf: Floats


@dataclass(frozen=True)
class WordFeatures:
    """Rows in the vocabulary of each of n words; -1 where the vocabulary has it not."""

    lemma_rows: Rows
    """Shape (n,)."""
    ngram_rows: Rows
    """Known n-grams only, shape (m,)."""
    ngram_owners: Rows
    """The word that each n-gram stands in, shape (m,)."""
    vector_rows: Rows
    """Shape (n,)."""


class WordReader:
    """Finds the features of words in a vocabulary."""

    def __init__(self, vocabulary: Vocabulary, vectors: WordVectors, lemmatizer: Lemmatizer) -> None:
        self._lemmas = KeyIndex(vocabulary.lemma_keys)
        self._ngrams = KeyIndex(vocabulary.ngram_keys)
        self._vectors = KeyIndex(vectors.keys)
        self._lemmatizer = lemmatizer

    def read(self, words: Sequence[str]) -> WordFeatures:
        """The features of distinct lower-case `words`."""
        lemmas = [self._lemmatizer.lemma(word) for word in words]
        lemma_keys = word_keys(lemmas)
        keys, owners = ngram_keys(words)
        ngram_rows = self._ngrams.find(keys)
        known = ngram_rows >= 0
        return WordFeatures(
            lemma_rows=self._lemmas.find(lemma_keys),
            ngram_rows=ngram_rows[known],
            ngram_owners=owners[known],
            vector_rows=find_vectors(self._vectors, words, lemma_keys),
        )


def find_vectors(index: KeyIndex, words: Sequence[str], lemma_keys: Keys) -> Rows:
    """The vector row of each word, or else of its lemma, or else -1."""
    rows = index.find(word_keys(words))
    missing = rows < 0
    rows[missing] = index.find(lemma_keys[missing])
    return rows
