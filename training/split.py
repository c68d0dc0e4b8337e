"""Folds that hold out whole authors, and never split near-duplicates.

Each author writes in one voice, so figures on comments of authors that the model has seen are
flattery. Comments of other authors that nearly repeat a held-out one are left out of the training
side of that fold. Corrections come from many customers, one comment each, and are dealt one by one, by
a hash of the text: so the folds of all others stay as they are when corrections are added.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from service.nlp.clean import clean
from training.corpus import CORRECTIONS, Example

NEAR_DUPLICATE = 0.6
"""Jaccard similarity of word trigrams from which two comments count as one."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Fold:
    """Numbers of the comments to learn from, and of those held out."""

    train: NDArray[np.int64]
    held_out: NDArray[np.int64]


def make_folds(examples: Sequence[Example], n_folds: int) -> list[Fold]:
    """`n_folds` folds over `examples`, each comment held out once.

    Whole authors are held out, dealt so that each fold has a like share of each label; where
    there are fewer authors than folds, clusters of near-duplicates are dealt instead.
    """
    clusters = near_duplicates([example.text for example in examples])
    corrected = np.array([example.author == CORRECTIONS for example in examples], dtype=bool)
    corpus = np.flatnonzero(~corrected).tolist()
    authors = [examples[i].author for i in corpus]
    groups: Sequence[object] = authors if len(set(authors)) >= n_folds else clusters[corpus].tolist()
    fold_of = np.zeros(len(examples), dtype=np.int64)
    fold_of[corpus] = _deal(groups, [examples[i] for i in corpus], n_folds)
    for number in np.flatnonzero(corrected).tolist():
        fold_of[number] = int(text_key(examples[number].text), 16) % n_folds
    return [_fold(fold_of == number, clusters) for number in range(n_folds)]


def text_key(text: str) -> str:
    """A hash that is the same for texts that differ in case, blanks and punctuation only."""
    words = " ".join(_words_in(text))
    return hashlib.sha256((words or text).encode()).hexdigest()[:16]


def near_duplicates(texts: Sequence[str]) -> NDArray[np.int64]:
    """The cluster of each text: texts alike directly or through others share one."""
    shingles = [_shingles(text) for text in texts]
    numbers: dict[str, int] = {}
    columns = [numbers.setdefault(shingle, len(numbers)) for own in shingles for shingle in own]
    sizes = np.array([len(own) for own in shingles])
    rows = np.repeat(np.arange(len(texts)), sizes)
    has = sp.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(texts), len(numbers)))
    shared = (has @ has.T).tocoo()
    union = sizes[shared.row] + sizes[shared.col] - shared.data
    alike = shared.data >= NEAR_DUPLICATE * union
    links = (np.ones(alike.sum()), (shared.row[alike], shared.col[alike]))
    _, labels = connected_components(sp.csr_matrix(links, shape=(len(texts), len(texts))), directed=False)
    return np.asarray(labels, dtype=np.int64)


def _shingles(text: str) -> set[str]:
    """Word trigrams; the whole text where it is shorter."""
    words = _words_in(text)
    if len(words) < 4:
        return {" ".join(words)}
    return {" ".join(words[i : i + 3]) for i in range(len(words) - 2)}


@lru_cache(maxsize=100_000)
def _words_in(text: str) -> tuple[str, ...]:
    """Kept, as one run asks for those of its texts several times."""
    return tuple(_WORD.findall(clean(text).text.lower()))


def _deal(groups: Sequence[object], examples: Sequence[Example], n_folds: int) -> NDArray[np.int64]:
    """The fold of each comment: largest groups first, each where its labels are scarcest."""
    members: dict[object, list[int]] = defaultdict(list)
    for number, group in enumerate(groups):
        members[group].append(number)
    counts = {group: _label_counts(examples, numbers) for group, numbers in members.items()}
    in_fold: list[Counter[str]] = [Counter() for _ in range(n_folds)]
    fold_of = np.zeros(len(groups), dtype=np.int64)
    for group in sorted(members, key=lambda group: (-len(members[group]), members[group][0])):
        fold = min(range(n_folds), key=lambda i: (_crowding(in_fold[i], counts[group]), i))
        in_fold[fold].update(counts[group])
        fold_of[members[group]] = fold
    return fold_of


def _label_counts(examples: Sequence[Example], numbers: Sequence[int]) -> Counter[str]:
    counts = Counter({"comments": len(numbers)})
    for number in numbers:
        counts.update(f"{label.category} {label.polarity}" for label in examples[number].labels)
    return counts


def _crowding(fold: Counter[str], group: Counter[str]) -> int:
    """How much of what `group` brings the fold has already."""
    return sum(fold[name] * count for name, count in group.items())


def _fold(held_out: NDArray[np.bool_], clusters: NDArray[np.int64]) -> Fold:
    leaking = np.isin(clusters, clusters[held_out])
    return Fold(train=np.flatnonzero(~held_out & ~leaking), held_out=np.flatnonzero(held_out))
