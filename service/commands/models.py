"""`otklik models`: which models there are, and which one is in use."""

import argparse
import getpass
import json
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from service.commands.options import Commands, add_models, read_settings

if TYPE_CHECKING:
    from service.registry.journal import Entry, Reign
    from service.registry.versions import Version

_SHOWN = ("created", "libraries", "corpus", "settings")
"""Fields of the manifest."""


def add(commands: Commands) -> None:
    """Add `models` to the commands."""
    parser = commands.add_parser(
        "models",
        help="list, show, compare, promote and roll back models",
        description="A model comes into use by `promote` (after `make train` made and compared it) or by "
        "`rollback`. Each change is recorded in models/promotions.jsonl; running workers follow at once.",
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    actions.add_parser("list", help="all versions and their state").set_defaults(run=_list)
    show = actions.add_parser("show", help="what one version was made of, its figures, when it was in use")
    show.set_defaults(run=_show)
    diff = actions.add_parser("diff", help="figures of a candidate beside those of the model in use")
    diff.add_argument("--against", metavar="OLD", help="(the model in use)")
    diff.set_defaults(run=_diff)
    promote = actions.add_parser(
        "promote",
        help="put a version into use",
        description="Refused when the version is significantly worse in any category than the model in use, "
        "or was not compared with it.",
        epilog='example: otklik models promote 2026-11-21-3f9c2a --force --reason "new taxonomy"',
    )
    promote.add_argument("--force", action="store_true", help="promote although the gate says no")
    promote.set_defaults(run=_promote)
    back = actions.add_parser("rollback", help="put the model back into use that the current one replaced")
    back.set_defaults(run=_rollback)
    journal = actions.add_parser(
        "journal", help="check the promotion journal and tell which model was in use when"
    )
    journal.add_argument(
        "--at", type=_moment, metavar="TIME", help="only the model in use at this moment (ISO 8601)"
    )
    journal.set_defaults(run=_journal)
    show.add_argument("version", nargs="?", metavar="VERSION", help="(the model in use)")
    for command in (diff, promote):
        command.add_argument("version", nargs="?", metavar="VERSION", help="(the newest candidate)")
    for command in (promote, back):
        command.add_argument("--reason", metavar="TEXT", help="recorded in the journal")
        command.add_argument("--by", metavar="NAME", help="who does it (the user of this computer)")
    for command in actions.choices.values():
        add_models(command)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"found «{text}», expected a time such as 2026-11-21T14:30"
        ) from None
    return moment.astimezone()


def _list(options: argparse.Namespace) -> int:
    from service.registry.journal import Journal
    from service.registry.versions import find_versions

    models = _models(options)
    versions = find_versions(models, Journal(models).read())
    print(f"{'version':<24} {'state':<11} {'comments':>8} {'corrections':>11} {'macro-F1':>8}  in use since")
    for version in versions:
        print(_format_version(version))
    return 0


def _format_version(version: "Version") -> str:
    manifest = version.manifest
    corpus = manifest.corpus if manifest else {}
    figure = manifest.figures["otklik"]["figures"]["macro_f1"]["value"] if manifest else None
    macro = f"{figure:.3f}" if figure is not None else "–"
    since = ", ".join(_format_time(reign.since) for reign in version.reigns) or "–"
    counts = f"{corpus.get('comments', '–'):>8} {corpus.get('corrections', 0):>11}"
    return f"{version.name:<24} {version.state:<11} {counts} {macro:>8}  {since}"


def _show(options: argparse.Namespace) -> int:
    from service.nlp.artefact import current_version
    from service.registry.journal import Journal
    from service.registry.versions import describe

    models = _models(options)
    name = options.version or current_version(models)
    version = describe(models, name, Journal(models).read())
    print(f"{version.name}: {version.state}")
    if version.flaw:
        print(version.flaw)
    for reign in version.reigns:
        print(f"in use {_format_reign(reign)}")
    if version.manifest:
        shown = {name: getattr(version.manifest, name) for name in _SHOWN}
        print(json.dumps(shown, ensure_ascii=False, indent=1))
    with suppress(FileNotFoundError):
        print((models / name / "card.md").read_text(encoding="utf-8"))
    return 2 if version.flaw else 0


def _diff(options: argparse.Namespace) -> int:
    from service.nlp.artefact import current_version
    from service.registry.gate import format_comparison, read_comparison

    models = _models(options)
    version = _candidate(options, models)
    comparison = read_comparison(models, version, options.against or current_version(models))
    print(format_comparison(comparison))
    return 0


def _promote(options: argparse.Namespace) -> int:
    from service.registry.errors import RegistryError
    from service.registry.switch import promote

    if options.force and not (options.reason or "").strip():
        raise RegistryError('--force needs --reason "…": it is recorded in the journal')
    forced = options.reason if options.force else None
    models = _models(options)
    entry = promote(models, _candidate(options, models), _user(options), forced)
    print(_format_switch(entry))
    return 0


def _rollback(options: argparse.Namespace) -> int:
    from service.registry.switch import rollback

    print(_format_switch(rollback(_models(options), _user(options), options.reason)))
    return 0


def _format_switch(entry: "Entry") -> str:
    forced = f", forced over {', '.join(entry.worse)}" if entry.worse else ""
    return f"{entry.version} is in use in place of {entry.replaces}{forced}; recorded as entry {entry.number}"


def _journal(options: argparse.Namespace) -> int:
    from service.registry.journal import model_at, reigns
    from service.registry.switch import settle

    entries = settle(_models(options))
    if options.at:
        found = model_at(entries, options.at)
        print(_format_reign(found) if found else "no model was in use then")
        return 0
    for reign in reigns(entries):
        print(_format_reign(reign))
    print(f"{len(entries)} entries, each follows from the one before it")
    return 0


def _format_reign(reign: "Reign") -> str:
    entry = reign.entry
    until = _format_time(reign.until) if reign.until else "now"
    data = f"made from {entry.data.get('comments', '?')} comments"
    if entry.data.get("corrections"):
        data += f", {entry.data['corrections']} of them corrections"
    parts = [f"{_format_time(reign.since)} – {until}", reign.version, entry.action, data]
    parts += [f"by {entry.by}"] if entry.by else []
    parts += [f"although {', '.join(entry.worse)}"] if entry.worse else []
    parts += [f"«{entry.reason}»"] if entry.reason else []
    return " · ".join(parts)


def _format_time(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def _models(options: argparse.Namespace) -> Path:
    return read_settings(options).models


def _candidate(options: argparse.Namespace, models: Path) -> str:
    from service.registry.journal import Journal
    from service.registry.versions import newest_candidate

    return options.version or newest_candidate(models, Journal(models).read())


def _user(options: argparse.Namespace) -> str:
    return str(options.by or getpass.getuser())
