"""The steps of a training run between the corpus and the artefact."""

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import joblib
import numpy as np
from sklearn.pipeline import Pipeline
from tqdm import tqdm

from service.nlp.artefact import (
    FORMAT,
    Manifest,
    Model,
    hash_file,
    hash_model,
    library_versions,
    set_current,
    write_manifest,
    write_model,
)
from service.nlp.decide import DecisionRule, Scores
from service.nlp.heads import Heads
from service.nlp.taxonomy import Taxonomy, read_taxonomy
from training.baselines import keyword_list, no_label, plain_tfidf
from training.card import format_card
from training.compile import compile_weights
from training.corpus import CorpusError, Example, format_comment, read_corpus
from training.fit import fit_pipeline
from training.guess import decide_units
from training.rule import HeldOut, choose_rule, score_units
from training.scoring import Guess, Report, score
from training.settings import TrainingSettings
from training.split import Fold, make_folds
from training.units import read_units

MIN_EXAMPLES = 10
"""A category with fewer labelled comments cannot be learned, let alone measured."""


@dataclass(frozen=True)
class Trained:
    """A fitted model with what it was made of and how it does on authors it has not seen."""

    taxonomy: Taxonomy
    examples: Sequence[Example]
    pipeline: Pipeline
    rule: DecisionRule
    guesses: Sequence[Guess]
    """Cross-validated, one an example."""
    reports: dict[str, Report]
    """The model and its baselines, cross-validated."""


def read_inputs(settings: TrainingSettings) -> tuple[Taxonomy, list[Example]]:
    """Taxonomy and corpus, checked.

    Raises:
        TaxonomyError, CorpusError: with file and line of every mistake.
    """
    taxonomy = read_taxonomy(settings.taxonomy)
    examples = read_corpus(settings.corpus, taxonomy)
    for code in taxonomy.category_codes:
        found = sum(example.label(code) is not None for example in examples)
        if found < MIN_EXAMPLES:
            raise CorpusError(
                f"{settings.corpus}: found {found} comments labelled «{code}», expected {MIN_EXAMPLES} "
                f"or more; add some, or take the category out of {settings.taxonomy.name}"
            )
    return taxonomy, examples


def train(taxonomy: Taxonomy, examples: Sequence[Example], settings: TrainingSettings) -> Trained:
    """Cross-validate, choose the decision rule, fit on everything."""
    heads = Heads(taxonomy)
    units = read_units(examples)
    folds = make_folds(examples, settings.folds)
    comments = np.zeros((len(examples), len(heads.all)))
    clauses = np.zeros((len(units.clauses), len(heads.all)))
    for fold in tqdm(folds, desc="held-out folds", unit="fold", disable=None):
        pipeline = fit_pipeline(units.select(fold.train).units, heads, settings)
        scores = score_units(pipeline, units.select(fold.held_out))
        comments[fold.held_out] = scores.comments
        clauses[np.isin(units.owners, fold.held_out)] = scores.clauses
    held_out = HeldOut(examples, units, Scores(comments, clauses, units.owners))
    rule = choose_rule(held_out, heads)
    guesses = decide_units(held_out.scores, units, examples, heads, rule)
    reports = {
        "otklik": score(examples, guesses, taxonomy.category_codes),
        **_score_baselines(taxonomy, examples, folds, settings),
    }
    pipeline = fit_pipeline(units.units, heads, settings)
    return Trained(taxonomy, examples, pipeline, rule, guesses, reports)


def save(trained: Trained, settings: TrainingSettings) -> Path:
    """Write the model beside the others and make it the current one; the folder appears whole."""
    settings.models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.models, prefix=".training-") as scratch:
        folder = Path(scratch)
        write_model(folder, Model(trained.taxonomy, trained.rule, compile_weights(trained.pipeline)))
        version = f"{datetime.now(UTC):%Y-%m-%d}-{hash_model(folder)[:6]}"
        joblib.dump(trained.pipeline, folder / "pipeline.joblib", compress=3)
        card = format_card(version, trained.taxonomy, trained.examples, trained.guesses, trained.reports)
        (folder / "card.md").write_text(card, encoding="utf-8")
        write_manifest(folder, _manifest(version, folder, trained, settings))
        target = settings.models / version
        shutil.rmtree(target, ignore_errors=True)  # an earlier run of today with the same result
        shutil.copytree(folder, target)
    set_current(settings.models, version)
    return target


def _score_baselines(
    taxonomy: Taxonomy, examples: Sequence[Example], folds: Sequence[Fold], settings: TrainingSettings
) -> dict[str, Report]:
    codes = taxonomy.category_codes
    tfidf = [Guess()] * len(examples)
    for fold in tqdm(folds, desc="plain TF-IDF", unit="fold", disable=None):
        baseline = plain_tfidf([examples[i] for i in fold.train], taxonomy)
        for i, guess in zip(fold.held_out, baseline([examples[i] for i in fold.held_out]), strict=True):
            tfidf[i] = guess
    return {
        "no label": score(examples, no_label(examples), codes),
        "keyword list": score(examples, keyword_list(settings.keywords, taxonomy)(examples), codes),
        "plain TF-IDF": score(examples, tfidf, codes),
    }


def _manifest(version: str, folder: Path, trained: Trained, settings: TrainingSettings) -> Manifest:
    corpus = "\n".join(f"{e.author} {e.question} {format_comment(e)}" for e in trained.examples)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return Manifest(
        format=FORMAT,
        version=version,
        created=f"{datetime.now(UTC):%Y-%m-%d}",
        libraries=library_versions(),
        corpus={
            "sha256": hashlib.sha256(corpus.encode()).hexdigest(),
            "comments": len(trained.examples),
            "authors": len({example.author for example in trained.examples}),
        },
        settings={name: value for name, value in asdict(settings).items() if not isinstance(value, Path)},
        figures={name: asdict(report) for name, report in trained.reports.items()},
        files={path.relative_to(folder).as_posix(): hash_file(path) for path in files},
    )
