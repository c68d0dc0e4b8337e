"""Labels that are probably wrong, by confident learning (Northcutt, Jiang & Chuang 2021) as in cleanlab."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores

from training.corpus import Example
from training.rule import truths
from training.scoring import Guess


@dataclass(frozen=True)
class Suspect:
    """A label, or the lack of one, that the held-out model would not have given."""

    example: Example
    category: str
    given: bool
    """Whether the category is labelled."""
    probability: float
    """Of the category, by a model that has not seen the comment."""


def find_suspects(
    examples: Sequence[Example], guesses: Sequence[Guess], categories: Sequence[str], limit: int = 40
) -> list[Suspect]:
    """The `limit` likeliest label errors, the likeliest first, judged category by category.

    `guesses` are held out, one an example, with probabilities in the order of `categories`.
    """
    found: list[tuple[float, Suspect]] = []
    for number, code in enumerate(categories):
        answers = truths(examples, code)
        known = np.flatnonzero(answers >= 0)
        labels = answers[known].astype(np.int64)
        if len(set(labels.tolist())) < 2:
            continue
        said = np.array([guesses[i].probabilities[number] for i in known.tolist()], dtype=np.float64)
        shares = np.column_stack([1.0 - said, said])
        wrong = find_label_issues(labels, shares, filter_by="confident_learning", n_jobs=1)
        quality = get_label_quality_scores(labels, shares, method="self_confidence")
        for i in np.flatnonzero(wrong).tolist():
            suspect = Suspect(examples[known[i]], code, bool(labels[i]), float(said[i]))
            found.append((float(quality[i]), suspect))
    found.sort(key=lambda pair: (pair[0], pair[1].example.source))
    return [suspect for _, suspect in found[:limit]]


def format_suspects(suspects: Sequence[Suspect]) -> str:
    """One a line: where it stands, what is labelled, what the model thinks, and the words."""
    return "\n".join(
        f"{own.example.source} ({own.example.author}) · {own.category} "
        f"{'labelled' if own.given else 'not labelled'}, probability {own.probability:.2f} · "
        f"«{' '.join(own.example.text.split())}»"
        for own in suspects
    )
