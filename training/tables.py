"""The commands that print tables: baselines, learning curve, ablation, corpus report, suspects."""

import argparse
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from service.nlp.artefact import current_version, read_manifest
from service.nlp.errors import OtklikError
from training.settings import TrainingSettings

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_DATA = "a labelled JSON Lines file to measure on as well; may be given several times"
_RESUME = "What each fit said is kept under var/trials: a run that was stopped goes on where it was."


def add_commands(commands: "_SubParsersAction[argparse.ArgumentParser]") -> list[argparse.ArgumentParser]:
    """Add the parsers of this module's commands; they take folders as the others do."""
    baselines = commands.add_parser(
        "baselines",
        help="measure fastText and spaCy on the corpus and folds of the current model",
        description="They join the table of `evaluate` and of the model's card. Not part of `train`, which "
        "they would make longer by minutes: each learns every fold anew. Pip installs them, once, under "
        "var/bench. Thresholds are chosen on the folds, as the model's are. " + _RESUME,
    )
    baselines.set_defaults(run=_baselines)
    curve = commands.add_parser(
        "curve",
        help="train on growing shares of the authors and print the learning curve",
        description="Learns from 1/16, 1/8, 1/4, 1/2 and all of the authors, whole authors, nested, in two "
        "orders, and judges a sixth of the authors, the same throughout. Prints macro-F1 and polarity by "
        "size, and the points that 1,000 more comments bring at the end; draws var/reports/curve.html. "
        + _RESUME,
    )
    curve.set_defaults(run=_curve)
    ablation = commands.add_parser(
        "ablation",
        help="train without one part of the model at a time and print what is lost",
        description="Judges a sixth of the authors, which no fit learns from. In brackets: the change "
        "against the whole model in points, with a 95 %% interval by paired bootstrap; a part whose interval "
        "reaches over zero has not shown that it brings something. " + _RESUME,
    )
    ablation.set_defaults(run=_ablation)
    for command in (curve, ablation):
        command.add_argument("--fits", type=int, metavar="N", help="make at most N fits now (all)")
        command.add_argument("--lexicon", type=Path, metavar="DIR", help="turns of speech (data/lexicon)")
    report = commands.add_parser(
        "corpus-report",
        help="print what the corpus is like: repetitions, lengths, style, vocabulary, labels",
        description="As Markdown. With --data, lengths, style, labels and words stand beside another set's.",
    )
    report.set_defaults(run=_corpus_report)
    suspects = commands.add_parser(
        "suspects",
        help="print labels of the corpus that are probably wrong, for review",
        description="Labels that the current model, in the fold that had not seen the comment, surely "
        "contradicts (confident learning, cleanlab), the likeliest errors first, with file and line. Nothing "
        "is changed: read them, and correct the corpus where the label is wrong.",
    )
    suspects.add_argument("--limit", type=int, default=40, metavar="N", help="how many (%(default)s)")
    suspects.set_defaults(run=_suspects)
    for command in (baselines, curve, ablation, report):
        command.add_argument(
            "--data", type=Path, action="append", default=[], metavar="FILE.jsonl", help=_DATA
        )
    for command in (baselines, curve, ablation):
        command.add_argument("--trials", type=Path, metavar="DIR", help="what fits said (var/trials)")
    for command in (baselines, suspects):
        command.add_argument(
            "--corrections", type=Path, metavar="FILE.jsonl", help="those that the model learned from"
        )
    baselines.add_argument("--environments", type=Path, metavar="DIR", help="(var/bench)")
    curve.add_argument("--reports", type=Path, metavar="DIR", help="folder of pages (var/reports)")
    return [baselines, curve, ablation, report, suspects]


def settings_of(options: argparse.Namespace) -> TrainingSettings:
    """The settings with the places that the options name."""
    places = {field.name for field in fields(TrainingSettings)}
    return TrainingSettings(**{name: path for name, path in vars(options).items() if path and name in places})


def _baselines(options: argparse.Namespace) -> None:
    from training import baselines, evaluate, peers
    from training.card import put_figures
    from training.corpus import read_set
    from training.publish import hash_corpus
    from training.run import read_inputs

    settings = settings_of(options)
    folder = settings.models / current_version(settings.models)
    taxonomy, examples = read_inputs(settings)
    if hash_corpus(examples) != read_manifest(folder).corpus["sha256"]:
        raise OtklikError(
            f"{folder.name} was not made of these comments; run make train and promote it first"
        )
    sets = [read_set(path, taxonomy) for path in options.data]
    measured = peers.measure_peers(examples, sets, taxonomy, settings)
    baselines.write_measured(folder, measured)
    reports = evaluate.reports_of_folds(folder)
    card = folder / "card.md"
    card.write_text(put_figures(card.read_text(encoding="utf-8"), reports), encoding="utf-8")
    print(f"Model {folder.name}, cross-validated over unseen authors\n\n{evaluate.format_table(reports)}")
    for path in options.data:
        own = evaluate.score_file(path, settings)
        print(f"\n{path}\n\n{evaluate.format_table(own)}")


def _curve(options: argparse.Namespace) -> None:
    from training import curve, trials
    from training.pages.curve import write_page

    settings = settings_of(options)
    sizes = curve.plan_curve(trials.set_exam(settings, options.data), settings)
    missing = trials.run_trials([size.trial for size in sizes], settings.jobs, options.fits)
    if missing:
        print(f"{missing} of {len(sizes)} fits are still to make; run the command again")
        return
    points = [curve.measure(size) for size in tqdm(sizes, desc="fits judged", unit="fit", disable=None)]
    print(curve.format_curve(points))
    print(f"\npage: {write_page(points, settings.reports)}")


def _ablation(options: argparse.Namespace) -> None:
    from training import ablation, trials

    settings = settings_of(options)
    plan = ablation.plan_ablation(trials.set_exam(settings, options.data), settings)
    fits = list({trial.settings: trial for trial in plan.values()}.values())
    missing = trials.run_trials(fits, settings.jobs, options.fits)
    if missing:
        print(f"{missing} of {len(fits)} fits are still to make; run the command again")
        return
    print(ablation.format_losses(ablation.measure_losses(plan)))


def _corpus_report(options: argparse.Namespace) -> None:
    from training.corpus import read_set
    from training.corpus_report import report_corpus
    from training.run import read_inputs

    taxonomy, examples = read_inputs(settings_of(options))
    sets = {path.stem: read_set(path, taxonomy) for path in options.data}
    print(report_corpus(examples, sets, taxonomy))


def _suspects(options: argparse.Namespace) -> None:
    from training.held_out import read_held_out
    from training.run import read_inputs
    from training.split import text_key
    from training.suspects import find_suspects, format_suspects

    settings = settings_of(options)
    taxonomy, examples = read_inputs(settings)
    kept = read_held_out(settings.models / current_version(settings.models), taxonomy)
    known = [example for example in examples if text_key(example.text) in kept]
    guesses = [kept[text_key(example.text)] for example in known]
    print(format_suspects(find_suspects(known, guesses, taxonomy.category_codes, options.limit)))
