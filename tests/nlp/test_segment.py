"""Texts are cut where one statement ends and another begins."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.nlp.clean import clean
from service.nlp.segment import clauses, evidence_span, words
from service.nlp.spans import Span

CASES = [
    line
    for line in (Path(__file__).parents[1] / "cases" / "clauses.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]


@pytest.mark.parametrize("case", CASES)
def test_boundaries(case: str) -> None:
    """Clauses end where a reader would end them."""
    pieces = case.replace("\\n", "\n").split("|")
    text = "".join(pieces)
    expected = [words(piece) for piece in pieces if words(piece)]
    assert [list(clause.words) for clause in clauses(text)] == expected


@given(st.text())
def test_clauses_cover_all_words_in_order(text: str) -> None:
    """No word is lost or read twice, whatever the text."""
    found = clauses(text)
    assert [word for clause in found for word in clause.words] == words(text)
    assert all(a.span.stop <= b.span.start for a, b in pairwise(found))
    assert all(clause.words for clause in found)


@given(st.text(alphabet="аоку но,.!?-() \n«»да", max_size=60))
def test_evidence_lies_within_its_clause(text: str) -> None:
    """Trimming a clause for quotation leaves a piece of it, with a word."""
    cleaned = clean(text).text
    for clause in clauses(cleaned):
        span = evidence_span(cleaned, clause.span)
        assert clause.span.start <= span.start < span.stop <= clause.span.stop


@pytest.mark.parametrize(
    ("clause", "quoted"),
    [
        ("А станок сам отличный.", "станок сам отличный"),
        ("но, да, доставка подвела!!!", "доставка подвела"),
        ("«менеджер хам»", "менеджер хам"),
        ("и", "и"),
    ],
)
def test_quotation_leaves_out_conjunctions_and_marks(clause: str, quoted: str) -> None:
    """A quotation begins and ends with what was said."""
    assert evidence_span(clause, Span(0, len(clause))).of(clause) == quoted
