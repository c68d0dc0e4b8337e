"""Keys stand for words and n-grams."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.nlp.hashing import NGRAM_SIZES, KeyIndex, KeyTable, ngram_keys, pair_keys, word_keys

WORDS = st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=20, unique=True)


@given(WORDS)
def test_different_words_have_different_keys(words: list[str]) -> None:
    """A key names one word."""
    assert len(set(word_keys(words).tolist())) == len(words)


@given(WORDS)
def test_a_key_does_not_depend_on_the_company(words: list[str]) -> None:
    """Words have the same keys alone and in a batch."""
    assert word_keys(words).tolist() == [int(word_keys([word])[0]) for word in words]


@given(WORDS)
def test_ngrams_are_those_of_the_padded_word(words: list[str]) -> None:
    """All n-grams of each word are there, by a plain count, and equal ones have equal keys."""
    keys, owners = ngram_keys(words)
    plain = [(f" {word} "[i : i + n], owner) for owner, word in enumerate(words) for n in NGRAM_SIZES
             for i in range(len(word) + 3 - n)]  # fmt: skip
    assert len(keys) == len(plain)
    assert len(set(keys.tolist())) == len({gram for gram, _ in plain})
    assert np.bincount(owners, minlength=len(words)).tolist() == [
        sum(owner == number for _, owner in plain) for number in range(len(words))
    ]


def test_index_finds_what_it_has_and_nothing_else() -> None:
    """Missing keys are -1, at either end and in an empty index too."""
    index = KeyIndex(np.array([3, 5, 9], dtype=np.uint64))
    wanted = np.array([1, 3, 4, 9, 10], dtype=np.uint64)
    assert index.find(wanted).tolist() == [-1, 0, -1, 2, -1]
    assert KeyIndex(np.empty(0, dtype=np.uint64)).find(wanted).tolist() == [-1] * 5


def test_pairs_are_ordered() -> None:
    """«не работает» is not «работает не»."""
    one, other = np.array([1]), np.array([2])
    assert pair_keys(one, other) != pair_keys(other, one)


@given(st.lists(st.lists(st.integers(0, 2**64 - 1), unique=True), max_size=6), st.integers(0, 20))
def test_a_table_finds_what_was_added_and_nothing_else(batches: list[list[int]], shift: int) -> None:
    """Keys are numbered in the order in which they come, whatever their bits; others are -1."""
    table, numbers = KeyTable(), dict[int, int]()
    for batch in batches:
        keys = [key >> shift << shift for key in batch]
        new = [key for key in dict.fromkeys(keys) if key not in numbers]
        numbers |= {key: len(numbers) + i for i, key in enumerate(new)}
        table.add(np.array(new, dtype=np.uint64))
        assert table.find(np.array(keys, dtype=np.uint64)).tolist() == [numbers[key] for key in keys]
    others = [key for key in (0, 1, 2**63, 2**64 - 1) if key not in numbers]
    assert table.find(np.array(others, dtype=np.uint64)).tolist() == [-1] * len(others)
    assert table.keys.tolist() == list(numbers)


def test_a_table_grows() -> None:
    """Many keys, some of which begin at the same slot, are all found again."""
    keys = np.unique(np.random.default_rng(3).integers(0, 1 << 20, 50_000, dtype=np.uint64)) << np.uint64(40)
    table = KeyTable()
    for start in range(0, len(keys), 7_000):
        table.add(keys[start : start + 7_000])
        assert len(table) == min(start + 7_000, len(keys))
    assert np.array_equal(table.find(keys), np.arange(len(keys)))
    assert (table.find(keys + np.uint64(1)) == -1).all()
