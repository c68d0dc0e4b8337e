"""The dictionary form of a Russian word."""

import re
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pymorphy3

_DIGITS = re.compile(r"\d+")
_CYRILLIC = re.compile(r"[а-я]")
_MIN_LETTERS = 3
"""Shorter words may be abbreviations too, which the dictionary's table does not tell."""


class Lemmatizer:
    """Dictionary forms by pymorphy3; library and dictionary (30 MB) are loaded at first use."""

    @cached_property
    def _morph(self) -> "pymorphy3.MorphAnalyzer":
        import pymorphy3

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
        return self._normal_form(word).replace("ё", "е")

    def knows(self, word: str) -> bool:
        """Whether the dictionary has a lower-case `word`.

        >>> [Lemmatizer().knows(word) for word in ("сроками", "елки", "срокаим")]
        [True, True, False]
        """
        is_known: bool = self._morph.word_is_known(word)
        return is_known

    def _normal_form(self, word: str) -> str:
        """The normal form of the likeliest parse.

        Most words have the same in all their parses; then the dictionary alone tells it, in half the time.
        """
        dictionary = self._morph.dictionary
        found = dictionary.words.similar_items(word, self._morph.char_substitutes)
        forms = {dictionary.build_normal_form(*parse, form) for form, parses in found for parse in parses}
        if len(forms) == 1 and len(word) >= _MIN_LETTERS:
            return str(forms.pop())
        normal_form: str = self._morph.parse(word)[0].normal_form
        return normal_form
