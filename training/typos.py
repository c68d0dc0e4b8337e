"""Misspelling texts the way people mistype, to see what that costs a model."""

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from training.corpus import Example

_ROWS = ("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю")
_NEIGHBOURS = {
    letter: row[max(0, place - 1) : place] + row[place + 1 : place + 2]
    for row in _ROWS
    for place, letter in enumerate(row)
}
_WORD = re.compile(r"[а-яё]{4,}", re.IGNORECASE)
_EVERY = 3


def misspell(examples: Sequence[Example], seed: int) -> list[Example]:
    """`examples` with one typo in each third word of four letters or more; labels as they were.

    A letter is left out, doubled, swapped with the next or replaced by its neighbour on the
    keyboard, each as likely. Marks are dropped, since the words move.
    """
    generator = random.Random(seed)
    return [replace(example, text=_misspell_text(example.text, generator), marks=()) for example in examples]


def _misspell_text(text: str, generator: random.Random) -> str:
    words = list(_WORD.finditer(text))
    pieces, done = [], 0
    for word in words[generator.randrange(_EVERY) :: _EVERY]:
        pieces += [text[done : word.start()], _mistype(word[0], generator)]
        done = word.end()
    return "".join([*pieces, text[done:]])


def _mistype(word: str, generator: random.Random) -> str:
    place = generator.randrange(1, len(word) - 1)
    before, letter, after = word[:place], word[place], word[place + 1 :]
    slips = (
        before + after,
        before + letter * 2 + after,
        before + after[0] + letter + after[1:],
        before + generator.choice(_NEIGHBOURS.get(letter.lower(), letter)) + after,
    )
    return generator.choice(slips)
