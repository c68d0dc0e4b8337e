"""Choosing the decision rule on comments that the heads have not seen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from service.nlp.context import ASKED, CONTEXTS, GROUPS
from service.nlp.decide import (
    CALIBRATION_FEATURES,
    DecisionRule,
    Decisions,
    Scores,
    calibration_features,
    category_probabilities,
    choose_aspects,
    decide,
    find_evidence,
    polarity_logits,
    pool_evidence,
    sigmoid,
    softmax,
)
from service.nlp.features import Floats
from service.nlp.hashing import Rows
from service.nlp.heads import POLARITIES, Heads
from training.corpus import Example
from training.fit import TwinModel
from training.units import UnitSet

_LEAN_PENALTY = 5.0
"""On the squares of the leans, so that few cases move little."""

_LEAN = np.array([{"problem": -1.0, "praise": 1.0, "neutral": 0.0}[polarity] for polarity in POLARITIES])
"""What a lean of 1 adds to the logits of the polarities."""

REVIEW_SHARE = 0.2
"""Share of comments that are sent to a person: those whose least certain decision is weakest."""


@dataclass(frozen=True)
class HeldOut:
    """Comments with scores by heads that were fitted without their authors."""

    examples: Sequence[Example]
    units: UnitSet
    scores: Scores


def score_units(model: TwinModel, units: UnitSet) -> Scores:
    """Scores of all comments and clauses of `units`."""
    logits = model.decision_function(units.units)
    n = units.n_comments
    return Scores(logits[:n], logits[n:], units.runs, units.contexts)


def choose_rule(held_out: HeldOut, heads: Heads) -> DecisionRule:
    """The rule that does best on `held_out`, each number by its own criterion.

    Calibration by logistic regression, thresholds by F1 of the category, evidence by agreement of
    clauses with the marks, the share of the whole by accuracy of polarity, what score and question
    add by likelihood of the polarities, aspect cuts by accuracy with «no aspect» as an answer of its own,
    the review cut by `REVIEW_SHARE`.
    """
    n = len(heads.taxonomy.categories)
    rule = DecisionRule(
        calibration=tuple(_fit_calibration(held_out, heads, number) for number in range(n)),
        thresholds=(0.5,) * n,
        evidence_cuts=tuple(_choose_evidence_cut(held_out, heads, number) for number in range(n)),
        aspect_cuts=(0.0,) * n,
        whole_weight=0.5,
        tone_shifts=((0.0,) * len(POLARITIES),) * CONTEXTS,
        review_cut=0.0,
    )
    rule = replace(rule, thresholds=tuple(_choose_threshold(held_out, heads, rule, i) for i in range(n)))
    rule = replace(rule, whole_weight=_choose_whole_weight(held_out, heads, rule))
    rule = replace(rule, tone_shifts=_fit_tone_shifts(held_out, heads, rule))
    rule = replace(rule, aspect_cuts=tuple(_choose_aspect_cut(held_out, heads, rule, i) for i in range(n)))
    return replace(rule, review_cut=_choose_review_cut(held_out, heads, rule))


def truths(examples: Sequence[Example], category: str) -> NDArray[np.int8]:
    """1 where the category is labelled, 0 where not, -1 where it is optional."""
    return np.array(
        [-1 if category in e.optional else int(e.label(category) is not None) for e in examples],
        dtype=np.int8,
    )


def _fit_calibration(held_out: HeldOut, heads: Heads, number: int) -> tuple[float, ...]:
    answers = truths(held_out.examples, heads.taxonomy.category_codes[number])
    known = answers >= 0
    if len(set(answers[known].tolist())) < 2:
        return (0.0, 1.0, *(0.0,) * (CALIBRATION_FEATURES - 1))
    features = calibration_features(held_out.scores, heads)[known, number]
    model = LogisticRegression(C=10.0, max_iter=1000).fit(features, answers[known])
    return (float(model.intercept_[0]), *map(float, model.coef_[0]))


def _choose_threshold(held_out: HeldOut, heads: Heads, rule: DecisionRule, number: int) -> float:
    answers = truths(held_out.examples, heads.taxonomy.category_codes[number])
    probabilities = category_probabilities(held_out.scores, heads, rule)[:, number]
    return best_f1_threshold(probabilities[answers >= 0], answers[answers >= 0] == 1)


def best_f1_threshold(probabilities: Floats, answers: NDArray[np.bool_]) -> float:
    """The threshold in steps of 0.01 with the highest F1; the middle one of equals."""
    steps = np.arange(0.05, 0.96, 0.01)
    f1 = np.array([_f1(probabilities >= step, answers) for step in steps])
    best = np.flatnonzero(f1 >= f1.max() - 1e-12)
    return round(float(steps[best[len(best) // 2]]), 2)


def _f1(said: NDArray[np.bool_], answers: NDArray[np.bool_]) -> float:
    return float(2 * (said & answers).sum() / max(1, said.sum() + answers.sum()))


def _choose_evidence_cut(held_out: HeldOut, heads: Heads, number: int) -> float:
    code = heads.taxonomy.category_codes[number]
    said = [{label.category for label in unit.labels} for unit in held_out.units.clauses]
    answers = np.array([code in categories for categories in said])
    logits = held_out.scores.clauses[:, number]
    steps = np.arange(-3.0, 3.01, 0.1)
    f1 = [_f1(logits >= step, answers) for step in steps]
    return round(float(steps[int(np.argmax(f1))]), 1)


def _choose_whole_weight(held_out: HeldOut, heads: Heads, rule: DecisionRule) -> float:
    steps = np.arange(0.0, 1.01, 0.1)
    evidence = find_evidence(held_out.scores, heads, rule)
    rows, categories, answers = _polarity_cases(held_out, heads)
    right = []
    for step in steps.tolist():
        pooled = pool_evidence(held_out.scores, evidence, (rows, categories), step)
        said = polarity_logits(pooled, heads, categories).argmax(axis=1)
        right.append((said == answers).sum())
    return round(float(steps[int(np.argmax(right))]), 1)


def _fit_tone_shifts(held_out: HeldOut, heads: Heads, rule: DecisionRule) -> tuple[tuple[float, ...], ...]:
    """What each context adds to the logits of the polarities: a part by score, a part by question.

    Only between problem and praise. How many comments are neutral differs among surveys, whatever the
    score: shifts of the neutral too, fitted to the corpus, cost nine points of polarity on real comments.
    """
    rows, categories, answers = _polarity_cases(held_out, heads)
    evidence = find_evidence(held_out.scores, heads, rule)
    pooled = pool_evidence(held_out.scores, evidence, (rows, categories), rule.whole_weight)
    logits = polarity_logits(pooled, heads, categories)
    asked, group = np.divmod(held_out.units.contexts[rows], len(GROUPS))
    known = np.hstack([np.eye(len(GROUPS))[group][:, 1:], np.eye(len(ASKED))[asked][:, 1:]])
    leans = _likeliest_leans(logits, np.eye(len(POLARITIES))[answers], known)
    of_group, of_asked = np.split(leans, [len(GROUPS) - 1])
    lean = np.append(0.0, of_asked)[:, None] + np.append(0.0, of_group)[None]
    shifts = np.outer(lean.ravel(), _LEAN).round(4) + 0.0  # 0.0 in place of -0.0
    return tuple(tuple(row) for row in shifts.tolist())


def _likeliest_leans(logits: Floats, truth: Floats, known: Floats) -> Floats:
    """How far each of k known things leans to praise, so that the truth is likeliest; shape (k,).

    `truth` and `known` have a 1 where the polarity is right, and where the thing is known of the case.
    """

    def loss(leans: Floats) -> tuple[float, Floats]:
        likely = softmax(logits + np.outer(known @ leans, _LEAN))
        surprise = -np.log(likely[truth > 0]).sum() + _LEAN_PENALTY / 2 * np.square(leans).sum()
        return float(surprise), known.T @ ((likely - truth) @ _LEAN) + _LEAN_PENALTY * leans

    found: Floats = minimize(loss, np.zeros(known.shape[1]), jac=True).x
    return found


def _polarity_cases(held_out: HeldOut, heads: Heads) -> tuple[Rows, Rows, Rows]:
    """Comment and category of every label, and the number of its polarity."""
    codes = heads.taxonomy.category_codes
    cases = [
        (row, codes.index(label.category), POLARITIES.index(label.polarity))
        for row, example in enumerate(held_out.examples)
        for label in example.labels
        if label.polarity
    ]
    rows, categories, answers = np.array(cases, dtype=np.int64).reshape(-1, 3).T
    return rows, categories, answers


def _choose_aspect_cut(held_out: HeldOut, heads: Heads, rule: DecisionRule, number: int) -> float:
    code = heads.taxonomy.category_codes[number]
    codes = heads.taxonomy.aspect_codes(code)
    labelled = [(i, e.label(code)) for i, e in enumerate(held_out.examples)]
    rows = np.array([i for i, label in labelled if label], dtype=np.int64)
    answers = np.array([codes.index(x.aspect) if x.aspect else -1 for _, x in labelled if x], dtype=np.int64)
    if not len(rows) or not codes:
        return 0.0
    evidence = find_evidence(held_out.scores, heads, rule)
    about = (rows, np.full_like(rows, number))
    pooled = pool_evidence(held_out.scores, evidence, about, rule.whole_weight)
    logits = pooled[:, heads.aspects(number)]
    steps = np.unique(np.quantile(sigmoid(logits.max(axis=1)), np.arange(0.0, 0.5, 0.01)))
    right = [(choose_aspects(logits, step) == answers).mean() for step in steps]
    return round(float(steps[int(np.argmax(right))]), 4)


def _choose_review_cut(held_out: HeldOut, heads: Heads, rule: DecisionRule) -> float:
    """The cut that flags `REVIEW_SHARE`, found by halving: flags grow with the cut."""
    low, high = 0.0, 1.0
    for _ in range(20):
        middle = (low + high) / 2
        decisions: Decisions = decide(held_out.scores, heads, replace(rule, review_cut=middle))
        if decisions.needs_review.mean() > REVIEW_SHARE:
            high = middle
        else:
            low = middle
    return round(low, 4)
