"""`python -m training`: train, evaluate, check the corpus, or see that there is a model to serve."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from service.nlp.artefact import check_manifest, current_version, load_tagger, read_manifest
from service.nlp.errors import ArtefactError, OtklikError
from service.nlp.taxonomy import format_taxonomy
from service.nlp.taxonomy_file import read_taxonomy
from service.registry.journal import Journal
from service.registry.switch import adopt
from service.registry.versions import newest_candidate
from training import tables
from training.settings import TrainingSettings
from training.tables import settings_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0 when it succeeded, 2 on an error of the user's to mend."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except OtklikError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    train = commands.add_parser("train", help="fit a candidate on data/corpus and measure it")
    train.set_defaults(run=_train)
    ensure = commands.add_parser("ensure", help="train only when models/ has no model that can be served")
    ensure.add_argument("--check-only", action="store_true", help="do not train; exit with 2 instead")
    ensure.set_defaults(run=_ensure)
    check = commands.add_parser("check", help="read taxonomy and corpus and report mistakes by line")
    check.set_defaults(run=_check)
    evaluate = commands.add_parser(
        "evaluate",
        help="print the figures of the current model beside its baselines",
        description="Without --data: the cross-validated figures of the current model. With --data: "
        "score the model and its baselines on a labelled JSON Lines file, "
        '{"text": …, "labels": [{"category", "aspect", "polarity"}], "optional": […]} a line.',
    )
    evaluate.add_argument("--data", type=Path, metavar="FILE.jsonl", help="labelled comments to score on")
    evaluate.add_argument("--json", action="store_true", help="print JSON instead of a table")
    evaluate.set_defaults(run=_evaluate)
    agreement = commands.add_parser(
        "agreement", help="print how far two readers of the rule book agree on the corpus"
    )
    agreement.set_defaults(run=_agreement)
    compare = commands.add_parser(
        "compare",
        help="measure a candidate beside the model in use, and write the comparison page",
        description="What otklik models promote goes by is left beside the candidate.",
    )
    compare.add_argument("version", nargs="?", metavar="VERSION", help="(the newest candidate)")
    compare.add_argument("--against", metavar="OLD", help="(the model in use)")
    compare.set_defaults(run=_compare)
    _add_folders(train, compare, ensure, check, evaluate, agreement, *tables.add_commands(commands))
    return parser


def _add_folders(*commands: argparse.ArgumentParser) -> None:
    """Let the commands be told where things are; the first two compare, the first three train."""
    for command in commands[:2]:
        command.add_argument("--comments", type=Path, metavar="FILE.jsonl", help="stored comments to tag")
        command.add_argument("--reports", type=Path, metavar="DIR", help="folder of pages (var/reports)")
    for command in commands[:3]:
        command.add_argument(
            "--corrections", type=Path, metavar="FILE.jsonl", help="corrected comments to learn from"
        )
        command.add_argument("--gold", type=Path, metavar="PATH", help="comments never learned (data/gold)")
    for command in commands:
        command.add_argument(
            "--corpus", type=Path, metavar="DIR", help="folder of corpus files (data/corpus)"
        )
        command.add_argument("--models", type=Path, metavar="DIR", help="folder of models (models)")
        command.add_argument("--taxonomy", type=Path, metavar="FILE", help="(data/taxonomy.yaml)")


def _train(options: argparse.Namespace) -> None:
    settings = settings_of(options)
    version = _make_candidate(options).name
    try:
        in_use = current_version(settings.models)
        check_manifest(settings.models / in_use, read_manifest(settings.models / in_use))
    except ArtefactError:
        print(f"no model is in use; otklik models promote {version} puts this one into use")
        return
    if in_use == version:
        print(f"{version} is the model in use: the same data gave the same model")
        return
    print(f"candidate beside {in_use}, which stays in use:\n")
    _write_comparison(version, in_use, options)


def _compare(options: argparse.Namespace) -> None:
    models = settings_of(options).models
    version = options.version or newest_candidate(models, Journal(models).read())
    _write_comparison(version, options.against or current_version(models), options)


def _write_comparison(version: str, in_use: str, options: argparse.Namespace) -> None:
    from service.registry.gate import format_comparison, write_comparison
    from training.compare import compare, summarize
    from training.pages.comparison import write_page

    settings = settings_of(options)
    compared = compare(version, in_use, settings, options.comments)
    write_comparison(settings.models, compared.comparison)
    page = write_page(compared, settings.reports)
    print(format_comparison(compared.comparison))
    print(f"\n{summarize(compared)}\npage: {page}")


def _make_candidate(options: argparse.Namespace) -> Path:
    from training import publish, run  # scikit-learn takes a second to import: only here
    from training.corpus import CORRECTIONS

    settings = settings_of(options)
    started = time.monotonic()
    taxonomy, examples = run.read_inputs(settings)
    authors = Counter(example.author for example in examples)
    corrections = authors.pop(CORRECTIONS, 0)
    print(f"{len(examples)} comments by {len(authors)} authors, {corrections} corrections", flush=True)
    trained = run.train(taxonomy, examples, settings)
    folder = publish.publish(trained, settings)
    print(f"{folder.name}: macro-F1 {trained.reports['otklik'].figures['macro_f1']} on unseen authors")
    print(
        f"written to {folder} in {time.monotonic() - started:.0f} s; "
        f"figures and weak points: {folder / 'card.md'}"
    )
    return folder


def _ensure(options: argparse.Namespace) -> None:
    settings = settings_of(options)
    try:
        folder = settings.models / current_version(settings.models)
        check_manifest(folder, read_manifest(folder))
        known = (folder / "taxonomy.json").read_text(encoding="utf-8")
    except ArtefactError as error:
        if options.check_only:
            raise
        print(f"{error} … training now, this takes some minutes", flush=True)
        version = _make_candidate(options).name
        adopt(settings.models, version, "first", by="")
        print(f"{version} is in use")
        return
    taxonomy = read_taxonomy(settings.taxonomy)
    if format_taxonomy(taxonomy) != known:
        from training import publish

        print(publish.refresh_taxonomy(taxonomy, settings.models), flush=True)


def _check(options: argparse.Namespace) -> None:
    from training import run

    _, examples = run.read_inputs(settings_of(options))
    print(f"{len(examples)} comments, no mistake")


def _agreement(options: argparse.Namespace) -> None:
    from training import agreement

    settings = settings_of(options)
    taxonomy = read_taxonomy(settings.taxonomy)
    pairs = agreement.read_pairs(settings.second, taxonomy)
    measured = [agreement.measure_agreement(pairs, code) for code in taxonomy.category_codes]
    print(agreement.format_agreements(measured))


def _evaluate(options: argparse.Namespace) -> None:
    from training import evaluate

    settings = settings_of(options)
    if options.data is None:
        version = current_version(settings.models)
        reports = evaluate.reports_of_folds(settings.models / version)
        heading = f"Model {version}, cross-validated over unseen authors"
        behaviour = "\n\n" + _behaviour(settings)
    else:
        reports = evaluate.score_file(options.data, settings)
        heading = f"{options.data}: {next(iter(reports.values())).comments} comments"
        behaviour = ""
    if options.json:
        print(evaluate.format_json(reports))
        return
    print(f"{heading}\n\n{evaluate.format_table(reports)}{behaviour}")
    if missing := evaluate.missing_baselines(reports):
        print(f"\n{' and '.join(missing)}: python -m training baselines measures them too")


def _behaviour(settings: TrainingSettings) -> str:
    """The share of failed behavioural cases of the current model, by capability."""
    from training import behaviour

    tagger = load_tagger(settings.models)
    capabilities = behaviour.read_capabilities(settings.checklist, tagger.taxonomy)
    return behaviour.format_outcomes(behaviour.run_capabilities(tagger, capabilities))


if __name__ == "__main__":
    sys.exit(main())
