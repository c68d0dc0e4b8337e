"""Lemmas for training, which asks for those of the same words again and again."""

from functools import lru_cache

from service.nlp.lemmas import Lemmatizer


class KeepingLemmatizer(Lemmatizer):
    """Remembers what it said of every word; the service keeps words in a bounded way of its own."""

    def __init__(self) -> None:
        self._lemmas = lru_cache(maxsize=None)(super().lemma)
        self._known = lru_cache(maxsize=None)(super().knows)

    def lemma(self, word: str) -> str:
        """As `Lemmatizer.lemma`."""
        return self._lemmas(word)

    def knows(self, word: str) -> bool:
        """As `Lemmatizer.knows`."""
        return self._known(word)


@lru_cache(maxsize=1)
def keeping_lemmatizer() -> KeepingLemmatizer:
    """The one of this process."""
    return KeepingLemmatizer()
