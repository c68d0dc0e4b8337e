"""`otklik store`: look after the database."""

import argparse
import re
import sys

from service.commands.options import Commands, add_models, open_store, read_settings
from service.commands.reading import add_reading, reading_of
from service.commands.store_learning import add_actions
from service.settings import Settings

_SHOWN_REJECTS = 20


def add(commands: Commands) -> None:
    """Add `store` to the commands."""
    store = commands.add_parser("store", help="look after the database of comments and corrections")
    actions = store.add_subparsers(required=True, metavar="ACTION")
    upgrade = actions.add_parser(
        "upgrade",
        help="bring the database to the form that this version expects",
        description="Make the tables that are missing and change those that have changed: all of it, or "
        "nothing. otklik serve does it too. OTKLIK_DATABASE names the database.",
    )
    upgrade.set_defaults(run=run_upgrade)
    new = actions.add_parser(
        "add",
        help="store and tag the comments of a file",
        description="Store and tag the comments of a file. A row is known again by its id within the source, "
        "so the same file may be added again; without a column of ids, the row's number is the id.",
        epilog="example: otklik store add answers.csv --source survey-2026",
    )
    new.add_argument("input", metavar="IN", help=".csv, .xlsx, .parquet, .jsonl, …; a path or a URL")
    new.add_argument("--source", type=_source, required=True, help="where the comments come from")
    add_reading(new)
    add_models(new)
    new.set_defaults(run=run_add)
    erase = actions.add_parser(
        "erase",
        help="delete what a respondent said; the figures stay",
        description="Delete the words of all comments of a respondent, for good. Scores and tags stay.",
    )
    erase.add_argument("respondent")
    erase.add_argument("--source", help="only what came from there")
    erase.set_defaults(run=run_erase)
    add_actions(actions)


def run_upgrade(options: argparse.Namespace) -> int:
    """Upgrade the database and tell what was done."""
    from service.store.database import Database
    from service.store.migrate import upgrade

    database = Database(Settings.from_env().database)
    applied = upgrade(database)
    print(f"{database.address}: {'applied ' + ', '.join(applied) if applied else 'nothing to do'}")
    return 0


def run_add(options: argparse.Namespace) -> int:
    """Store and tag a file, and tell what came of it; 1 if some rows could not be stored."""
    from tqdm import tqdm

    from service.inbox.file import FileStore, Summary
    from service.intake.comments import RowReader
    from service.intake.tables import open_table
    from service.nlp.artefact import load_tagger

    settings = read_settings(options)
    table = open_table(options.input, reading_of(options))
    print(table.description, file=sys.stderr)
    reader = RowReader(table.layout, settings.max_text_chars, options.question)
    store = FileStore(open_store(), load_tagger(settings.models), options.source)
    summary = Summary()
    with tqdm(desc="storing", unit=" rows", disable=None) as progress:
        for summary in store.add(table, reader):
            progress.update(summary.created + summary.updated + summary.erased - progress.n)
    for bad in summary.rejected[:_SHOWN_REJECTS]:
        print(f"row {bad.number}: {bad.reason}", file=sys.stderr)
    if len(summary.rejected) > _SHOWN_REJECTS:
        print(f"… and {len(summary.rejected) - _SHOWN_REJECTS} more", file=sys.stderr)
    print(summary)
    return 1 if summary.rejected else 0


def run_erase(options: argparse.Namespace) -> int:
    """Delete a respondent's words and tell how many comments they were."""
    from service.registry.pages import remove_pages
    from service.store.erasure import Erasure, erase

    erased = erase(open_store(), Erasure(respondent=options.respondent, source=options.source))
    remove_pages(Settings.from_env().reports)  # they quote comments
    print(f"{erased} comments have lost their words; their scores and tags stay")
    return 0


def _source(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", text):
        raise argparse.ArgumentTypeError(f"found «{text}», expected Latin letters, digits and . _ -")
    return text
