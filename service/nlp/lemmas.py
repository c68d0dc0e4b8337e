"""The dictionary form of a Russian word."""

import re
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.nlp.normal_forms import NormalForms

_DIGITS = re.compile(r"\d+")
_CYRILLIC = re.compile(r"[а-я]")


class Lemmatizer:
    """Dictionary forms by pymorphy3; library and dictionary (30 MB) are loaded at first use."""

    @cached_property
    def _forms(self) -> "NormalForms":
        from service.nlp.normal_forms import NormalForms

        return NormalForms()

    def load(self) -> None:
        """Read the dictionary now, so that no word has to wait for it."""
        _ = self._forms

    def lemma(self, word: str) -> str:
        """The lemma of a lower-case `word`, with е for ё; numbers all become one.

        Words without Cyrillic letters stand for themselves.

        >>> [Lemmatizer().lemma(word) for word in ("сроками", "ёлки", "15", "dn50", "👍")]
        ['срок', 'елка', '0', 'dn0', '👍']
        """
        word = _DIGITS.sub("0", word)
        if not _CYRILLIC.search(word):
            return word
        return self._forms.of(word).replace("ё", "е")

    def knows(self, word: str) -> bool:
        """Whether the dictionary has a lower-case `word`.

        >>> [Lemmatizer().knows(word) for word in ("сроками", "елки", "срокаим")]
        [True, True, False]
        """
        return self._forms.has(word)
