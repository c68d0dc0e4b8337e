"""Lemmas are those of pymorphy3's likeliest parse, without the rest of what it works out."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymorphy3 import MorphAnalyzer

from service.nlp.normal_forms import NormalForms

LETTERS = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
KNOWN = (
    "стали",
    "стекла",
    "сроками",
    "все",
    "ёлки",
    "лучше",
    "него",
    "быстрее",
    "банка",
    "мыла",
    "нет",
    "кв",
)
UNKNOWN = (
    *("станак", "достаква", "гудит", "понедльник", "бутявками", "суперстанком", "недовальцевали"),  # prefixes
    *(
        "поквакали",
        "наибуржуйнейший",
        "побыстрейше",
        "полутороплёночный",
        "экссотрудникам",
    ),  # of paradigms, too
    *("клиент-менеджеру", "станок-автомат", "кто-нибудь", "смотри-ка", "по-станковому", "псевдо-станки"),
    *("как-то", "бутявка-станок", "ааа", "щщщ", "ъ-ъ", "ого-го", "dn-станок", "да-да-да", "-то", "0-й"),
)


@cache
def _forms() -> NormalForms:
    return NormalForms()


@cache
def _morph() -> MorphAnalyzer:
    return MorphAnalyzer()


def _parsed(word: str) -> str:
    return str(_morph().parse(word)[0].normal_form)


@pytest.mark.parametrize("word", [*KNOWN, *UNKNOWN])
def test_words_of_every_kind(word: str) -> None:
    """Known and unknown words, behind prefixes and with hyphens, are read as pymorphy3 reads them."""
    assert _forms().of(word) == _parsed(word)


@given(st.sampled_from([*KNOWN, *UNKNOWN]), st.integers(0, 20), st.sampled_from([*LETTERS, "-", ""]))
@settings(deadline=None, max_examples=300)
def test_mistyped_words(word: str, at: int, letter: str) -> None:
    """So are words with a slip of the finger anywhere."""
    typed = word[:at] + letter + word[at + 1 :]
    assert _forms().of(typed or "а") == _parsed(typed or "а")


@given(st.text(LETTERS, min_size=1, max_size=14))
@settings(deadline=None, max_examples=200)
def test_letters_that_are_no_word(word: str) -> None:
    """So is anything that consists of letters."""
    assert _forms().of(word) == _parsed(word)


@given(st.sampled_from(KNOWN), st.sampled_from(KNOWN))
@settings(deadline=None)
def test_words_put_together(first: str, second: str) -> None:
    """So are two words in one, with a hyphen and without."""
    for word in (f"{first}-{second}", first + second):
        assert _forms().of(word) == _parsed(word)
