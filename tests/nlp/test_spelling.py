"""Mistyped words are read as the words that were meant, and others are left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.nlp.spelling import Spelling, choose_forms, is_one_slip

FORMS = ["доставка", "поставка", "качество", "менеджер", "сроки"]
SPELLING = Spelling.of(FORMS)
LETTERS = "авгдеж"
SLIPS = ["left out", "put in", "replaced", "swapped"]


def _slip(word: str, kind: str, place: int, letter: str) -> str:
    before, own, after = word[:place], word[place], word[place + 1 :]
    return {
        "left out": before + after,
        "put in": before + letter + own + after,
        "replaced": before + letter + after,
        "swapped": before + after[:1] + own + after[1:],
    }[kind]


@given(st.sampled_from(FORMS[:4]), st.sampled_from(SLIPS), st.integers(0, 7), st.sampled_from("абюя"))
def test_any_one_slip_is_mended(word: str, kind: str, place: int, letter: str) -> None:
    """Whatever the slip and wherever it is, the form comes back, or one as near."""
    typed = _slip(word, kind, place, letter)
    meant = SPELLING.correct([typed])[0]
    assert meant in FORMS
    assert is_one_slip(meant, typed)


@given(st.text(LETTERS, max_size=6), st.text(LETTERS, max_size=6))
def test_one_slip_is_what_the_definition_says(meant: str, typed: str) -> None:
    """All words that one slip makes of another are found, and no others."""
    reachable = {
        _slip(meant, kind, place, letter)
        for kind in SLIPS
        for place in range(len(meant))
        for letter in "авгдеж"
    } | {meant + letter for letter in "авгдеж"}
    assert is_one_slip(meant, typed) == (typed in reachable | {meant})


@pytest.mark.parametrize("word", ["срок", "срки", "gost-5", "станок", "🙂🙂🙂🙂🙂", ""])
def test_what_is_short_or_far_from_all_forms_stays(word: str) -> None:
    """Short words, articles and words like no form are not altered."""
    assert SPELLING.correct([word]) == [word]


def test_the_more_frequent_form_is_meant() -> None:
    """Where two forms are one slip away, the one that more comments have is chosen."""
    forms = choose_forms({"поставка": 3, "доставка": 9, "лоставка": 1, "да": 50})
    assert forms == ["доставка", "поставка"]
    assert Spelling.of(forms).correct(["роставка"]) == ["доставка"]


def test_nothing_is_known_nothing_is_mended() -> None:
    """An index without forms leaves every word as it is."""
    assert Spelling.of([]).correct(["доставка"]) == ["доставка"]
