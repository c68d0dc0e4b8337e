"""Whether recent comments still look like those that the model was made from."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import jensenshannon

from service.nlp.clean import clean
from service.nlp.segment import words
from service.nlp.tagger import Result
from training.corpus import Example
from training.lemmas import keeping_lemmatizer
from training.retag import StoredComment
from training.scoring import Guess

_WORDS = 20
_MIN_COUNT = 3


@dataclass(frozen=True)
class Word:
    """A word that recent comments use more than the training data."""

    lemma: str
    recent: int
    """Recent comments that have it."""
    trained: int
    """Comments of the training data that have it."""


@dataclass(frozen=True)
class Drift:
    """Training data beside recent comments; shares are of comments unless said otherwise."""

    trained: int
    recent: int
    unknown_words: tuple[float, float]
    """Share of words whose lemma the other half of the training data, or the training data, lacks."""
    new_words: tuple[Word, ...]
    shares: dict[str, tuple[float, float]]
    """Comments about a category: as labelled in the training data, as tagged in recent comments."""
    distance: float
    """Jensen–Shannon distance of the words used, 0 (alike) to 1 (nothing in common)."""
    usual_distance: float
    """The same between two halves of the training data, the smaller as large as the recent comments."""
    needs_review: tuple[float, float]
    """Held out, and in recent comments."""
    uncertainty: tuple[float, float]
    """Mean of 1 − probability over the tags given: held out, and in recent comments."""


def measure_drift(
    examples: Sequence[Example],
    guesses: Sequence[Guess],
    comments: Sequence[StoredComment],
    results: Sequence[Result],
    categories: Sequence[str],
) -> Drift:
    """`guesses` are held out, one an example; `results` are the new model's, one a comment."""
    read = _Reader()
    trained = [read.lemmas(example.text) for example in examples]
    recent = [read.lemmas(comment.text) for comment in comments]
    order = np.random.default_rng(0).permutation(len(trained)).tolist()
    cut = min(len(recent), len(trained) // 2)
    sample, rest = [trained[i] for i in order[:cut]], [trained[i] for i in order[cut:]]
    return Drift(
        trained=len(examples),
        recent=len(comments),
        unknown_words=(_unknown(sample, rest), _unknown(recent, trained)),
        new_words=tuple(_new_words(recent, trained)),
        shares={code: (_labelled(examples, code), _tagged(results, code)) for code in categories},
        distance=_distance(_counts(recent), _counts(trained)),
        usual_distance=_distance(_counts(sample), _counts(rest)),
        needs_review=(_mean(g.needs_review for g in guesses), _mean(r.needs_review for r in results)),
        uncertainty=(
            _mean(
                1 - guess.probabilities[categories.index(label.category)]
                for guess in guesses
                for label in guess.labels
            ),
            _mean(1 - tag.probability for result in results for tag in result.tags),
        ),
    )


class _Reader:
    def __init__(self) -> None:
        self._lemmatizer = keeping_lemmatizer()

    def lemmas(self, text: str) -> list[str]:
        return list(map(self._lemmatizer.lemma, words(clean(text).text)))


def _labelled(examples: Sequence[Example], category: str) -> float:
    return _mean(example.label(category) is not None for example in examples)


def _tagged(results: Sequence[Result], category: str) -> float:
    return _mean(any(tag.category == category for tag in result.tags) for result in results)


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return float(np.mean(found)) if found else 0.0


def _counts(texts: Sequence[Sequence[str]]) -> Counter[str]:
    """In how many texts each lemma stands."""
    return Counter(lemma for text in texts for lemma in set(text))


def _unknown(texts: Sequence[Sequence[str]], beside: Sequence[Sequence[str]]) -> float:
    known = set(_counts(beside))
    return _mean(lemma not in known for text in texts for lemma in text)


def _new_words(recent: Sequence[Sequence[str]], trained: Sequence[Sequence[str]]) -> Iterable[Word]:
    """The words that recent comments use more than chance allows, by Dunning's log-likelihood (1993)."""
    now, before = _counts(recent), _counts(trained)
    scored = [
        (_surprise(count, len(recent), before[lemma], len(trained)), lemma)
        for lemma, count in now.items()
        if count >= _MIN_COUNT and count * len(trained) > before[lemma] * len(recent)
    ]
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    return [Word(lemma, now[lemma], before[lemma]) for _, lemma in scored[:_WORDS]]


def _surprise(a: int, n: int, b: int, m: int) -> float:
    both = (a + b) / (n + m)
    return sum(x * math.log(x / (size * both)) for x, size in ((a, n), (b, m)) if x)


def _distance(first: Counter[str], second: Counter[str]) -> float:
    """Square root of the Jensen–Shannon divergence to base 2 (Endres & Schindelin 2003)."""
    vocabulary = list(first.keys() | second.keys())
    if not first or not second:
        return 0.0
    p = np.array([first[word] for word in vocabulary], dtype=np.float64)
    q = np.array([second[word] for word in vocabulary], dtype=np.float64)
    return float(jensenshannon(p, q, base=2))
