"""Comments to measure on: the corpus, and as many more, all distinct, as a measurement needs."""

import math
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
    ahead = _draw_gap(generator)
    while True:
        words = " ".join(generator.choices(sentences, k=generator.choice(counts))).split(" ")
        while ahead < len(words):
            words[ahead] = _mistype(words[ahead], generator)
            ahead += 1 + _draw_gap(generator)
        ahead -= len(words)
        yield " ".join(words)


def _draw_gap(generator: random.Random) -> int:
    """Words without a mistake up to the next one that has one; far quicker than to draw for each word."""
    return int(math.log(1.0 - generator.random()) / math.log(1.0 - _TYPO_SHARE))


def _mistype(word: str, generator: random.Random) -> str:
    at = generator.randrange(len(word) + 1)
    return word[:at] + generator.choice(_LETTERS) + word[at + 1 :]
