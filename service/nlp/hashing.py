"""64-bit keys for words and in-word character n-grams, many at a time.

A key is the polynomial hash of the code points: key(c0 c1 …) = Σ cᵢ · BASEⁱ mod 2⁶⁴, so that
numpy computes it for all n-grams of all words in a few passes. Vocabularies are sorted arrays of
keys: they are memory-mapped, shared between processes, and need no Python object an entry.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from service.nlp.tables import with_room

Keys = NDArray[np.uint64]
Rows = NDArray[np.int64]

NGRAM_SIZES = (2, 3, 4, 5)

_BASE = 0x9E3779B97F4A7C15
_MAX_WORD_CHARS = 64
_FIRST_SLOTS = 1 << 11
_SLOTS_A_KEY = 4
"""At least: with two, a key that is not there costs three times as much."""
_POWERS: Keys = np.array([pow(_BASE, i, 1 << 64) for i in range(_MAX_WORD_CHARS + 2)], dtype=np.uint64)


@dataclass(frozen=True)
class KeyIndex:
    """Finds keys in a sorted array."""

    keys: Keys

    def find(self, wanted: Keys) -> Rows:
        """The row of each wanted key, -1 where it is not there."""
        if not len(self.keys):
            return np.full(len(wanted), -1, dtype=np.int64)
        rows = np.searchsorted(self.keys, wanted)
        rows[rows == len(self.keys)] = 0
        rows[self.keys[rows] != wanted] = -1
        return rows


class KeyTable:
    """Numbers keys in the order in which they are added, and finds them again by open addressing.

    For many look-ups some times quicker than `KeyIndex`, and takes two to four times the memory. Threads
    may look up while one adds: they find a key or do not find it yet, so what belongs to a key must be at
    hand before it is added.
    """

    def __init__(self) -> None:
        self._size = 0
        self._keys: Keys = np.empty(_FIRST_SLOTS // _SLOTS_A_KEY, dtype=np.uint64)
        self._slots = _empty_slots(_FIRST_SLOTS)
        """The row of the key in each slot, -1 for none."""

    @classmethod
    def of(cls, keys: Keys) -> Self:
        """A table of these keys, all distinct, in their order."""
        table = cls()
        table.add(keys)
        return table

    def __len__(self) -> int:
        return self._size

    @property
    def keys(self) -> Keys:
        """By row."""
        return self._keys[: self._size]

    def find(self, wanted: Keys) -> Rows:
        """The row of each wanted key, -1 where it is not there."""
        slots = self._slots  # before the keys: whoever is in a slot is then among them
        keys, at = self._keys, _slot_of(wanted, slots)
        rows = slots.take(at)
        others = np.flatnonzero((rows >= 0) & (keys.take(rows, mode="clip") != wanted))
        while len(others):
            at[others] = (at[others] + 1) % len(slots)
            found = rows[others] = slots[at[others]]
            others = others[(found >= 0) & (keys.take(found, mode="clip") != wanted[others])]
        return rows.astype(np.int64)

    def add(self, keys: Keys) -> None:
        """Add `keys`, all distinct and not there yet."""
        rows = np.arange(self._size, self._size + len(keys), dtype=np.int32)
        self._keys = with_room(self._keys, self._size + len(keys))
        self._keys[self._size : self._size + len(keys)] = keys
        self._size += len(keys)
        if _SLOTS_A_KEY * self._size < len(self._slots):
            self._put(rows, self._slots)
            return
        slots = _empty_slots(1 << (_SLOTS_A_KEY * self._size).bit_length())
        self._put(np.arange(self._size, dtype=np.int32), slots)
        self._slots = slots

    def _put(self, rows: NDArray[np.int32], slots: NDArray[np.int32]) -> None:
        """Put each of `rows` into the first free slot from its own on."""
        at = _slot_of(self._keys[rows], slots)
        while len(rows):
            free = slots[at] < 0
            slots[at[free]] = rows[free]
            left = slots[at] != rows
            rows, at = rows[left], (at[left] + 1) % len(slots)


def _empty_slots(n: int) -> NDArray[np.int32]:
    return np.full(n, -1, dtype=np.int32)


def _slot_of(keys: Keys, slots: NDArray[np.int32]) -> Rows:
    """By the first bits of a product (Fibonacci hashing): keys may be alike in their first or last bits."""
    return ((keys * np.uint64(_BASE)) >> np.uint64(65 - len(slots).bit_length())).astype(np.int64)


def word_keys(words: Sequence[str]) -> Keys:
    """The key of each non-empty word; only its first 64 characters count.

    >>> a, b, c = word_keys(["срок", "сроки", "срок"])
    >>> bool(a == c), bool(a == b)
    (True, False)
    """
    if not words:
        return np.empty(0, dtype=np.uint64)
    points, lengths = _code_points([word[:_MAX_WORD_CHARS] for word in words])
    starts = np.cumsum(lengths) - lengths
    positions = np.arange(len(points)) - np.repeat(starts, lengths)
    keys: Keys = np.add.reduceat(points * _POWERS[positions], starts)
    return keys


def ngram_keys(words: Sequence[str]) -> tuple[Keys, Rows]:
    """Keys of all n-grams of all words, and for each the number of its word.

    A word is read between two blanks, so that beginnings and ends differ from middles.

    >>> keys, owners = ngram_keys(["да", "на"])  # " да ": 3 + 2 + 1 n-grams of 2, 3, 4 characters
    >>> owners.tolist()
    [0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 0, 1]
    """
    if not words:
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    points, lengths = _code_points([f" {word[:_MAX_WORD_CHARS]} " for word in words])
    owners = np.repeat(np.arange(len(words)), lengths)
    keys: list[Keys] = []
    owned: list[Rows] = []
    for size in NGRAM_SIZES:
        count = len(points) - size + 1
        if count <= 0:
            break
        inside = owners[:count] == owners[size - 1 :]
        grams = np.zeros(count, dtype=np.uint64)
        for i in range(size):
            grams += points[i : count + i] * _POWERS[i]
        keys.append(grams[inside])
        owned.append(owners[:count][inside])
    return np.concatenate(keys), np.concatenate(owned)


def pair_keys(first: Rows, second: Rows) -> Keys:
    """Keys of pairs of lemma rows; the pair is ordered, and no row may be negative."""
    return (first.astype(np.uint64) << np.uint64(32)) | second.astype(np.uint64)


def _code_points(words: Sequence[str]) -> tuple[Keys, Rows]:
    points = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    lengths = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
    return points.astype(np.uint64) + np.uint64(1), lengths  # a zero at the end would not count
