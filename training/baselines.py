"""What a model must beat: saying nothing, a list of keywords, and plain TF-IDF."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import scipy.sparse as sp
import yaml
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from service.nlp.clean import clean
from service.nlp.errors import OtklikError
from service.nlp.heads import Polarity
from service.nlp.segment import words
from service.nlp.taxonomy import Taxonomy
from training.corpus import Example, Label
from training.rule import truths
from training.scoring import Guess

Baseline = Callable[[Sequence[Example]], list[Guess]]
"""Says what it thinks of each comment."""


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


def plain_tfidf(train: Sequence[Example], taxonomy: Taxonomy) -> Baseline:
    """The usual first try: TF-IDF of words and pairs, one logistic regression a category, cut at 0.5.

    Polarity is a further one over the whole comment.
    """
    vectorizer = TfidfVectorizer(tokenizer=words, token_pattern=None, ngram_range=(1, 2), min_df=2)
    matrix = vectorizer.fit_transform([example.text for example in train])
    models = {}
    for code in taxonomy.category_codes:
        answers = truths(train, code)
        known = answers >= 0
        models[code] = _fit(matrix[known], answers[known].tolist())
    toned = [i for i, example in enumerate(train) if len({x.polarity for x in example.labels}) == 1]
    tone = _fit(matrix[toned], [train[i].labels[0].polarity for i in toned])

    def guess(examples: Sequence[Example]) -> list[Guess]:
        rows = vectorizer.transform([example.text for example in examples])
        said = {code: model.predict(rows) for code, model in models.items()}
        tones = tone.predict(rows)
        return [
            Guess(tuple(Label(code, None, tones[i]) for code in said if said[code][i]))
            for i in range(len(examples))
        ]

    return guess


def _fit(matrix: sp.csr_matrix, answers: Sequence[object]) -> LogisticRegression | DummyClassifier:
    """A logistic regression; where there is only one answer to learn, that answer."""
    if len(set(answers)) < 2:
        return DummyClassifier(strategy="most_frequent").fit(matrix, answers)
    return LogisticRegression(C=10.0, max_iter=500).fit(matrix, answers)


def _stem_pattern(stems: Sequence[str]) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(map(re.escape, stems)) + ")")
