"""How far readers of the rule book agree: people who corrected the same comments, and a second labelling.

No model can be held to more than readers agree on; where they differ, the rule book is unclear.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from sklearn.metrics import cohen_kappa_score

from service.nlp.taxonomy import Taxonomy
from training.corpus import CorpusError, Example, Label, read_jsonl
from training.split import text_key

Pair = tuple[Example, Example]
"""A comment as one reader labelled it, and as another did."""


@dataclass(frozen=True)
class Reading:
    """What one person said of one comment."""

    by: str
    example: Example

    @property
    def labels(self) -> dict[str, str | None]:
        """Polarity by category."""
        return {label.category: label.polarity for label in self.example.labels}


@dataclass(frozen=True)
class CategoryAgreement:
    """How far two readers agree on one category; comments optional for either are left out."""

    category: str
    comments: int
    kappa: float | None
    """Cohen's, of «is it about the category»; None where both always say the same."""
    f1: float
    """Of the second reader against the first, as a model is scored."""
    polarity: float
    aspect: float
    """Shares that agree, where both see the category."""


@dataclass(frozen=True)
class Agreement:
    """How far two people agree over the comments that both have read."""

    first: str
    second: str
    comments: int
    categories: tuple[CategoryAgreement, ...]

    @property
    def kappas(self) -> dict[str, float | None]:
        """Cohen's kappa by category."""
        return {own.category: own.kappa for own in self.categories}


@dataclass(frozen=True)
class Dispute:
    """A text of which two people say different things."""

    text: str
    views: tuple[Reading, Reading]


def read_readings(path: Path) -> list[Reading]:
    """Who said what of which comment in a file of corrections, in its order."""
    readings = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line) if line.strip() else {}
        for reading in row.get("readings", []):
            labels = tuple(
                Label(label["category"], label.get("aspect"), label.get("polarity"))
                for label in reading["labels"]
            )
            readings.append(Reading(reading["by"], Example(row["text"], labels)))
    return readings


def read_pairs(folder: Path, taxonomy: Taxonomy) -> list[Pair]:
    """The comments of `first.jsonl` and `second.jsonl` in `folder`, which two readers labelled blind.

    Both are kept as they were before the readers' differences were settled in the corpus.

    Raises:
        CorpusError: when the two files do not have the same comments in the same order.
    """
    first, second = (read_jsonl(folder / name, taxonomy) for name in ("first.jsonl", "second.jsonl"))
    if [own.text for own in first] != [own.text for own in second]:
        raise CorpusError(f"{folder}: expected the same comments in the same order in both files")
    return list(zip(first, second, strict=True))


def find_agreements(readings: Sequence[Reading], categories: Sequence[str]) -> list[Agreement]:
    """Of every two people with texts in common; of one person's readings of a text the latest counts."""
    own = _latest(readings)
    found = []
    for first, second in combinations(sorted(own), 2):
        shared = sorted(own[first].keys() & own[second].keys())
        if shared:
            pairs = [(own[first][key].example, own[second][key].example) for key in shared]
            by_category = tuple(measure_agreement(pairs, code) for code in categories)
            found.append(Agreement(first, second, len(shared), by_category))
    return found


def find_disputes(readings: Sequence[Reading]) -> list[Dispute]:
    """The texts of which people say different things, each with two of the views."""
    by_text: dict[str, list[Reading]] = defaultdict(list)
    for person in _latest(readings).values():
        for key, reading in person.items():
            by_text[key].append(reading)
    found = []
    for own in by_text.values():
        other = next((reading for reading in own if reading.labels != own[0].labels), None)
        if other:
            found.append(Dispute(own[0].example.text, (own[0], other)))
    return found


def measure_agreement(pairs: Sequence[Pair], category: str) -> CategoryAgreement:
    """How far the readers of `pairs` agree on `category`."""
    known = [(a, b) for a, b in pairs if category not in a.optional | b.optional]
    labels = [(a.label(category), b.label(category)) for a, b in known]
    both = [(a, b) for a, b in labels if a and b]
    seen = [(a is not None, b is not None) for a, b in labels]
    return CategoryAgreement(
        category=category,
        comments=len(known),
        kappa=_kappa(seen),
        f1=2 * len(both) / max(1, sum(a + b for a, b in seen)),
        polarity=sum(a.polarity == b.polarity for a, b in both) / max(1, len(both)),
        aspect=sum(a.aspect == b.aspect for a, b in both) / max(1, len(both)),
    )


def format_agreements(agreements: Sequence[CategoryAgreement]) -> str:
    """A Markdown table, a category a row."""
    lines = [
        "| category | comments | kappa | F1 | polarity alike | aspect alike |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for own in agreements:
        kappa = "–" if own.kappa is None else f"{own.kappa:.3f}"
        figures = " | ".join(f"{value:.3f}" for value in (own.f1, own.polarity, own.aspect))
        lines.append(f"| {own.category} | {own.comments} | {kappa} | {figures} |")
    return "\n".join(lines)


def _latest(readings: Sequence[Reading]) -> dict[str, dict[str, Reading]]:
    by_person: dict[str, dict[str, Reading]] = defaultdict(dict)
    for reading in readings:
        by_person[reading.by][text_key(reading.example.text)] = reading
    return by_person


def _kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """Agreement beyond chance (Cohen 1960); None where both give one and the same answer throughout.

    >>> _kappa([(True, True), (False, False), (True, False), (False, False)])
    0.5
    """
    if len({answer for pair in pairs for answer in pair}) < 2:
        return None
    return round(float(cohen_kappa_score([a for a, _ in pairs], [b for _, b in pairs])), 4)
