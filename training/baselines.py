"""What a model must beat: saying nothing, a list of keywords, and programs that learn by plain means.

A baseline that learns is told the categories and, for each, the polarities, and nothing of clauses. Its
thresholds are chosen as ours are: a category at a time, by F1 on comments that it has not seen.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
import yaml
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from service.nlp.artefact import write_durably
from service.nlp.clean import clean
from service.nlp.errors import OtklikError
from service.nlp.features import Floats
from service.nlp.hashing import Rows
from service.nlp.heads import POLARITIES, Polarity
from service.nlp.segment import words
from service.nlp.taxonomy import Taxonomy
from training.corpus import Example, Label
from training.rule import best_f1_threshold, truths
from training.scoring import Guess, Report, report_from
from training.split import Fold

NAME = "baselines.json"

Baseline = Callable[[Sequence[Example]], list[Guess]]
"""Says what it thinks of each comment."""


@dataclass(frozen=True)
class Beliefs:
    """What a learned baseline makes of n comments; columns are categories in taxonomy order."""

    probabilities: Floats
    """Shape (n, categories)."""
    polarities: Rows
    """Numbers in `POLARITIES`: each category's likeliest, shape (n, categories)."""


Learner = Callable[[Sequence[Example], Sequence[Example], Taxonomy], Beliefs]
"""Learns from the first comments and judges the second."""


def no_label(examples: Sequence[Example]) -> list[Guess]:
    """Nothing about anything: what leaving the comments unread is worth."""
    return [Guess() for _ in examples]


def keyword_list(path: Path, taxonomy: Taxonomy) -> Baseline:
    """Tags a category where a word begins with one of its stems; problem unless praise words prevail.

    Raises:
        OtklikError: when the file names a category that the taxonomy lacks.
    """
    stems = yaml.safe_load(path.read_text(encoding="utf-8"))
    unknown = set(stems["categories"]) - set(taxonomy.category_codes)
    if unknown:
        raise OtklikError(f"{path}: unknown category «{min(unknown)}»; use those of the taxonomy")
    patterns = {code: _stem_pattern(own) for code, own in stems["categories"].items()}
    praise, problem = _stem_pattern(stems["praise"]), _stem_pattern(stems["problem"])

    def guess(example: Example) -> Guess:
        text = clean(example.text).text.lower()
        good = len(praise.findall(text)) > len(problem.findall(text))
        polarity: Polarity = "praise" if good else "problem"
        return Guess(tuple(Label(code, None, polarity) for code, own in patterns.items() if own.search(text)))

    return lambda examples: [guess(example) for example in examples]


def plain_tfidf(train: Sequence[Example], judged: Sequence[Example], taxonomy: Taxonomy) -> Beliefs:
    """The usual first try: TF-IDF of words and pairs, one logistic regression a category.

    A further one a category tells the polarity.
    """
    vectorizer = TfidfVectorizer(tokenizer=words, token_pattern=None, ngram_range=(1, 2), min_df=2)
    matrix = vectorizer.fit_transform([example.text for example in train])
    rows = vectorizer.transform([example.text for example in judged])
    shape = len(judged), len(taxonomy.categories)
    beliefs = Beliefs(np.zeros(shape), np.zeros(shape, dtype=np.int64))
    for number, code in enumerate(taxonomy.category_codes):
        answers = truths(train, code)
        known = answers >= 0
        found = _fit(matrix[known], answers[known].tolist())
        beliefs.probabilities[:, number] = found.predict_proba(rows)[:, found.classes_ == 1].sum(axis=1)
        said = [(i, label.polarity) for i, e in enumerate(train) if (label := e.label(code))]
        toned = [(i, POLARITIES.index(polarity)) for i, polarity in said if polarity]
        if toned:
            tone = _fit(matrix[[i for i, _ in toned]], [own for _, own in toned])
            beliefs.polarities[:, number] = tone.predict(rows)
    return beliefs


def _fit(matrix: sp.csr_matrix, answers: Sequence[int]) -> OneVsRestClassifier | DummyClassifier:
    """A logistic regression an answer; where there is only one to learn, that answer."""
    if len(set(answers)) < 2:
        return DummyClassifier(strategy="most_frequent").fit(matrix, answers)
    return OneVsRestClassifier(LogisticRegression(C=10.0, solver="liblinear")).fit(matrix, answers)


def _stem_pattern(stems: Sequence[str]) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(map(re.escape, stems)) + ")")


def judge_held_out(
    learner: Learner, examples: Sequence[Example], folds: Iterable[Fold], taxonomy: Taxonomy
) -> Beliefs:
    """What `learner` makes of each comment, having learned from the training side of its fold."""
    return join_folds((fold, judge_fold(learner, examples, fold, taxonomy)) for fold in folds)


def judge_fold(learner: Learner, examples: Sequence[Example], fold: Fold, taxonomy: Taxonomy) -> Beliefs:
    """What `learner` makes of the comments that `fold` holds out."""
    return learner([examples[i] for i in fold.train], [examples[i] for i in fold.held_out], taxonomy)


def join_folds(parts: Iterable[tuple[Fold, Beliefs]]) -> Beliefs:
    """What was made of all comments, from each fold's part."""
    folds, beliefs = zip(*parts, strict=True)
    order = np.argsort(np.concatenate([fold.held_out for fold in folds]))
    return Beliefs(
        np.concatenate([own.probabilities for own in beliefs])[order],
        np.concatenate([own.polarities for own in beliefs])[order],
    )


def choose_thresholds(examples: Sequence[Example], beliefs: Beliefs, taxonomy: Taxonomy) -> list[float]:
    """The threshold of each category with the best F1 on held-out `examples`."""
    thresholds = []
    for number, code in enumerate(taxonomy.category_codes):
        answers = truths(examples, code)
        own = beliefs.probabilities[:, number]
        thresholds.append(best_f1_threshold(own[answers >= 0], answers[answers >= 0] == 1))
    return thresholds


def cut(beliefs: Beliefs, thresholds: Sequence[float], taxonomy: Taxonomy) -> list[Guess]:
    """What `beliefs` say at `thresholds`."""
    tagged: NDArray[np.bool_] = beliefs.probabilities >= np.array(thresholds)
    return [
        Guess(
            tuple(
                Label(taxonomy.category_codes[number], None, POLARITIES[beliefs.polarities[row, number]])
                for number in np.flatnonzero(own)
            ),
            probabilities=tuple(beliefs.probabilities[row].tolist()),
        )
        for row, own in enumerate(tagged)
    ]


@dataclass(frozen=True)
class Measured:
    """Figures of learned baselines, kept beside the model that was made of the same comments."""

    folds: dict[str, Report]
    """By baseline, on the folds of the model."""
    sets: dict[str, dict[str, Report]]
    """By hash of the set's comments and labels, then by baseline."""


def read_measured(folder: Path) -> Measured:
    """What was measured beside the model in `folder`, if anything."""
    path = folder / NAME
    if not path.is_file():
        return Measured({}, {})
    fields = json.loads(path.read_text(encoding="utf-8"))
    sets = {key: _reports_from(own) for key, own in fields["sets"].items()}
    return Measured(_reports_from(fields["folds"]), sets)


def write_measured(folder: Path, measured: Measured) -> None:
    """Keep `measured`, and sets measured before, beside the model in `folder`."""
    joined = replace(measured, sets=read_measured(folder).sets | measured.sets)
    write_durably(folder / NAME, json.dumps(asdict(joined), indent=1) + "\n")


def _reports_from(fields: dict[str, Any]) -> dict[str, Report]:
    return {name: report_from(own) for name, own in fields.items()}
