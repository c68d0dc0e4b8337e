"""Text to tags in one process: how fast, and whether it is the same as the plain pipeline says."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np
from joblib import Parallel, delayed

from service.nlp.artefact import load_tagger
from service.nlp.decide import decide
from service.nlp.features import KnownWords
from service.nlp.hashing import word_keys
from service.nlp.lemmas import Lemmatizer
from service.nlp.scorer import Scorer
from service.nlp.tagger import TAGGED_AT_ONCE, Comment, Result, Tagger
from training.bench.comments import make_comments
from training.bench.measure import Measured, at_least, at_most, core_seconds, ratios
from training.bench.plain import PlainTagger
from training.corpus import Example
from training.features import distinct_words
from training.scoring import Guess
from training.units import read_units

BATCH = 4_096
PLAIN_BATCH = 1_024
_AGES = 15
"""Batches on which an old and a young tagger are compared."""
_COMPARED_BATCH = 2_000


def measure_warm(models: Path, texts: Sequence[str], rounds: int) -> list[Measured]:
    """Words seen before, in batches."""
    tagger, plain = load_tagger(models), PlainTagger(models)
    comments = [Comment(text) for text in texts[:BATCH]]
    few = texts[:PLAIN_BATCH]
    tagger.tag(comments)
    plain.tag(few)
    ours, columns, theirs = [], [], []
    for _ in range(rounds):
        ours.append(len(comments) / core_seconds(tagger.tag, comments))
        columns.append(len(comments) / core_seconds(tagger.tag_columns, comments))
        theirs.append(len(few) / core_seconds(plain.tag, few))
    return [
        at_least("comments/s, text to tags, words seen before, batches of 4,096", ours, 20_000),
        at_least("comments/s, the same as columns", columns, None),
        at_least("comments/s, the same by the plain pipeline", theirs, None),
        at_least("ratio to the plain pipeline, words seen before", ratios(ours, theirs), 15),
    ]


def measure_stages(models: Path, texts: Sequence[str], rounds: int) -> list[Measured]:
    """Where the time goes: each stage alone, on what the one before it made of the same batch."""
    tagger = load_tagger(models)
    batch = texts[:TAGGED_AT_ONCE]  # how long a stage takes depends on it
    comments = [Comment(text) for text in batch]
    tagger.tag(comments)
    scorer, columns = tagger._scorer, tagger.tag_columns(comments)
    reading = scorer.reader.read(batch)
    scores = scorer.score(reading)
    stages: dict[str, Callable[[], object]] = {
        "reading": lambda: scorer.reader.read(batch),
        "scoring": lambda: scorer.score(reading),
        "deciding": lambda: decide(scores, tagger._heads, tagger._rule),
        "Result objects": lambda: list(tagger._results(comments, columns)),
    }
    return [
        at_most(
            f"µs a comment, {name}",
            [core_seconds(work) / len(batch) * 1e6 for _ in range(rounds)],
            None,
        )
        for name, work in stages.items()
    ]


def measure_unseen(models: Path, texts: Sequence[str], rounds: int) -> list[Measured]:
    """Comments never seen: both know the words of half of the corpus, and are given others."""
    half = len(texts) // 2
    unseen = [Comment(text) for text in texts[half : half + BATCH]]
    few = texts[half : half + PLAIN_BATCH]
    ours, theirs = [], []
    for _ in range(rounds):
        tagger, plain = _load_unaware(models, texts[half : half + BATCH], texts[:half]), PlainTagger(models)
        tagger.tag([Comment(text) for text in texts[:half]])
        plain.tag(texts[:half:4])
        ours.append(len(unseen) / core_seconds(tagger.tag, unseen))
        theirs.append(len(few) / core_seconds(plain.tag, few))
    return [
        at_least("comments/s, text to tags, comments never seen before", ours, None),
        at_least("ratio to the plain pipeline, comments never seen before", ratios(ours, theirs), 6),
    ]


def _load_unaware(models: Path, unseen: Sequence[str], seen: Sequence[str]) -> Tagger:
    """The tagger as if the model had not been made of `unseen`: their words are to be looked up anew."""
    tagger = load_tagger(models)
    weights, kinds = tagger._scorer._weights, fields(KnownWords)
    kept = ~np.isin(weights.words.keys, word_keys(sorted(_words(unseen) - _words(seen))))
    words = KnownWords(**{kind.name: getattr(weights.words, kind.name)[kept] for kind in kinds})
    scorer = Scorer(replace(weights, words=words), Lemmatizer())
    return Tagger(tagger.version, tagger.taxonomy, tagger._rule, scorer)


def _words(texts: Sequence[str]) -> set[str]:
    return distinct_words(read_units([Example(text=text, labels=(), marks=()) for text in texts]).units)


def measure_growth(models: Path, texts: Sequence[str], n: int) -> list[Measured]:
    """Whether a comment costs the same when a hundred times as many came before it.

    Measured beside a tagger that knows the corpus alone, on the same comments in turn: over the minutes
    that this takes, a processor's own speed changes by more than what is looked for.
    """
    tagger, comments = _load_warm(models, texts), make_comments(texts, seed=1)
    costs, done = [], 0
    for count in (n // 100, n // 10, n):
        for _ in range(done, count, BATCH):
            tagger.tag(_draw(comments))
        done = count
        costs.append(
            _compare_ages(tagger, _load_warm(models, texts), [_draw(comments) for _ in range(_AGES)])
        )
    change = max(abs(cost / costs[0] - 1) for cost in costs[1:])
    return [at_most(f"change of the time a comment, from {n // 100:,} to {n:,} comments", [change], 0.1)]


def _load_warm(models: Path, texts: Sequence[str]) -> Tagger:
    tagger = load_tagger(models)
    tagger.tag([Comment(text) for text in texts])
    return tagger


def _draw(comments: Iterator[str]) -> list[Comment]:
    return [Comment(text) for text in islice(comments, BATCH)]


def _compare_ages(old: Tagger, young: Tagger, batches: Sequence[Sequence[Comment]]) -> float:
    """The time that `old` takes for a batch beside that of `young`: the median."""
    found = []
    for number, batch in enumerate(batches):
        order = (old, young) if number % 2 else (young, old)
        spent = {tagger: core_seconds(tagger.tag, batch) for tagger in order}
        found.append(spent[old] / spent[young])
    return median(found)


def measure_equality(models: Path, texts: Sequence[str], n: int) -> list[Measured]:
    """Our tags beside the plain pipeline's, on distinct comments."""
    comments = list(islice(make_comments(texts, seed=2), n))
    batches = [comments[start : start + _COMPARED_BATCH] for start in range(0, n, _COMPARED_BATCH)]
    counted = Parallel(n_jobs=2)(delayed(_compare)(models, batches[i::2]) for i in range(2))
    same = sum(own for own, _ in counted) / n
    return [
        at_least(f"share of {n:,} comments with the same tags as the plain pipeline", [same], 1.0),
        at_most("largest difference of a probability from the plain pipeline's", [max(d for _, d in counted)],
                1e-5),
    ]  # fmt: skip


def _compare(models: Path, batches: Sequence[Sequence[str]]) -> tuple[int, float]:
    tagger, plain = load_tagger(models), PlainTagger(models)
    same, furthest = 0, 0.0
    for batch in batches:
        results = tagger.tag([Comment(text) for text in batch])
        for result, guess in zip(results, plain.tag(batch), strict=True):
            same += _tags(result) == {(x.category, x.aspect, x.polarity) for x in guess.labels}
            furthest = max(furthest, _distance(result, guess, tagger))
    return same, furthest


def _tags(result: Result) -> set[tuple[str, str | None, str | None]]:
    return {(tag.category, tag.aspect, tag.polarity) for tag in result.tags}


def _distance(result: Result, guess: Guess, tagger: Tagger) -> float:
    """How far the probabilities of the tags lie apart, beyond what rounding to four digits hides."""
    theirs = dict(zip(tagger.taxonomy.category_codes, guess.probabilities, strict=True))
    apart = [abs(tag.probability - theirs[tag.category]) for tag in result.tags]
    return max(0.0, max(apart, default=0.0) - 5e-5)
