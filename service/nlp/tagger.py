"""Comments to tags: the one way in for API, command line and backfill."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from service.nlp.clean import CleanText, clean
from service.nlp.decide import DecisionRule, Decisions, decide
from service.nlp.heads import POLARITIES, Heads, Polarity
from service.nlp.scorer import Scorer
from service.nlp.segment import Clause, clauses, evidence_span
from service.nlp.spans import Span
from service.nlp.taxonomy import Department, Kpi, Taxonomy

NpsGroup = Literal["promoter", "passive", "detractor"]


@dataclass(frozen=True, slots=True)
class Comment:
    """One customer's open answer, with the score and the question where they are known."""

    text: str
    score: int | None = None
    question: str | None = None


@dataclass(frozen=True, slots=True)
class Tag:
    """One statement of a comment: about what, good or bad, whose, and the words that prove it."""

    category: str
    aspect: str | None
    polarity: Polarity
    title: str
    probability: float
    """That the comment is about the category; calibrated."""
    evidence: tuple[Span, ...]
    """In the original text, in order."""
    departments: tuple[Department, ...]
    kpis: tuple[Kpi, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What is said of one comment."""

    text: str
    nps_group: NpsGroup | None
    needs_review: bool
    tags: tuple[Tag, ...]
    """In the order of their first evidence."""
    doubt: str
    """The category that was decided with the least certainty."""
    certainty: float
    """The probability of that decision."""

    def to_json(self) -> dict[str, Any]:
        """The result as API, JSON Lines and backfill write it, less the comment's id."""
        return {
            "nps_group": self.nps_group,
            "needs_review": self.needs_review,
            "tags": [_tag_to_json(tag, self.text) for tag in self.tags],
        }


@dataclass(frozen=True, slots=True)
class _Read:
    """A comment taken apart."""

    cleaned: CleanText
    clauses: list[Clause]


class Tagger:
    """A loaded model. Safe to use from several threads at once."""

    def __init__(self, version: str, taxonomy: Taxonomy, rule: DecisionRule, scorer: Scorer) -> None:
        self.version = version
        self.taxonomy = taxonomy
        self._heads = Heads(taxonomy)
        self._rule = rule
        self._scorer = scorer

    def tag(self, comments: Sequence[Comment]) -> list[Result]:
        """The result of each comment, in order; the same one by one or in a batch."""
        read = [_read(comment.text) for comment in comments]
        scores = self._scorer.score([[clause.words for clause in own.clauses] for own in read])
        decisions = decide(scores, self._heads, self._rule)
        starts = np.searchsorted(scores.owners, np.arange(len(comments)))
        return [
            self._result(comment, read[row], decisions, row, int(starts[row]))
            for row, comment in enumerate(comments)
        ]

    def _result(
        self, comment: Comment, read: _Read, decisions: Decisions, row: int, first_clause: int
    ) -> Result:
        tags = [
            self._tag(read, decisions, row, first_clause, int(number))
            for number in np.flatnonzero(decisions.tagged[row])
        ]
        tags.sort(key=lambda tag: tag.evidence[0])
        review = bool(decisions.needs_review[row])
        doubt = int(decisions.certainty[row].argmin())
        return Result(
            text=comment.text,
            nps_group=nps_group(comment.score),
            needs_review=review,
            tags=tuple(tags),
            doubt=self.taxonomy.category_codes[doubt],
            certainty=round(float(decisions.certainty[row, doubt]), 4),
        )

    def _tag(self, read: _Read, decisions: Decisions, row: int, first_clause: int, number: int) -> Tag:
        category = self.taxonomy.categories[number]
        aspect_number = int(decisions.aspects[row, number])
        aspect = category.aspects[aspect_number].code if aspect_number >= 0 else None
        speaking = decisions.evidence[first_clause : first_clause + len(read.clauses), number]
        return Tag(
            category=category.code,
            aspect=aspect,
            polarity=POLARITIES[decisions.polarities[row, number]],
            title=category.title,
            probability=round(float(decisions.probabilities[row, number]), 4),
            evidence=tuple(_quote(read, int(i)) for i in np.flatnonzero(speaking)),
            departments=self.taxonomy.departments_of(category.code, aspect),
            kpis=self.taxonomy.kpis_of(category.code, aspect),
        )


def nps_group(score: int | None) -> NpsGroup | None:
    """The group of a 0–10 score by the Net Promoter System: 9–10, 7–8, 0–6.

    >>> [nps_group(score) for score in (10, 8, 6, None)]
    ['promoter', 'passive', 'detractor', None]
    """
    if score is None:
        return None
    if score >= 9:
        return "promoter"
    return "passive" if score >= 7 else "detractor"


def _read(text: str) -> _Read:
    cleaned = clean(text)
    return _Read(cleaned, clauses(cleaned.text))


def _quote(read: _Read, number: int) -> Span:
    """The span of the original text that clause `number` is quoted by."""
    return read.cleaned.to_original(evidence_span(read.cleaned.text, read.clauses[number].span))


def _tag_to_json(tag: Tag, text: str) -> dict[str, Any]:
    return {
        "category": tag.category,
        "aspect": tag.aspect,
        "polarity": tag.polarity,
        "title": tag.title,
        "probability": tag.probability,
        "evidence": [{"start": s.start, "stop": s.stop, "text": s.of(text)} for s in tag.evidence],
        "departments": [{"code": d.code, "title": d.title} for d in tag.departments],
        "kpis": [{"code": kpi.code, "title": kpi.title_en} for kpi in tag.kpis],
    }
