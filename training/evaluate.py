"""The evaluation table: a model beside its baselines, with intervals, for people and for programs."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from service.nlp.artefact import load_tagger, read_manifest
from training import baselines, peers
from training.corpus import read_set
from training.guess import tag_examples
from training.paired import hash_examples
from training.run import read_inputs
from training.scoring import Report, report_from, score
from training.settings import TrainingSettings
from training.split import make_folds
from training.typos import misspell

TITLES = {
    "macro_f1": "macro-F1",
    "polarity": "polarity right",
    "aspect": "aspect right",
    "left_empty": "no label left empty",
    "evidence": "evidence overlap",
    "needs_review": "needs review",
    "calibration": "calibration error",
}


def format_table(reports: Mapping[str, Report]) -> str:
    """A Markdown table: one row a figure, one column a model; «–» where a model says nothing of it."""
    names = list(reports)
    rows = list(dict.fromkeys(name for report in reports.values() for name in report.figures))
    cases = {row: max(r.figures[row].cases for r in reports.values() if row in r.figures) for row in rows}
    lines = ["| figure | cases | " + " | ".join(names) + " |", "| --- |" + " ---: |" * (len(names) + 1)]
    for row in rows:
        cells = [str(reports[name].figures.get(row, "–")) for name in names]
        lines.append(f"| {TITLES.get(row, row)} | {cases[row]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def format_json(reports: Mapping[str, Report]) -> str:
    """The same figures as JSON: model → {comments, figures: {name: {value, low, high, cases}}}."""
    return json.dumps({name: asdict(report) for name, report in reports.items()}, indent=1)


def reports_of_folds(folder: Path) -> dict[str, Report]:
    """The cross-validated figures of the model in `folder`, and of its baselines as far as measured."""
    figures = read_manifest(folder).figures
    own = {name: report_from(fields) for name, fields in figures.items()}
    return own | baselines.read_measured(folder).folds


def score_file(path: Path, settings: TrainingSettings) -> dict[str, Report]:
    """The current model and its baselines on a labelled file.

    Raises:
        OtklikError: when the file is missing or wrong.
    """
    tagger = load_tagger(settings.models)
    examples = read_set(path, tagger.taxonomy)
    taxonomy, train = read_inputs(settings)
    folds = make_folds(train, settings.folds)
    held_out = baselines.judge_held_out(baselines.plain_tfidf, train, folds, taxonomy)
    thresholds = baselines.choose_thresholds(train, held_out, taxonomy)
    tfidf = baselines.plain_tfidf(train, examples, taxonomy)
    guesses = {
        "otklik": tag_examples(tagger, examples),
        "otklik, misspelt": tag_examples(tagger, misspell(examples, settings.seed)),
        "no label": baselines.no_label(examples),
        "keyword list": baselines.keyword_list(settings.keywords, taxonomy)(examples),
        "plain TF-IDF": baselines.cut(tfidf, thresholds, taxonomy),
    }
    codes = tagger.taxonomy.category_codes
    reports = {name: score(examples, own, codes) for name, own in guesses.items()}
    measured = baselines.read_measured(settings.models / tagger.version)
    return reports | measured.sets.get(hash_examples(examples), {})


def missing_baselines(reports: Mapping[str, Report]) -> list[str]:
    """The baselines that learn in environments of their own and were not measured on these comments."""
    return [peer.name for peer in peers.PEERS if peer.name not in reports]
