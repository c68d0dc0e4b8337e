"""The chunks of a text, the characters between its blanks, found and named in a few passes over it.

A chunk is named by a key, Σ (cᵢ + 1) · rᵢ mod 2⁶⁴ over its code points cᵢ, so that numpy names all chunks
of many texts at once and no string is made of any. The multipliers rᵢ are drawn anew in each process
(multilinear hashing; Lemire and Kaser, "Strongly universal string hashing is fast", 2014): any two chunks
have the same key with a chance of 2⁻⁴⁴ at most, and of about 2⁻⁶⁰ for letters, whoever chose them. Keys
are good for as long as their process.
"""

import os
import sys
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from service.nlp.hashing import Keys, Rows

LINE_ENDS = "\n\r\x85\u2028\u2029"

_LONGEST = 64
"""Longer chunks, of which there are hardly any, are named by Python's own hash, which is keyed too."""
_MULTIPLIERS: Keys = np.frombuffer(os.urandom(8 * _LONGEST), dtype=np.uint64)
_INK, _BLANK, _LINE_END = 0, 1, 2


@dataclass(frozen=True)
class Chunks:
    """The n chunks of a text, as `text.split()` has them."""

    starts: Rows
    stops: Rows
    lines: Rows
    """The number of the line that each stands in."""
    keys: Keys

    def texts(self, text: str, which: Rows) -> list[str]:
        """Those chunks, as they stand in the `text`."""
        bounds = zip(self.starts[which].tolist(), self.stops[which].tolist(), strict=True)
        return [text[start:stop] for start, stop in bounds]

    def first(self, which: Rows) -> Rows:
        """Those chunks without their repetitions, in order."""
        _, first = np.unique(self.keys[which], return_index=True)
        return which[np.sort(first)]


def find_chunks(text: str) -> Chunks:
    """The chunks of `text`, any string.

    >>> chunks = find_chunks("Везли долго,  но везли")
    >>> chunks.starts.tolist(), chunks.stops.tolist()
    ([0, 6, 14, 17], [5, 12, 16, 22])
    >>> len(set(chunks.keys.tolist()))  # «Везли» is not «везли»
    4
    """
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    kinds = _kinds().take(points)
    ink = np.zeros(len(points) + 2, dtype=np.bool_)
    np.equal(kinds, _INK, out=ink[1:-1])
    bounds = np.flatnonzero(ink[1:] != ink[:-1])
    starts, stops = bounds[::2], bounds[1::2]
    lines = count_until(starts, np.flatnonzero(kinds == _LINE_END))
    keys = _name(points, starts, stops) if len(starts) else np.empty(0, dtype=np.uint64)
    for i in np.flatnonzero(stops - starts > _LONGEST).tolist():
        keys[i] = np.uint64(hash(text[starts[i] : stops[i]]) % (1 << 64))
    return Chunks(starts, stops, lines, keys)


def count_until(places: Rows, bounds: Rows) -> Rows:
    """How many of `bounds` stand at each of `places` or before it; both ascend.

    >>> count_until(np.array([0, 4, 7, 9]), np.array([4, 8])).tolist()
    [0, 1, 1, 2]
    """
    ends = np.empty(len(bounds) + 2, dtype=np.int64)
    ends[0], ends[1:-1], ends[-1] = 0, np.searchsorted(places, bounds), len(places)
    return np.repeat(np.arange(len(bounds) + 1), ends[1:] - ends[:-1])


def _name(points: NDArray[np.uint32], starts: Rows, stops: Rows) -> Keys:
    """The keys of chunks, of which there are some: differences of a running sum, which may run over."""
    steps = np.ones(len(points), dtype=np.int64)
    steps[starts[1:]] -= starts[1:] - starts[:-1]
    steps[starts[0]] -= starts[0] + 1
    places = np.cumsum(steps, out=steps)  # of each code point in its chunk
    products = _MULTIPLIERS.take(places, mode="clip")
    products *= points + np.uint32(1)
    running = np.empty(len(points) + 1, dtype=np.uint64)
    running[0] = 0
    np.cumsum(products, out=running[1:])
    keys: Keys = running[stops] - running[starts]
    return keys


@cache
def _kinds() -> NDArray[np.uint8]:
    """Whether each code point is a blank, the end of a line, or neither."""
    kinds = np.zeros(sys.maxunicode + 1, dtype=np.uint8)
    kinds[[ord(blank) for blank in filter(str.isspace, map(chr, range(0x3001)))]] = _BLANK
    kinds[[ord(character) for character in LINE_ENDS]] = _LINE_END
    return kinds
