"""How far two readers of the rule book agree: the corpus beside a second, blind labelling of some of it.

No model can be held to more than readers agree on; where they differ, the rule book is unclear.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sklearn.metrics import cohen_kappa_score

from service.nlp.taxonomy import Taxonomy
from training.corpus import CorpusError, Example, read_jsonl

Pair = tuple[Example, Example]
"""A comment as its author labelled it, and as the second reader did."""


@dataclass(frozen=True)
class Agreement:
    """How far the readers agree on one category; comments optional for either are left out."""

    category: str
    comments: int
    kappa: float
    """Cohen's, of «is it about the category»."""
    f1: float
    """Of the second reader against the first, as a model is scored."""
    polarity: float
    aspect: float
    """Shares that agree, where both see the category."""


def read_pairs(folder: Path, examples: Sequence[Example], taxonomy: Taxonomy) -> list[Pair]:
    """Each comment of the files of `folder` with its own in the corpus.

    Raises:
        CorpusError: when a comment of `folder` is not in the corpus.
    """
    by_text = {example.text: example for example in examples}
    seconds = [second for path in sorted(folder.glob("*.jsonl")) for second in read_jsonl(path, taxonomy)]
    for second in seconds:
        if second.text not in by_text:
            raise CorpusError(f"{folder}: found «{second.text[:60]}», which the corpus has not (any more)")
    return [(by_text[second.text], second) for second in seconds]


def measure_agreement(pairs: Sequence[Pair], category: str) -> Agreement:
    """How far the readers of `pairs` agree on `category`."""
    known = [(a, b) for a, b in pairs if category not in a.optional | b.optional]
    labels = [(a.label(category), b.label(category)) for a, b in known]
    both = [(a, b) for a, b in labels if a and b]
    first, second = ([label is not None for label in own] for own in zip(*labels, strict=True))
    return Agreement(
        category=category,
        comments=len(known),
        kappa=float(cohen_kappa_score(first, second)),
        f1=2 * len(both) / max(1, sum(first) + sum(second)),
        polarity=sum(a.polarity == b.polarity for a, b in both) / max(1, len(both)),
        aspect=sum(a.aspect == b.aspect for a, b in both) / max(1, len(both)),
    )


def format_agreements(agreements: Sequence[Agreement]) -> str:
    """A Markdown table, a category a row."""
    lines = [
        "| category | comments | kappa | F1 | polarity alike | aspect alike |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for own in agreements:
        figures = " | ".join(f"{value:.3f}" for value in (own.kappa, own.f1, own.polarity, own.aspect))
        lines.append(f"| {own.category} | {own.comments} | {figures} |")
    return "\n".join(lines)
