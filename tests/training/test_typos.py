"""Misspelt texts are still the same comments."""

import string

from hypothesis import given
from hypothesis import strategies as st

from training.corpus import Example, Label
from training.typos import misspell

LETTERS = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"


@given(st.lists(st.text(LETTERS + string.punctuation + " ", max_size=60), max_size=5), st.integers(0, 9))
def test_one_slip_a_word_and_the_same_labels(texts: list[str], seed: int) -> None:
    """Each text changes by at most one letter in each third word of four letters or more."""
    labels = (Label("price", None, "problem"),)
    for before, after in zip(texts, misspell([Example(t, labels) for t in texts], seed), strict=True):
        slips = -(-sum(len(word) >= 4 for word in _words(before)) // 3)
        assert abs(len(after.text) - len(before)) <= slips
        assert after.labels == labels


def _words(text: str) -> list[str]:
    return "".join(c if c in LETTERS else " " for c in text).split()


def test_the_same_seed_gives_the_same_typos() -> None:
    """Figures on misspelt comments can be repeated."""
    examples = [Example("Задержали поставку на две недели, сорвался монтаж")]
    first, again, other = (misspell(examples, seed)[0].text for seed in (1, 1, 2))
    assert first == again != examples[0].text
    assert other != first
