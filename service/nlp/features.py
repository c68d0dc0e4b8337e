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

from service.nlp.hashing import KeyIndex, Keys, KeyTable, Rows, ngram_keys, word_keys
from service.nlp.lemmas import Lemmatizer
from service.nlp.spelling import Spelling

Floats = NDArray[np.floating]
Block = Literal["lemmas", "ngrams", "pairs"]
BLOCKS: tuple[Block, ...] = ("lemmas", "ngrams", "pairs")


ASK = -2
"""In place of a lemma's row: it is not known, and the dictionary is to be asked."""


@dataclass(frozen=True)
class WordVectors:
    """Product-quantised word vectors: each part of a vector is one of 256."""

    keys: Keys
    """Sorted keys of the words, shape (words,)."""
    codes: NDArray[np.uint8]
    """Shape (words, parts)."""
    lemma_rows: NDArray[np.int32]
    """Row in the vocabulary of each word's lemma, -1 where it has it not, `ASK` where that is not known.

    These are the words in common use: with this at hand, only rare ones are looked up in the dictionary.
    """


@dataclass(frozen=True)
class KnownWords:
    """Words without a vector of their own that were looked up when the model was made.

    These are the words of a trade, and mistyped ones: they would take the dictionary longest, which has to
    guess at most of them.
    """

    keys: Keys
    """Sorted, shape (words,)."""
    lemma_rows: NDArray[np.int32]
    """Row in the vocabulary of each word's lemma, -1 where it has it not."""
    vector_rows: NDArray[np.int32]
    """Row of the vector of each word's lemma, -1 where that has none either."""


NO_WORDS = KnownWords(np.empty(0, np.uint64), np.empty(0, np.int32), np.empty(0, np.int32))


@dataclass(frozen=True)
class Vocabulary:
    """The features a model knows, as sorted keys."""

    lemma_keys: Keys
    ngram_keys: Keys
    pair_keys: Keys


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
    """Of the word, or else of its lemma, shape (n,)."""


class WordReader:
    """Finds the features of words in a vocabulary; of mistyped words, those of the words meant."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        vectors: WordVectors,
        spelling: Spelling,
        lemmatizer: Lemmatizer,
        known: KnownWords = NO_WORDS,
    ) -> None:
        self._known = known
        self._known_keys = KeyIndex(known.keys)
        self._lemmas = KeyIndex(vocabulary.lemma_keys)
        self._ngrams = KeyTable.of(vocabulary.ngram_keys)
        self._vectors = KeyIndex(vectors.keys)
        self._lemma_rows = vectors.lemma_rows
        self._spelling = spelling
        self._lemmatizer = lemmatizer

    def read(self, words: Sequence[str]) -> WordFeatures:
        """The features of distinct lower-case `words`."""
        lemma_rows, vector_rows = self.look_up(words)
        strange = np.flatnonzero((lemma_rows < 0) & (vector_rows < 0)).tolist()
        mistyped = [i for i in strange if not self._lemmatizer.knows(words[i])]
        if mistyped:
            words = list(words)
            meant = self._spelling.correct([words[i] for i in mistyped])
            for i, word in zip(mistyped, meant, strict=True):
                words[i] = word
            lemma_rows[mistyped], vector_rows[mistyped] = self.look_up(meant)
        keys, owners = ngram_keys(words)
        ngram_rows = self._ngrams.find(keys)
        known = ngram_rows >= 0
        return WordFeatures(
            lemma_rows=lemma_rows,
            ngram_rows=ngram_rows[known],
            ngram_owners=owners[known],
            vector_rows=vector_rows,
        )

    def look_up(self, words: Sequence[str]) -> tuple[Rows, Rows]:
        """The rows of the lemmas, and those of the word vectors."""
        keys = word_keys(words)
        vector_rows = self._vectors.find(keys)
        lemma_rows = self._lemma_rows[vector_rows].astype(np.int64)
        lemma_rows[vector_rows < 0] = ASK
        self._recall(keys, lemma_rows, vector_rows)
        asked = np.flatnonzero(lemma_rows == ASK)
        lemma_keys = word_keys([self._lemmatizer.lemma(words[i]) for i in asked.tolist()])
        lemma_rows[asked] = self._lemmas.find(lemma_keys)
        missing = vector_rows[asked] < 0
        vector_rows[asked[missing]] = self._vectors.find(lemma_keys[missing])
        return lemma_rows, vector_rows

    def _recall(self, keys: Keys, lemma_rows: Rows, vector_rows: Rows) -> None:
        """Put in the rows of words that were looked up when the model was made."""
        strange = np.flatnonzero(vector_rows < 0)
        rows = self._known_keys.find(keys[strange])
        recalled, rows = strange[rows >= 0], rows[rows >= 0]
        lemma_rows[recalled] = self._known.lemma_rows[rows]
        vector_rows[recalled] = self._known.vector_rows[rows]
