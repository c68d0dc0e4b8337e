"""From scores of clauses and comments to tags: the rules, and the few numbers they need.

The scores (logits) come from linear heads, for each clause and for the whole comment. A category
is judged by the whole comment and by its strongest clauses together; its evidence is the clauses
that speak of it, and polarity and aspect are read off the evidence and the whole.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from service.nlp.features import Floats
from service.nlp.hashing import Rows
from service.nlp.heads import Heads
from service.nlp.runs import Runs

CALIBRATION_FEATURES = 3

FIRST_TAG = 0.5
"""A comment's likeliest category is tagged only at this probability or above: a tag that would stand
alone must be likelier than not, while one beside a sure tag may be less sure. No tag is better than
a made-up one."""


@dataclass(frozen=True)
class DecisionRule:
    """What is chosen on held-out folds; arrays by category in taxonomy order."""

    calibration: tuple[tuple[float, ...], ...]
    """A bias, then a weight for each of `calibration_features`: together the logit of the probability."""
    thresholds: tuple[float, ...]
    """A category is tagged at this probability or above, where the comment has one at `FIRST_TAG`."""
    evidence_cuts: tuple[float, ...]
    """A clause with this logit or above is evidence; the strongest clause always is."""
    aspect_cuts: tuple[float, ...]
    """The likeliest aspect is named at this probability or above."""
    whole_weight: float
    """Share of the whole comment, beside the evidence, in polarity and aspect."""
    tone_shifts: tuple[tuple[float, ...], ...]
    """By context (`service.nlp.context`): what score and question add to the logits of the polarities."""
    review_cut: float
    """A person should look at comments whose least certain decision is below this probability."""


@dataclass(frozen=True)
class Scores:
    """Logits of n comments that have m clauses in all."""

    comments: Floats
    """Shape (n, heads)."""
    clauses: Floats
    """Shape (m, heads)."""
    runs: Runs
    """The clauses of each comment. A comment without words has none."""
    contexts: Rows | None = None
    """What is known of each comment before it is read (`service.nlp.context`), shape (n,); None: nothing."""

    def highest(self, heads: slice) -> Floats:
        """The highest logit among the comment's clauses, zeros without any, shape (n, `heads`)."""
        found = self._highest.get((heads.start, heads.stop))
        if found is None:
            found = self.runs.max(np.ascontiguousarray(self.clauses[:, heads]))
            self._highest[heads.start, heads.stop] = found
        return found

    @cached_property
    def _highest(self) -> dict[tuple[int, int], Floats]:
        """Kept: they are asked for twice."""
        return {}


@dataclass(frozen=True)
class Decisions:
    """What is said of n comments; columns are categories in taxonomy order."""

    probabilities: Floats
    """Shape (n, categories)."""
    tagged: NDArray[np.bool_]
    """Shape (n, categories)."""
    polarities: Rows
    """Numbers in `POLARITIES`, shape (n, categories); of use only where tagged."""
    aspects: Rows
    """Number of the aspect in its category, -1 for none, shape (n, categories)."""
    evidence: NDArray[np.bool_]
    """Which clauses speak of which category, shape (m, categories)."""
    certainty: Floats
    """Probability of what was decided, the least certain step of it, shape (n, categories)."""
    needs_review: NDArray[np.bool_]
    """Shape (n,)."""


def decide(scores: Scores, heads: Heads, rule: DecisionRule, first_tag: float = FIRST_TAG) -> Decisions:
    """Apply `rule` to `scores`. Comments without clauses get no tag."""
    probabilities = category_probabilities(scores, heads, rule)
    tagged = probabilities >= np.array(rule.thresholds)
    tagged &= probabilities.max(axis=1, keepdims=True) >= first_tag
    certainty = np.where(tagged, probabilities, 1.0 - probabilities)
    polarities = np.zeros(tagged.shape, dtype=np.int64)
    aspects = np.full(tagged.shape, -1, dtype=np.int64)
    evidence = find_evidence(scores, heads, rule)
    rows, categories = np.nonzero(tagged)
    about = rows, categories
    pooled = pool_evidence(scores, evidence, about, rule.whole_weight)
    tones = softmax(polarity_logits(pooled, heads, categories) + tone_shifts(scores, rule, rows))
    polarities[about] = tones.argmax(axis=1)
    certainty[about] = np.minimum(certainty[about], tones.max(axis=1))
    cuts = np.array(rule.aspect_cuts)[categories]
    aspects[about] = choose_aspects(aspect_logits(pooled, heads, categories), cuts)
    needs_review = certainty.min(axis=1) < rule.review_cut
    return Decisions(probabilities, tagged, polarities, aspects, evidence, certainty, needs_review)


