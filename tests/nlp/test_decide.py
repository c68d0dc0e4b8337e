"""Scores become tags by a rule that can be followed by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.nlp.context import CONTEXTS, context_of
from service.nlp.decide import DecisionRule, Scores, choose_aspects, decide, sigmoid, softmax
from service.nlp.heads import POLARITIES, Head, Heads
from service.nlp.runs import Runs
from service.nlp.taxonomy import Taxonomy

RULE = DecisionRule(
    calibration=((0.0, 1.0, 0.0, 0.0),) * 5,
    thresholds=(0.5,) * 5,
    evidence_cuts=(0.0,) * 5,
    aspect_cuts=(0.5,) * 5,
    whole_weight=0.0,
    tone_shifts=((0.0, 0.0, 0.0),) * CONTEXTS,
    review_cut=0.6,
)


def _scores(heads: Heads, comments: list[dict[Head, float]], clauses: list[dict[Head, float]],
            owners: list[int]) -> Scores:  # fmt: skip
    def table(rows: list[dict[Head, float]]) -> np.ndarray:
        return np.array([[row.get(head, -4.0) for head in heads.all] for row in rows]).reshape(
            -1, len(heads.all)
        )

    return Scores(table(comments), table(clauses), Runs(np.bincount(owners, minlength=len(comments))))


@pytest.fixture
def heads(taxonomy: Taxonomy) -> Heads:
    """The heads of the shipped taxonomy."""
    return Heads(taxonomy)


def test_columns_have_their_heads(heads: Heads, taxonomy: Taxonomy) -> None:
    """Each slice of columns is of the heads that its name says."""
    assert [head.category for head in heads.all[heads.categories]] == list(taxonomy.category_codes)
    assert [head.polarity for head in heads.all[heads.tone]] == list(POLARITIES)
    for number, code in enumerate(taxonomy.category_codes):
        assert heads.all[heads.polarities(number)] == tuple(Head(code, polarity=p) for p in POLARITIES)
        aspects = tuple(Head(code, aspect=aspect) for aspect in taxonomy.aspect_codes(code))
        assert heads.all[heads.aspects(number)] == aspects
    assert heads.aspects(4).stop == len(heads.all)


def test_evidence_polarity_and_aspect_come_from_the_speaking_clause(heads: Heads) -> None:
    """Of two clauses, the one that speaks of the category decides on polarity and aspect."""
    late = {Head("logistics"): 3.0, Head("logistics", polarity="problem"): 2.0,
            Head("logistics", aspect="deadlines"): 2.0}  # fmt: skip
    fine = {Head("quality"): 3.0, Head("quality", polarity="praise"): 2.0}
    whole = {Head("logistics"): 2.0, Head("quality"): 2.0}
    decisions = decide(_scores(heads, [whole], [late, fine], [0, 0]), heads, RULE)
    assert decisions.tagged.tolist() == [[True, True, False, False, False]]
    assert decisions.evidence[:, :2].tolist() == [[False, True], [True, False]]
    assert POLARITIES[decisions.polarities[0, 1]] == "problem"
    assert POLARITIES[decisions.polarities[0, 0]] == "praise"
    assert decisions.aspects[0, :2].tolist() == [-1, 0]


def test_a_comment_without_clauses_gets_nothing(heads: Heads) -> None:
    """Silence is not judged, however the biases lean."""
    decisions = decide(_scores(heads, [{Head("quality"): 9.0}], [], []), heads, RULE)
    assert not decisions.tagged.any()
    assert not decisions.needs_review.any()


def test_an_unsure_category_needs_review(heads: Heads) -> None:
    """A person looks at comments whose weakest decision is near the toss of a coin."""
    sure = {head: 5.0 if head == Head("price") else -5.0 for head in heads.all}
    sure[Head("price", polarity="praise")] = 5.0
    unsure = sure | {Head("sales"): 0.1}
    decisions = decide(_scores(heads, [sure, unsure], [sure, unsure], [0, 1]), heads, RULE)
    assert decisions.needs_review.tolist() == [False, True]


def test_no_aspects_no_aspect() -> None:
    """A category without aspects names none."""
    assert choose_aspects(np.empty((3, 0)), 0.5).tolist() == [-1, -1, -1]


@given(st.lists(st.floats(-1e4, 1e4), min_size=3, max_size=3))
def test_shares_are_shares(logits: list[float]) -> None:
    """No logit, however far out, breaks a probability."""
    assert np.isclose(softmax(np.array([logits])).sum(), 1)
    assert all(0 <= share <= 1 for share in sigmoid(np.array(logits)))


def test_score_and_question_lean_on_the_sign(heads: Heads) -> None:
    """Where the words leave the sign open, what is known of the comment decides; else the words do."""
    named = {Head("logistics"): 3.0}
    open_sign = {Head("logistics", polarity=polarity): 0.0 for polarity in POLARITIES}
    plain_sign = open_sign | {Head("logistics", polarity="problem"): 5.0}
    whole, clauses = [named, named], [named | open_sign, named | plain_sign]
    after_ten = context_of(10, None)
    shifts = [(0.0, 0.0, 0.0)] * CONTEXTS
    shifts[after_ten] = (-1.0, 1.0, 0.0)
    scores = replace(_scores(heads, whole, clauses, [0, 1]), contexts=np.array([after_ten, after_ten]))
    decisions = decide(scores, heads, replace(RULE, tone_shifts=tuple(shifts)))
    logistics = heads.taxonomy.category_codes.index("logistics")
    assert [POLARITIES[i] for i in decisions.polarities[:, logistics]] == ["praise", "problem"]
