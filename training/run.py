"""The steps of a training run between the corpus and a fitted, measured model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from tqdm import tqdm

from service.nlp.decide import DecisionRule, Scores
from service.nlp.hashing import Keys
from service.nlp.heads import Heads
from service.nlp.taxonomy import Taxonomy
from service.nlp.taxonomy_file import read_taxonomy
from training.baselines import (
    Beliefs,
    choose_thresholds,
    cut,
    join_folds,
    judge_fold,
    keyword_list,
    no_label,
    plain_tfidf,
)
from training.corpus import CorpusError, Example, read_corpus
from training.corrections import mix, read_corrections, read_gold
from training.features import distinct_words
from training.fit import TwinModel
from training.guess import decide_units
from training.lexicon import Turn, add_turns, read_lexicon
from training.rule import HeldOut, choose_rule, score_units
from training.scoring import Guess, Report, score
from training.settings import TrainingSettings
from training.split import Fold, make_folds
from training.units import UnitSet, read_units
from training.vectors import bundled_lemma_keys

MIN_EXAMPLES = 10
"""A category with fewer labelled comments cannot be learned, let alone measured."""


@dataclass(frozen=True)
class Trained:
    """A fitted model with what it was made of and how it does on authors it has not seen."""

    taxonomy: Taxonomy
    examples: Sequence[Example]
    turns: int
    """How many turns of speech the model learned from beside the examples."""
    model: TwinModel
    lemma_keys: Keys
    """Of the words that have a vector: see `training.vectors.bundled_lemma_keys`."""
    words: Sequence[str]
    """All that stand in the examples."""
    rule: DecisionRule
    guesses: Sequence[Guess]
    """Cross-validated, one an example."""
    reports: dict[str, Report]
    """The model and its baselines, cross-validated."""


def read_inputs(settings: TrainingSettings) -> tuple[Taxonomy, list[Example]]:
    """Taxonomy, and the corpus with corrections and without gold comments, checked.

    Raises:
        TaxonomyError, CorpusError: with file and line of every mistake.
    """
    taxonomy = read_taxonomy(settings.taxonomy)
    corrections = read_corrections(settings.corrections, taxonomy) if settings.corrections else []
    gold = read_gold(settings.gold, taxonomy)
    examples = mix(read_corpus(settings.corpus, taxonomy), corrections, gold)
    for code in taxonomy.category_codes:
        found = sum(example.label(code) is not None for example in examples)
        if found < MIN_EXAMPLES:
            raise CorpusError(
                f"{settings.corpus}: found {found} comments labelled «{code}», expected {MIN_EXAMPLES} "
                f"or more; add some, or take the category out of {settings.taxonomy.name}"
            )
    return taxonomy, examples


def train(taxonomy: Taxonomy, examples: Sequence[Example], settings: TrainingSettings) -> Trained:
    """Cross-validate, choose the decision rule, fit on everything.

    The fits run in `settings.jobs` processes; how many does not change the result.
    """
    heads = Heads(taxonomy)
    units = read_units(examples)
    turns = read_lexicon(settings.lexicon, taxonomy)
    folds = make_folds(examples, settings.folds)
    jobs = [
        delayed(fit_model)(units, turns, heads, settings),  # first, as it takes longest
        *(delayed(_score_held_out)(units, turns, fold, heads, settings) for fold in folds),
        *(delayed(judge_fold)(plain_tfidf, examples, fold, taxonomy) for fold in folds),
        delayed(bundled_lemma_keys)(),
    ]
    work = Parallel(n_jobs=settings.jobs, return_as="generator")(jobs)
    progress = tqdm(work, desc="training", total=len(jobs), unit="job", disable=None)
    model, *parts, lemma_keys = progress
    ours, tfidf = parts[: len(folds)], parts[len(folds) :]
    held_out = HeldOut(examples, units, _join_scores(ours, folds, units))
    rule = choose_rule(held_out, heads)
    guesses = decide_units(held_out.scores, units, heads, rule)
    reports = {
        "otklik": score(examples, guesses, taxonomy.category_codes),
        **_score_baselines(taxonomy, examples, join_folds(zip(folds, tfidf, strict=True)), settings),
    }
    words = sorted(distinct_words(units.units[: units.n_comments]))
    return Trained(taxonomy, examples, len(turns), model, lemma_keys, words, rule, guesses, reports)


def _score_held_out(
    units: UnitSet, turns: Sequence[Turn], fold: Fold, heads: Heads, settings: TrainingSettings
) -> Scores:
    """The scores that a fold's model gives to the comments held out."""
    model = fit_model(units.select(fold.train), turns, heads, settings)
    return score_units(model, units.select(fold.held_out))


def fit_model(units: UnitSet, turns: Sequence[Turn], heads: Heads, settings: TrainingSettings) -> TwinModel:
    """The model that learns from `units` and `turns`."""
    return TwinModel(heads, settings).fit(add_turns(units, turns, heads.taxonomy).units)


def _join_scores(parts: Sequence[Scores], folds: Sequence[Fold], units: UnitSet) -> Scores:
    """The scores of all comments, each from the fold that held it out."""
    heads = parts[0].comments.shape[1]
    comments = np.zeros((units.n_comments, heads))
    clauses = np.zeros((len(units.clauses), heads))
    for scores, fold in zip(parts, folds, strict=True):
        comments[fold.held_out] = scores.comments
        clauses[np.isin(units.owners, fold.held_out)] = scores.clauses
    return Scores(comments, clauses, units.runs, units.contexts)


def _score_baselines(
    taxonomy: Taxonomy, examples: Sequence[Example], beliefs: Beliefs, settings: TrainingSettings
) -> dict[str, Report]:
    """`beliefs` are those of plain TF-IDF."""
    codes = taxonomy.category_codes
    tfidf = cut(beliefs, choose_thresholds(examples, beliefs, taxonomy), taxonomy)
    return {
        "no label": score(examples, no_label(examples), codes),
        "keyword list": score(examples, keyword_list(settings.keywords, taxonomy)(examples), codes),
        "plain TF-IDF": score(examples, tfidf, codes),
    }