def category_probabilities(scores: Scores, heads: Heads, rule: DecisionRule) -> Floats:
    """Calibrated probability of each category, shape (n, categories); zeros for comments without clauses."""
    weights = np.array(rule.calibration)
    logits = weights[:, 0] + (calibration_features(scores, heads) * weights[:, 1:]).sum(axis=2)
    probabilities: Floats = np.zeros_like(logits)
    probabilities[scores.runs.filled] = sigmoid(logits[scores.runs.filled])
    return probabilities


def calibration_features(scores: Scores, heads: Heads) -> Floats:
    """What a category's probability is made of: the whole's logit, the highest clause's, all clauses'.

    The last is log Σ exp of the clauses' logits. Shape (n, categories, CALIBRATION_FEATURES).
    """
    runs = scores.runs
    whole = scores.comments[:, heads.categories].astype(np.float64)
    highest = whole.copy()
    highest[runs.filled] = scores.highest(heads.categories)[runs.filled]
    powers = np.exp(scores.clauses[:, heads.categories] - highest.take(runs.owners, axis=0))
    total = runs.sum(powers)
    return np.stack([whole, highest, highest + np.log(np.maximum(total, 1.0))], axis=2)


def find_evidence(scores: Scores, heads: Heads, rule: DecisionRule) -> NDArray[np.bool_]:
    """Which clauses speak of which category, shape (m, categories)."""
    clauses = scores.clauses[:, heads.categories]
    highest = scores.highest(heads.categories).take(scores.runs.owners, axis=0)
    found: NDArray[np.bool_] = (clauses >= np.array(rule.evidence_cuts)) | (clauses == highest)
    return found


def pool_evidence(
    scores: Scores, evidence: NDArray[np.bool_], about: tuple[Rows, Rows], whole_weight: float
) -> Floats:
    """Mean logits of the evidence for each of k pairs of comment and category, mixed with the whole's.

    `about` has the comments and the categories, each pair once; the result has shape (k, heads).
    """
    pair_at = np.full((len(scores.comments), evidence.shape[1]), -1)
    pair_at[about] = np.arange(len(about[0]))
    clauses, categories = np.nonzero(evidence)
    pairs = pair_at[scores.runs.owners[clauses], categories]
    clauses, pairs = clauses[pairs >= 0], pairs[pairs >= 0]
    counts = np.bincount(pairs, minlength=len(about[0]))
    by_pair = clauses[np.argsort(pairs, kind="stable")]
    pooled = Runs(counts).sum(scores.clauses, of=by_pair)
    pooled /= np.maximum(counts, 1, dtype=pooled.dtype)[:, None]
    wholes = scores.comments.take(about[0], axis=0)
    none = np.flatnonzero(counts == 0)
    pooled[none] = wholes[none]
    pooled *= 1.0 - whole_weight
    pooled += whole_weight * wholes
    return pooled


def polarity_logits(pooled: Floats, heads: Heads, categories: Rows) -> Floats:
    """Logits of the polarities: what is usual in each row's category, and the tone in general."""
    logits = _take_columns(pooled, heads.polarity_columns[categories])
    logits += pooled[:, heads.tone]
    return logits


def tone_shifts(scores: Scores, rule: DecisionRule, comments: Rows) -> Floats:
    """What is added to the logits of the polarities in each of `comments`, shape (comments, polarities)."""
    by_context: Floats = np.array(rule.tone_shifts)
    return by_context[np.zeros_like(comments) if scores.contexts is None else scores.contexts[comments]]


def aspect_logits(pooled: Floats, heads: Heads, categories: Rows) -> Floats:
    """Logits of the aspects of each row's category, -inf beyond its last one."""
    columns = heads.aspect_columns[categories]
    logits = _take_columns(pooled, columns)
    logits[columns < 0] = -np.inf
    return logits


def _take_columns(pooled: Floats, columns: Rows) -> Floats:
    """The given columns of each row; for few rows quicker than `take_along_axis`."""
    taken: Floats = pooled[np.arange(len(pooled))[:, None], columns]
    return taken


def choose_aspects(logits: Floats, cuts: Floats | float) -> Rows:
    """The likeliest aspect of each row, -1 where its probability is below the cut or there is none."""
    if not logits.shape[1]:
        return np.full(len(logits), -1, dtype=np.int64)
    highest = logits.max(axis=1)
    sure = np.isfinite(highest) & (sigmoid(highest) >= cuts)
    chosen: Rows = np.where(sure, logits.argmax(axis=1), -1)
    return chosen


def sigmoid(logits: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow."""
    shares: Floats = 0.5 * (1.0 + np.tanh(0.5 * logits))
    return shares


def softmax(logits: Floats) -> Floats:
    """Rows that sum to one."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares
