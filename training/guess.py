"""What a model says, in the form that is scored."""

from collections.abc import Iterator, Sequence

import numpy as np

from service.nlp.decide import FIRST_TAG, DecisionRule, Decisions, Scores, decide
from service.nlp.heads import POLARITIES, Heads
from service.nlp.spans import Span
from service.nlp.tagger import Comment, Result, Tagger
from service.nlp.taxonomy import Taxonomy
from training.corpus import Example, Label
from training.scoring import Guess
from training.units import UnitSet


def tag_examples(tagger: Tagger, examples: Sequence[Example]) -> list[Guess]:
    """What the loaded model says of each example."""
    comments = [Comment(example.text, example.score, example.question) for example in examples]
    return [_guess_from(result) for result in tagger.tag(comments)]


def decide_units(
    scores: Scores, units: UnitSet, heads: Heads, rule: DecisionRule, first_tag: float = FIRST_TAG
) -> list[Guess]:
    """What `rule` makes of scores that were worked out outside a tagger, such as held-out ones."""
    decisions = decide(scores, heads, rule, first_tag)
    starts = np.searchsorted(units.owners, np.arange(units.n_comments + 1))
    return [
        Guess(
            labels=tuple(_labels(decisions, row, heads.taxonomy)),
            evidence=tuple(_evidence(decisions, row, range(*starts[row : row + 2]), units, heads)),
            probabilities=tuple(decisions.probabilities[row].tolist()),
            needs_review=bool(decisions.needs_review[row]),
        )
        for row in range(units.n_comments)
    ]


def _labels(decisions: Decisions, row: int, taxonomy: Taxonomy) -> Iterator[Label]:
    for number in np.flatnonzero(decisions.tagged[row]):
        category = taxonomy.category_codes[number]
        aspect = decisions.aspects[row, number]
        yield Label(
            category,
            taxonomy.aspect_codes(category)[aspect] if aspect >= 0 else None,
            POLARITIES[decisions.polarities[row, number]],
        )


def _evidence(
    decisions: Decisions, row: int, clauses: range, units: UnitSet, heads: Heads
) -> Iterator[tuple[str, Span]]:
    for number in np.flatnonzero(decisions.tagged[row]):
        for clause in clauses:
            if decisions.evidence[clause, number]:
                yield heads.taxonomy.category_codes[number], units.clauses[clause].span


def _guess_from(result: Result) -> Guess:
    return Guess(
        labels=tuple(Label(tag.category, tag.aspect, tag.polarity) for tag in result.tags),
        evidence=tuple((tag.category, span) for tag in result.tags for span in tag.evidence),
        needs_review=result.needs_review,
    )
