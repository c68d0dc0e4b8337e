"""What the network's hidden layer hears, and what it answers.

At each place the layer hears a word and its two neighbours (`service.nlp.network`), so what it hears of a
word is three rows of numbers, worked out once for as long as the word is in use. These rows are the largest
thing known of a word. So only those of words met lately are kept: a table takes rows until it is full, and
then another is begun.
"""

import threading
from collections.abc import Iterator, Sequence
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

    Each has shape (words, hidden). Rows once added stay as they are, so other threads may read on. A word
    is heard otherwise in the scope of a negation, and is then another word here: see `number_heard`.
    """

    def __init__(self, network: Network, n_words: int) -> None:
        self._network = network
        self._size = 0
        self._rows = np.zeros(1, dtype=np.int32)
        """By number of the word: its row and one, 0 while it has none."""
        shape = (n_words, network.window.shape[2])
        self.left, self.own, self.right = (
            make_table(shape, np.dtype(np.float32), fills_soon=True) for _ in range(3)
        )

    def find(self, words: Rows) -> Rows:
        """The row of each word, -1 while it has none."""
        rows: Rows = with_room(self._rows, words.max(initial=0) + 1).take(words).astype(np.int64) - 1
        return rows

    def has_room(self, n: int) -> bool:
        """For so many words more."""
        return self._size + n <= len(self.own)

    def add(self, words: Rows, vectors: Floats) -> None:
        """Work out the rows of new, distinct `words`; `vectors` are those of the whole lexicon."""
        stop = self._size + len(words)
        of_words = vectors.take(words >> 1, axis=0)
        new = [table[self._size : stop] for table in (self.left, self.own, self.right)]
        project(self._network, of_words, *new)
        negated = np.flatnonzero(words & 1)
        new[1][negated] += negate(self._network, of_words[negated])
        self._rows = with_room(self._rows, words.max(initial=0) + 1)
        self._rows[words] = np.arange(self._size, stop) + 1
        self._size = stop


def number_heard(words: Rows, negated: Flags) -> Rows:
    """Numbers of words as they are heard: twice their number in the lexicon, and one more if negated.

    >>> number_heard(np.array([3, 4]), np.array([False, True])).tolist()
    [6, 9]
    """
    return 2 * words + negated


class Hearing:
    """Finds what the layer hears of the words of one lexicon. Safe to use from several threads at once."""

    def __init__(self, network: Network) -> None:
        self._network = network
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

    def _learn(self, words: Rows, vectors: Floats) -> HeardWords:
        with self._lock:
            missing = _distinct(words[self._table.find(words) < 0])
            if not self._table.has_room(len(missing)):
                missing = _distinct(words)
                self._table = HeardWords(self._network, max(_MAX_WORDS, len(missing)))
            self._table.add(missing, vectors)
            return self._table


@dataclass(frozen=True)
class Heard:
    """What the layer hears of n words: those of all clauses, one clause after the other."""

    table: HeardWords
    rows: Rows
    """Of each word, in the table."""

    @classmethod
    def of(cls, hearing: Hearing, words: Rows, lengths: Rows, vectors: Floats, negates: Flags) -> Self:
        """`words` of clauses of `lengths`, by their numbers; the rest are of the whole lexicon."""
        negated = find_negated(negates.take(words), lengths)
        return cls(*hearing.find(number_heard(words, negated), vectors))

    def respond(self, blocks: Sequence[Block]) -> Iterator[Floats]:
        """The responses at the words of each block of clauses, in its order, shape (words, hidden)."""
        n_rows = max((len(block.places) for block in blocks), default=0)
        zeros = np.zeros((n_rows, self.table.own.shape[1]), dtype=np.float32)
        for block in blocks:
            inputs = self._listen(block)
            # Beside an array of zeros numpy compares four times as fast as beside one zero.
            yield np.maximum(inputs, zeros[: len(inputs)], out=inputs)

    def respond_one(self, starts: Sequence[int]) -> Floats:
        """The responses at the words of one text whose clauses begin at `starts`, shape (words, hidden)."""
        inputs: Floats = self.table.own.take(self.rows, axis=0)
        left, right = self.table.left.take(self.rows, axis=0), self.table.right.take(self.rows, axis=0)
        # The last of a clause is no left neighbour of the next one's first, which is no right one of its.
        left[np.array(starts) - 1] = right[starts] = 0.0
        inputs[1:] += left[:-1]
        inputs[:-1] += right[1:]
        responses: Floats = np.maximum(inputs, 0.0, out=inputs)
        return responses

    def _listen(self, block: Block) -> Floats:
        """What the layer hears at the words of a block, in its order, shape (words, hidden)."""
        rows = self.rows.take(block.places)
        inputs: Floats = self.table.own.take(rows, axis=0)
        for these, following in block.steps():
            inputs[following] += self.table.left.take(rows[these], axis=0)
            inputs[these] += self.table.right.take(rows[following], axis=0)
        return inputs


def _distinct(words: Rows) -> Rows:
    """Each of `words` once, ascending.

    >>> _distinct(np.array([7, 3, 7])).tolist()
    [3, 7]
    """
    met = np.zeros(words.max(initial=0) + 1, dtype=np.bool_)
    met[words] = True
    return np.flatnonzero(met)
