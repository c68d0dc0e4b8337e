"""What a model said of the comments that it was made from, each judged by a fold that had not seen it.

Kept beside the model as plain arrays (`held_out.npz`) without a word of text, so that a later candidate
can be compared with it comment by comment.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from service.nlp.heads import POLARITIES
from service.nlp.taxonomy import Taxonomy
from training.corpus import Example, Label
from training.scoring import Guess
from training.split import text_key

NAME = "held_out.npz"


def write_held_out(
    folder: Path, taxonomy: Taxonomy, examples: Sequence[Example], guesses: Sequence[Guess]
) -> None:
    """Write the guesses, one an example."""
    codes = taxonomy.category_codes
    polarities = np.full((len(guesses), len(codes)), -1, dtype=np.int8)
    aspects = np.full((len(guesses), len(codes)), -1, dtype=np.int8)
    for row, guess in enumerate(guesses):
        for label in guess.labels:
            number = codes.index(label.category)
            polarities[row, number] = POLARITIES.index(label.polarity) if label.polarity else -1
            known = taxonomy.aspect_codes(label.category)
            aspects[row, number] = known.index(label.aspect) if label.aspect else -1
    np.savez_compressed(
        folder / NAME,
        keys=np.array([int(text_key(example.text), 16) for example in examples], dtype=np.uint64),
        polarities=polarities,
        aspects=aspects,
        probabilities=np.array([guess.probabilities for guess in guesses], dtype=np.float32),
        needs_review=np.array([guess.needs_review for guess in guesses]),
    )


def read_held_out(folder: Path, taxonomy: Taxonomy) -> dict[str, Guess]:
    """The guesses by `text_key`; empty for a model that was made without them."""
    if not (folder / NAME).is_file():
        return {}
    with np.load(folder / NAME, allow_pickle=False) as arrays:
        keys, polarities, aspects = arrays["keys"], arrays["polarities"], arrays["aspects"]
        probabilities, needs_review = arrays["probabilities"], arrays["needs_review"]
    codes = taxonomy.category_codes
    found = {}
    for row, key in enumerate(keys.tolist()):
        labels = tuple(
            Label(
                codes[number],
                taxonomy.aspect_codes(codes[number])[aspects[row, number]]
                if aspects[row, number] >= 0
                else None,
                POLARITIES[polarities[row, number]],
            )
            for number in np.flatnonzero(polarities[row] >= 0)
        )
        found[f"{key:016x}"] = Guess(labels, (), tuple(probabilities[row].tolist()), bool(needs_review[row]))
    return found
