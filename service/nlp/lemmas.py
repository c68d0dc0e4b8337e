"""The dictionary form of a Russian word."""

import re
from functools import cached_property

import pymorphy3

_DIGITS = re.compile(r"\d+")
_CYRILLIC = re.compile(r"[а-я]")


class Lemmatizer:
    """Dictionary forms by pymorphy3; the dictionary (30 MB) is read at first use."""

    @cached_property
    def _morph(self) -> pymorphy3.MorphAnalyzer:
        return pymorphy3.MorphAnalyzer()

    def load(self) -> None:
        """Read the dictionary now, so that no word has to wait for it."""
        _ = self._morph

    def lemma(self, word: str) -> str:
        """The lemma of a lower-case `word`, with е for ё; numbers all become one.

        Words without Cyrillic letters stand for themselves.

        >>> [Lemmatizer().lemma(word) for word in ("сроками", "ёлки", "15", "dn50", "👍")]
        ['срок', 'елка', '0', 'dn0', '👍']
        """
        word = _DIGITS.sub("0", word)
        if not _CYRILLIC.search(word):
            return word
        normal_form: str = self._morph.parse(word)[0].normal_form
        return normal_form.replace("ё", "е")

    def knows(self, word: str) -> bool:
        """Whether the dictionary has a lower-case `word`.

        >>> [Lemmatizer().knows(word) for word in ("сроками", "елки", "срокаим")]
        [True, True, False]
        """
        is_known: bool = self._morph.word_is_known(word)
        return is_known
