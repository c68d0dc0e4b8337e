"""`otklik review`: send comments to annotators' tools and take their corrections back."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.commands.options import Commands, add_models, open_store, read_settings

if TYPE_CHECKING:
    from service.nlp.taxonomy import Taxonomy
    from service.review.exchange import Problem, Returned
    from service.review.queue import Task
    from service.store.database import Database

_FORMATS = ("xlsx", "label-studio", "doccano")
_ENDINGS = {".xlsx": "xlsx", ".json": "label-studio", ".jsonl": "doccano"}
_SHOWN_PROBLEMS = 50


def add(commands: Commands) -> None:
    """Add `review` to the commands."""
    review = commands.add_parser(
        "review",
        help="send comments to be corrected, and take the corrections back",
        description="The review queue in files: an Excel sheet (.xlsx), tasks of Label Studio (.json) or of "
        "doccano (.jsonl). What comes back is checked row by row; what is wrong is named and the rest is "
        "stored; sending a file twice stores nothing twice.",
        epilog="example: otklik review export queue.xlsx --limit 60; … edit …; "
        "otklik review import queue.xlsx --author Анна",
    )
    actions = review.add_subparsers(required=True, metavar="ACTION")
    export = actions.add_parser("export", help="write the most urgent comments to a file")
    export.add_argument("output", type=Path, metavar="OUT")
    export.add_argument("--limit", type=_count, default=100, help="how many comments (%(default)s)")
    export.add_argument("--reviewer", help="leave out what this person has corrected")
    export.add_argument("--source", help="only comments of this source")
    export.add_argument("--force", action="store_true", help="replace OUT if it is there")
    take = actions.add_parser("import", help="store the corrections of a file")
    take.add_argument("input", type=Path, metavar="IN")
    take.add_argument("--author", help="who made the corrections; Label Studio's files may say it themselves")
    interface = actions.add_parser("interface", help="print the labelling interface for Label Studio")
    show = actions.add_parser("agreement", help="show how far people agree with the model and each other")
    for command, run in ((export, run_export), (take, run_import), (interface, run_interface)):
        add_models(command)
        command.set_defaults(run=run)
    for command in (export, take):
        command.add_argument("--format", choices=_FORMATS, help="by the ending of the name, if not given")
    show.set_defaults(run=run_agreement)


def run_export(options: argparse.Namespace) -> int:
    """Write the queue to a file, whole or not at all."""
    from service.intake.rows import FileError
    from service.nlp.artefact import load_taxonomy
    from service.review import queue

    settings = read_settings(options)
    if options.output.exists() and not options.force:
        raise FileError(f"{options.output}: is there already; --force replaces it")
    version, taxonomy = load_taxonomy(settings.models)
    wish = queue.Wish(options.limit, options.reviewer, source=options.source)
    with open_store().read() as connection:
        tasks = queue.choose(connection, taxonomy, wish, settings.blind_percent)
    part = options.output.with_name(f".{options.output.name}.part")
    _write(_format(options, options.output), part, tasks, taxonomy, version)
    part.replace(options.output)
    blind = sum(task.blind for task in tasks)
    print(f"{options.output}: {len(tasks)} comments, {blind} of them blind", file=sys.stderr)
    return 0


def run_import(options: argparse.Namespace) -> int:
    """Store what came back and name each row with a problem; 1 if there are any."""
    from service.nlp.artefact import load_taxonomy
    from service.review import exchange

    _, taxonomy = load_taxonomy(read_settings(options).models)
    database = open_store()
    returned = _read(options, _format(options, options.input), taxonomy, database)
    summary = exchange.take(database, _with_progress(returned), taxonomy)
    for problem in summary.problems[:_SHOWN_PROBLEMS]:
        print(f"{options.input}: {problem}", file=sys.stderr)
    if len(summary.problems) > _SHOWN_PROBLEMS:
        print(f"… and {len(summary.problems) - _SHOWN_PROBLEMS} more", file=sys.stderr)
    print(summary)
    return 1 if summary.problems else 0


def run_interface(options: argparse.Namespace) -> int:
    """Print the labelling interface."""
    from service.nlp.artefact import load_taxonomy
    from service.review import label_studio

    print(label_studio.interface(load_taxonomy(read_settings(options).models)[1]), end="")
    return 0


def run_agreement(options: argparse.Namespace) -> int:
    """Show the figures."""
    from service.review import agreement

    with open_store().read() as connection:
        found = agreement.measure(connection)
    titles = {
        "open": "agree with a proposal that they see",
        "blind": "agree with a proposal that they do not see",
        "people": "agree with each other",
    }
    for name, title in titles.items():
        share = getattr(found, name)
        interval = (
            f"{share.value:.2f} [{share.interval[0]:.2f}–{share.interval[1]:.2f}]" if share.count else "–"
        )
        print(f"{title:<44}{interval:<20} {share.hits} of {share.count}")
    if found.nodding is not None and found.nodding_interval is not None:
        low, high = found.nodding_interval
        print(f"{'nodding: the first less the second':<44}{found.nodding:+.2f} [{low:+.2f}–{high:+.2f}]")
    return 0


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"found «{text}», expected a whole number above zero")
    return int(text)


def _format(options: argparse.Namespace, path: Path) -> str:
    from service.intake.rows import FileError

    found: str | None = options.format or _ENDINGS.get(path.suffix.lower())
    if found is None:
        raise FileError(f"{path}: «{path.suffix}» is not a known ending; use --format {'|'.join(_FORMATS)}")
    return found


def _write(form: str, path: Path, tasks: "list[Task]", taxonomy: "Taxonomy", version: str) -> None:
    import orjson

    from service.review import doccano, excel, label_studio

    if form == "xlsx":
        excel.write(path, tasks, taxonomy)
    elif form == "doccano":
        path.write_bytes(b"".join(map(doccano.to_line, tasks)))
    else:
        path.write_bytes(orjson.dumps([label_studio.to_task(task, version) for task in tasks]))


def _read(
    options: argparse.Namespace, form: str, taxonomy: "Taxonomy", database: "Database"
) -> "Iterator[Returned | Problem | None]":
    from service.intake.rows import FileError
    from service.review import doccano, excel, label_studio
    from service.store import predictions

    path: Path = options.input
    if form != "label-studio" and not options.author:
        raise FileError(f"{path}: name who made the corrections with --author")
    if form == "xlsx":
        with database.read() as connection:
            held = predictions.tags_that_hold(connection, excel.comment_ids(path))
        return excel.read(path, taxonomy, options.author, held)
    if form == "doccano":
        return doccano.from_lines(_lines(path), options.author)
    return label_studio.from_tasks(_tasks(path), options.author)


def _lines(path: Path) -> Iterator[bytes]:
    from service.intake.rows import FileError

    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror})") from None


def _tasks(path: Path) -> list[Any]:
    import orjson

    from service.intake.rows import FileError

    try:
        tasks = orjson.loads(b"".join(_lines(path)))
    except orjson.JSONDecodeError as error:
        raise FileError(f"{path}: not JSON ({error}); export from Label Studio as JSON") from None
    if not isinstance(tasks, list):
        raise FileError(f"{path}: found no list of tasks; export from Label Studio as JSON")
    return tasks


def _with_progress(returned: "Iterable[Returned | Problem | None]") -> "Iterator[Returned | Problem | None]":
    from tqdm import tqdm

    yield from tqdm(returned, desc="corrections", unit="", disable=not sys.stderr.isatty())
