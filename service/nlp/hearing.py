"""What the network's hidden layer hears, and what it answers.

At each place the layer hears a word and its two neighbours (`service.nlp.network`), so what it hears of a
word is three rows of numbers, worked out once for as long as the word is in use. These rows are the largest
thing known of a word. So only those of words met lately are kept: a table takes rows until it is full, and
then another is begun.
"""

import threading
from dataclasses import dataclass
from typing import Self

import numpy as np

from service.nlp.features import Floats
from service.nlp.hashing import Rows
from service.nlp.network import Flags, Network, find_negated, negate, project
from service.nlp.runs import Block
from service.nlp.tables import make_table, with_room

_MAX_WORDS = 16_384
"""As many as the batches of some tenths of a second have: 19 MB."""


class HeardWords:
    """A table of what the layer hears of words as left neighbours, as themselves, as right ones.

    Each has shape (words, hidden). Rows once added stay as they are, so other threads may read on.
    """

    def __init__(self, network: Network, n_words: int) -> None:
        self._network = network
        self._size = 0
        self._rows = np.zeros(1, dtype=np.int32)
        """By number of the word in its lexicon: its row and one, 0 while it has none."""
        shape = (n_words, network.window.shape[2])
        self.left, self.own, self.right = (make_table(shape, np.dtype(np.float32)) for _ in range(3))

    def find(self, words: Rows) -> Rows:
        """The row of each word, -1 while it has none."""
        rows: Rows = with_room(self._rows, words.max(initial=0) + 1).take(words).astype(np.int64) - 1
        return rows

    def has_room(self, n: int) -> bool:
        """For so many words more."""
        return self._size + n <= len(self.own)

    def add(self, words: Rows, vectors: Floats) -> None:
        """Work out the rows of new, distinct `words`, of which these are the vectors."""
        stop = self._size + len(words)
        for table, heard in zip(
            (self.left, self.own, self.right), project(self._network, vectors), strict=True
        ):
            table[self._size : stop] = heard
        self._rows = with_room(self._rows, words.max(initial=0) + 1)
        self._rows[words] = np.arange(self._size, stop) + 1
        self._size = stop


class Hearing:
    """Finds what the layer hears of the words of one lexicon. Safe to use from several threads at once."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._table = HeardWords(network, 0)
        self._lock = threading.Lock()

    def find(self, words: Rows, vectors: Floats) -> tuple[HeardWords, Rows]:
        """A table that has all `words`, and the row of each; `vectors` are those of the whole lexicon."""
        table = self._table
        rows = table.find(words)
        if (rows < 0).any():
            table = self._learn(words, vectors)
            rows = table.find(words)
        return table, rows

    def hear_one(self, words: Rows, starts: Rows, vectors: Floats) -> Floats:
        """What the layer hears at the words of a text whose clauses begin at `starts`, shape (words, hidden).

        What words add in the scope of a negation is not among it.
        """
        table, rows = self.find(words, vectors)
        inputs: Floats = table.own.take(rows, axis=0)
        left, right = table.left.take(rows, axis=0), table.right.take(rows, axis=0)
        # The last of a clause is no left neighbour of the next one's first, which is no right one of its.
        left[starts - 1] = right[starts] = 0.0
        inputs[1:] += left[:-1]
        inputs[:-1] += right[1:]
        return inputs

    def _learn(self, words: Rows, vectors: Floats) -> HeardWords:
        with self._lock:
            missing = _distinct(words[self._table.find(words) < 0])
            if not self._table.has_room(len(missing)):
                missing = _distinct(words)
                self._table = HeardWords(self.network, max(_MAX_WORDS, len(missing)))
            self._table.add(missing, vectors.take(missing, axis=0))
            return self._table


@dataclass(frozen=True)
class Heard:
    """What the layer hears of n words: those of all clauses, one clause after the other."""

    table: HeardWords
    rows: Rows
    """Of each word, in the table."""
    negated: Rows
    """The words in the scope of a negation: a row of `turned`, -1 for all others."""
    turned: Floats
    """What these words add, shape (negated words, hidden)."""

    @classmethod
    def of(cls, hearing: Hearing, words: Rows, lengths: Rows, vectors: Floats, negates: Flags) -> Self:
        """`words` of clauses of `lengths`, by their numbers; the rest are of the whole lexicon."""
        in_scope = np.flatnonzero(find_negated(negates.take(words), lengths))
        negated = np.full(len(words), -1)
        negated[in_scope] = np.arange(len(in_scope))
        turned = negate(hearing.network, vectors.take(words[in_scope], axis=0))
        return cls(*hearing.find(words, vectors), negated, turned)

    def respond(self, block: Block) -> Floats:
        """The layer's responses at the words of a block of clauses, in its order, shape (words, hidden)."""
        rows, negated = self.rows[block.places], self.negated[block.places]
        inputs = self.table.own.take(rows, axis=0)
        for these, following in block.steps():
            inputs[following] += self.table.left.take(rows[these], axis=0)
            inputs[these] += self.table.right.take(rows[following], axis=0)
        in_scope = np.flatnonzero(negated >= 0)
        if len(in_scope):
            inputs[in_scope] += self.turned[negated[in_scope]]
        responses: Floats = np.maximum(inputs, np.zeros_like(inputs), out=inputs)  # a scalar takes longer
        return responses


def _distinct(words: Rows) -> Rows:
    """Each of `words` once, ascending.

    >>> _distinct(np.array([7, 3, 7])).tolist()
    [3, 7]
    """
    met = np.zeros(words.max(initial=0) + 1, dtype=np.bool_)
    met[words] = True
    return np.flatnonzero(met)
