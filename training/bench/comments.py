"""Comments to measure on: the corpus, and as many more, all distinct, as a measurement needs."""

import random
import re
from collections.abc import Iterator, Sequence

_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_TYPO_SHARE = 0.008
"""Of words: as in public comments, see research on growth of their vocabulary."""
_LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюя"


def make_comments(texts: Sequence[str], seed: int) -> Iterator[str]:
    """Endless comments of about the lengths of `texts`: their sentences shuffled, some words mistyped.

    They are to be read and scored, not understood; no two are alike but the shortest.
    """
    generator = random.Random(seed)
    sentences = [found[0].strip() for text in texts for found in _SENTENCE.finditer(text)]
    counts = [max(1, len(_SENTENCE.findall(text))) for text in texts]
    while True:
        drawn = " ".join(generator.choice(sentences) for _ in range(generator.choice(counts)))
        words = drawn.split(" ")
        yield " ".join(_mistype(w, generator) if generator.random() < _TYPO_SHARE else w for w in words)


def _mistype(word: str, generator: random.Random) -> str:
    at = generator.randrange(len(word) + 1)
    return word[:at] + generator.choice(_LETTERS) + word[at + 1 :]
