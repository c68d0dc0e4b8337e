"""Which comments a run meets more than once, found in one reading and little memory."""

from array import array
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

from service.nlp.context import context_of, plain_context
from service.nlp.tagger import Comment

_SLOTS = 1 << 22
MAX_TEXTS = 3_000_000
"""Distinct texts that are remembered, in 32 MiB. One that comes later is not looked out for."""
MAX_REPEATS = 100_000
"""Repeated texts that are tagged beforehand: what they come to is kept in memory."""
MAX_REPEAT_CHARS = 1_000
"""A longer text is hardly ever written twice, and would take too much of that memory."""


class SeenTexts:
    """A set of texts as 64-bit hashes, in an open-addressing table of fixed size."""

    def __init__(self, slots: int = _SLOTS, max_texts: int = MAX_TEXTS) -> None:
        self._table = array("Q", bytes(8 * slots))
        self._mask = slots - 1
        self._left = max_texts

    def add(self, text: str) -> bool:
        """Remember `text`; whether it was there already.

        >>> seen = SeenTexts(slots=8, max_texts=4)
        >>> [seen.add(text) for text in ("нет", "цена", "нет")]
        [False, False, True]
        """
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        key = int.from_bytes(digest, "big") or 1  # 0 marks an empty slot
        slot = key & self._mask
        while found := self._table[slot]:
            if found == key:
                return True
            slot = (slot + 1) & self._mask
        if self._left:
            self._table[slot] = key
            self._left -= 1
        return False


class Repeats:
    """Collects the comments that are met more than once, in the order of their second time."""

    def __init__(self, max_repeats: int = MAX_REPEATS) -> None:
        self._seen = SeenTexts()
        self._max_repeats = max_repeats
        self.comments: dict[Comment, None] = {}

    def add(self, comments: Iterable[Comment]) -> None:
        """Look at comments.

        >>> repeats = Repeats()
        >>> repeats.add(map(Comment, ["нет", "цена", "нет", "да", "цена", "нет"]))
        >>> [comment.text for comment in repeats.comments]
        ['нет', 'цена']
        """
        for comment in map(as_tagged, comments):
            if len(comment.text) > MAX_REPEAT_CHARS or len(self.comments) >= self._max_repeats:
                continue
            if self._seen.add(f"{comment.context}\0{comment.text}"):
                self.comments[comment] = None


def as_tagged(comment: Comment) -> Comment:
    """The comment as far as its tags depend on it: of score and question only their kinds count.

    >>> as_tagged(Comment("долго", 3, "Что нам улучшить?")) == as_tagged(Comment("долго", 5, "Что улучшить?"))
    True
    """
    return Comment(comment.text, *_kind(comment.score, comment.question))


@lru_cache(maxsize=10_000)
def _kind(score: int | None, question: str | None) -> tuple[int | None, str | None]:
    return plain_context(context_of(score, question))
