"""Texts are cut where one statement ends and another begins."""

import re
from collections.abc import Sequence
from itertools import compress, pairwise
from pathlib import Path
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.nlp import segment
from service.nlp.chunks import _kinds, find_chunks
from service.nlp.clean import clean
from service.nlp.hashing import Rows
from service.nlp.reading import Clause, Reader
from service.nlp.segment import pieces, words

CASES = [
    line
    for line in (Path(__file__).parents[1] / "cases" / "clauses.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
TEXTS = st.one_of(
    st.text(),
    st.text(alphabet="аоку но,.!?-()\n«»да", max_size=60),
    st.text(alphabet="абвгд cекЁё\u0301\u200b&;oa<br>\n", max_size=40),
)


class Words(list[str]):
    """A store that keeps the words themselves."""

    def add(self, words: Sequence[str]) -> None:
        self.extend(words)

    def keep(self, numbers: Rows) -> Self:
        return type(self)(self[number - 1] for number in numbers if number)


def _clauses(text: str) -> list[Clause]:
    [found] = Reader(Words).read([text]).clauses()
    return found


@pytest.mark.parametrize("case", CASES)
def test_boundaries(case: str) -> None:
    """Clauses end where a reader would end them."""
    pieces = case.replace("\\n", "\n").split("|")
    expected = [words(clean(piece).text) for piece in pieces]
    assert [list(clause.words) for clause in _clauses("".join(pieces))] == [own for own in expected if own]


@given(TEXTS)
def test_clauses_cover_all_words_in_order(text: str) -> None:
    """No word is lost or read twice, and clauses do not overlap, whatever the text."""
    found = _clauses(text)
    if "<" not in text:
        expected = [word for chunk in text.split() for word in words(clean(chunk).text)]
        assert [word for clause in found for word in clause.words] == expected
    assert all(a.span.stop <= b.span.start for a, b in pairwise(found))
    assert all(clause.words and 0 <= clause.span.start < clause.span.stop <= len(text) for clause in found)


@given(st.lists(TEXTS, max_size=6))
def test_a_text_is_read_alike_in_any_company(texts: list[str]) -> None:
    """What stands before and after a text does not change its clauses."""
    assert Reader(Words).read(texts).clauses() == [_clauses(text) for text in texts]


@given(st.lists(TEXTS, max_size=12))
def test_a_full_lexicon_changes_nothing(texts: list[str]) -> None:
    """When more chunks come than are kept, those used least are forgotten, and nothing is misread."""
    small = Reader(Words, max_chunks=4, max_words=4)
    assert [small.read([text]).clauses()[0] for text in texts] == [_clauses(text) for text in texts]
    kept = small.read([]).lexicon
    assert len(kept.chunks) <= 4
    assert kept.words == ["", *kept.store]


@pytest.mark.parametrize(
    ("n_chunks", "n_words", "kept"),
    [
        (9, 9, ["срок", "срок,", "цена", "брак"]),
        (3, 9, ["срок", "срок,", "цена"]),
        (9, 2, ["срок", "срок,", "цена"]),
        (9, 1, ["срок", "срок,"]),
    ],
)
def test_what_is_used_most_is_kept(n_chunks: int, n_words: int, kept: list[str]) -> None:
    """Of a full lexicon the chunks of most batches stay, as many as the bounds for chunks and words allow."""
    reader = Reader(Words)
    for text in ("срок срок, цена", "цена срок срок,", "срок, срок", "брак"):
        reader.read([text])
    fewer = reader.read([]).lexicon.most_used(n_chunks, n_words)
    known = fewer.chunks.find(find_chunks("брак срок срок, цена").keys) >= 0
    assert list(compress(("брак", "срок", "срок,", "цена"), known)) == sorted(kept)
    assert fewer.words == ["", *fewer.store]


@pytest.mark.parametrize(
    ("clause", "quoted"),
    [
        ("А станок сам отличный.", "станок сам отличный"),
        ("да, доставка подвела!!!", "доставка подвела"),
        ("«менеджер хам»", "менеджер хам"),
        ("и", "и"),
        (":(", ":("),
        ("Плюс-минус <b>неделя</b>, ОК", "Плюс-минус <b>неделя</b>, ОК"),
    ],
)
def test_quotation_leaves_out_conjunctions_and_marks(clause: str, quoted: str) -> None:
    """A quotation begins and ends with what was said, as it was typed."""
    assert [found.span.of(clause) for found in _clauses(clause)] == [quoted]


def test_chunks_are_what_python_splits() -> None:
    """Every blank of `str.split` is one for the reader."""
    blanks = {point for point in range(len(_kinds())) if chr(point).isspace()}
    assert {int(point) for point in _kinds().nonzero()[0]} == blanks


WORDS = [
    "Ждали",
    "но",
    "Ёлка",
    "что",
    "так",
    "а",
    "КАК",
    "котором",
    "да",
    "Станок",
    "мин",
    "т",
    "к",
    "ооочень",
    "кое-как",
    "Что-то",
    "как-то",
    "по-Русски",
    "А-а-а",
    "кВт",
    "7",
    "2024",
    "«Станок",
    "станок»",
    '"Но"',
    "«а»",
    '"15"',
]
MARKS = ["", ",", "!", "?", ".", ":", ";", "..", "...", "….", "…", "!!!", "?!", "!.", "?,", ".)", ":)", ";)"]


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("mark", MARKS)
def test_the_short_cut_for_simple_chunks_changes_nothing(
    word: str, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word with a mark is worked out as any other chunk is."""
    quick = pieces(word + mark)
    monkeypatch.setattr(segment, "_SIMPLE", re.compile(r"(?!)"))
    slow = pieces(word + mark)
    assert [(p.word, p.signs) for p in quick] == [(p.word, p.signs) for p in slow]
    assert [(p.start, p.stop) for p in quick] == [(p.start, p.stop) for p in slow]
