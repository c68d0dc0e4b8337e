"""How far people agree: comments that several have read, and what each said of them."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from sklearn.metrics import cohen_kappa_score

from training.split import text_key


@dataclass(frozen=True)
class Reading:
    """What one person said of one comment."""

    by: str
    text: str
    labels: dict[str, str | None]
    """Polarity by category."""


@dataclass(frozen=True)
class Agreement:
    """How far two people agree over the comments that both have read."""

    first: str
    second: str
    comments: int
    kappas: dict[str, float | None]
    """Cohen's kappa of «is it about the category», by category; None where both always say the same."""


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
            labels = {label["category"]: label.get("polarity") for label in reading["labels"]}
            readings.append(Reading(reading["by"], row["text"], labels))
    return readings


def find_agreements(readings: Sequence[Reading], categories: Sequence[str]) -> list[Agreement]:
    """Of every two people with texts in common; of one person's readings of a text the latest counts."""
    own = _latest(readings)
    found = []
    for first, second in combinations(sorted(own), 2):
        shared = sorted(own[first].keys() & own[second].keys())
        if shared:
            pairs = [(own[first][key], own[second][key]) for key in shared]
            kappas = {
                code: _kappa([(code in a.labels, code in b.labels) for a, b in pairs]) for code in categories
            }
            found.append(Agreement(first, second, len(shared), kappas))
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
            found.append(Dispute(own[0].text, (own[0], other)))
    return found


def _latest(readings: Sequence[Reading]) -> dict[str, dict[str, Reading]]:
    by_person: dict[str, dict[str, Reading]] = defaultdict(dict)
    for reading in readings:
        by_person[reading.by][text_key(reading.text)] = reading
    return by_person


def _kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """Agreement beyond chance (Cohen 1960); None where both give one and the same answer throughout.

    >>> _kappa([(True, True), (False, False), (True, False), (False, False)])
    0.5
    """
    if len({answer for pair in pairs for answer in pair}) < 2:
        return None
    return round(float(cohen_kappa_score([a for a, _ in pairs], [b for _, b in pairs])), 4)
