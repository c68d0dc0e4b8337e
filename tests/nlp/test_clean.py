"""Cleaning repairs what people and platforms do to letters, and can always point back."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.nlp.clean import clean
from service.nlp.spans import Span

CASES = {
    "latin look-alikes in a Cyrillic word": ("cроки и кaчество", "сроки и качество"),
    "a Latin word stays Latin": ("OTK и Wi-Fi", "OTK и Wi-Fi"),
    "a word with real Latin letters is left alone": ("PDFка", "PDFка"),
    "zero-width space inside a word": ("сро\u200bки", "сроки"),
    "soft hyphen": ("до\u00adставка", "доставка"),
    "direction marks": ("\u202eцена\u202c", "цена"),
    "decomposed й and ё": ("ужасныи\u0306 е\u0308ж", "ужасный еж"),
    "stress mark": ("за\u0301мок", "замок"),
    "drawl": ("оооочень дооолго", "очень долго"),
    "double letters stay": ("длинный ввод, 1000 шт", "длинный ввод, 1000 шт"),
    "entities": ("брак &amp; &laquo;пересорт&raquo;&#33;", "брак & «пересорт»!"),
    "line break of a form": ("плохо<br />дорого", "плохо\nдорого"),
    "no-break space": ("5\u00a0дней", "5 дней"),
    "Windows line end": ("да\r\nнет", "да\nнет"),
    "yo": ("Ёлка ещё", "Елка еще"),
    "NUL and bell": ("це\x00на\x07", "цена"),
    "half of a surrogate pair": ("цена\ud83d", "цена"),
    "comparison signs are no tags": ("цена < 5 и > 3", "цена < 5 и > 3"),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_repairs(text: str, expected: str) -> None:
    """Each kind of damage is repaired, and nothing else is touched."""
    assert clean(text).text == expected


@given(st.text())
def test_map_is_whole_and_ascending(text: str) -> None:
    """Every clean character has its slice of the original, in reading order, for any text."""
    cleaned = clean(text)
    spans = [cleaned.to_original(Span(i, i + 1)) for i in range(len(cleaned.text))]
    assert all(0 <= span.start < span.stop <= len(text) for span in spans)
    assert spans == sorted(spans)


@given(st.text(alphabet="абвгд cекЁё\u0301\u200b&;oa<br>\n", max_size=40))
def test_untouched_characters_are_quoted_as_they_stand(text: str) -> None:
    """A clean character that stands for one original character is that one, or its repair."""
    cleaned = clean(text)
    for i, character in enumerate(cleaned.text):
        span = cleaned.to_original(Span(i, i + 1))
        if span.length == 1 and unicodedata.category(character) == "Nd":
            assert span.of(text) == character


def test_quote_of_a_repaired_word() -> None:
    """Evidence is quoted as the customer typed it."""
    text = "Ну ваще: cрo\u200bкиии сорвали"
    cleaned = clean(text)
    start = cleaned.text.index("сроки")
    assert cleaned.to_original(Span(start, start + 5)).of(text) == "cрo\u200bкиии"


def test_text_that_needs_nothing_has_no_map() -> None:
    """Ordinary text costs no bookkeeping."""
    assert clean("Все хорошо, спасибо!").starts is None
