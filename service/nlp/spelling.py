"""Mistyped words, read as the words that were meant.

Answers are typed on phones and in a hurry. A word that is in no dictionary is read as a form that
one slip of the finger turns into it: a letter left out, put in, replaced, or swapped with the next.
Of several such forms the one that most comments have is meant.

Two words one slip apart are alike once at most one letter is left out of each. So an index of every
known form, whole and with each of its letters left out, finds all forms that a mistyped word can
stand for without trying the alphabet at every place (Garbe's symmetric deletion).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from service.nlp.hashing import Keys, word_keys

MIN_LETTERS = 5
"""Shorter words are one slip apart from too many others."""


@dataclass(frozen=True)
class Spelling:
    """The forms that a mistyped word may stand for, and where to find them."""

    letters: NDArray[np.uint8]
    """The forms in UTF-8, the most frequent first, a line feed between two."""
    keys: Keys
    """Sorted keys of all forms, whole and with one letter left out."""
    rows: NDArray[np.int32]
    """The form that each key is of."""

    @classmethod
    def of(cls, forms: Sequence[str]) -> Self:
        """An index of `forms`, the most frequent first."""
        shortened = [list(_shorten(form)) for form in forms]
        keys = word_keys([own for some in shortened for own in some])
        rows = np.repeat(np.arange(len(forms), dtype=np.int32), [len(some) for some in shortened])
        order = np.argsort(keys, kind="stable")
        letters = np.frombuffer("\n".join(forms).encode(), dtype=np.uint8)
        return cls(letters, keys[order], rows[order])

    @cached_property
    def forms(self) -> list[str]:
        """The most frequent first."""
        return self.letters.tobytes().decode().split("\n")

    def correct(self, words: Sequence[str]) -> list[str]:
        """What each word was meant to be; the word itself where no form is one slip away.

        >>> Spelling.of(["поставка", "доставка"]).correct(["достаква", "пставка", "остановка"])
        ['доставка', 'поставка', 'остановка']
        """
        long = [i for i, word in enumerate(words) if len(word) >= MIN_LETTERS and word.isalpha()]
        meant = list(words)
        for i, found in zip(long, self._find_alike([words[i] for i in long]), strict=True):
            likely = (self.forms[row] for row in sorted(found))
            meant[i] = next((form for form in likely if is_one_slip(form, words[i])), words[i])
        return meant

    def _find_alike(self, words: Sequence[str]) -> list[set[int]]:
        """The forms that share a key with each of `words`: all looked up at once, as that is far quicker."""
        shortened = [list(_shorten(word)) for word in words]
        keys = word_keys([own for some in shortened for own in some])
        owners = np.repeat(np.arange(len(words)), [len(some) for some in shortened])
        starts, stops = np.searchsorted(self.keys, keys), np.searchsorted(self.keys, keys, "right")
        found: list[set[int]] = [set() for _ in words]
        for i in np.flatnonzero(stops > starts).tolist():
            found[owners[i]].update(self.rows[starts[i] : stops[i]].tolist())
        return found


def is_one_slip(meant: str, typed: str) -> bool:
    """Whether one letter left out, put in, replaced or swapped with the next makes `typed` of `meant`.

    >>> [is_one_slip("срок", typed) for typed in ("сок", "сроки", "сром", "сорк", "корс", "сроками")]
    [True, True, True, True, False, False]
    """
    same = _common_start(meant, typed)
    ours, theirs = meant[same:], typed[same:]
    return (
        ours[1:] == theirs
        or ours == theirs[1:]
        or ours[1:] == theirs[1:]
        or (ours[1:2] + ours[:1] + ours[2:] == theirs and len(ours) > 1)
    )


def choose_forms(documents: dict[str, int]) -> list[str]:
    """The forms worth an index, the most frequent first, of words by number of comments."""
    known = (word for word, count in documents.items() if count > 1)
    fit = (word for word in known if len(word) >= MIN_LETTERS - 1 and word.isalpha())
    return sorted(fit, key=lambda word: (-documents[word], word))


def _common_start(first: str, second: str) -> int:
    pairs = enumerate(zip(first, second, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(first), len(second)))


def _shorten(word: str) -> Iterator[str]:
    """The word, and it with each of its letters left out, each once."""
    yield from dict.fromkeys([word, *(word[:i] + word[i + 1 :] for i in range(len(word)))])
