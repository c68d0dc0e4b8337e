"""`otklik backfill`: tag years of past answers, surviving whatever stops it."""

import argparse
import os
import signal
import sys
from pathlib import Path

from service.commands.options import Commands, add_models, read_settings
from service.commands.reading import add_reading, reading_of

_DESCRIPTION = (
    "Tag the comments of files and whole folders (CSV, XLSX, Parquet, JSON Lines, gzip of the text ones;\n"
    "paths or URLs such as s3://…) into one output. Work goes in chunks that are kept as they are done, in\n"
    "OUT.work: after Ctrl-C, kill -9, a full disk or a power cut the same command goes on, and the output\n"
    "is the same to the byte. Rows that cannot be tagged go to OUT.quarantine.csv; OUT.report.html shows\n"
    "what came out.\n\n"
    "Exit codes: 0 all rows tagged; 1 done, some rows are in the quarantine; 2 an error to be mended;\n"
    "130 stopped by Ctrl-C or SIGTERM."
)
_EPILOG = """examples:
  otklik backfill exports/ --output tagged.xlsx
  otklik backfill 2024.csv 2025.xlsx --output years.parquet --workers 4
  otklik backfill --retag tagged.csv --output tagged-new.csv
"""


def add(commands: Commands) -> None:
    """Add `backfill` to the commands."""
    backfill = commands.add_parser(
        "backfill",
        help="tag years of past answers; goes on where it was stopped",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    backfill.add_argument("input", nargs="+", metavar="IN", help="files, folders, URLs")
    backfill.add_argument(
        "--output", "-o", required=True, metavar="OUT", help=".csv, .xlsx, .parquet, .jsonl"
    )
    add_reading(backfill)
    _add_running(backfill)
    add_models(backfill)
    backfill.add_argument("--model", metavar="VERSION", help="not the current model but this one")
    backfill.set_defaults(run=run)


def _add_running(backfill: argparse.ArgumentParser) -> None:
    backfill.add_argument("--workers", type=_count, metavar="N", help="processes (one a core)")
    backfill.add_argument(
        "--chunk-rows", type=_count, default=2_000, metavar="N", help="rows committed together (%(default)s)"
    )
    backfill.add_argument("--engine", choices=["dask"], help="a cluster that does the work")
    backfill.add_argument("--address", help="of the cluster's scheduler, such as tcp://scheduler:8786")
    backfill.add_argument(
        "--retag", action="store_true",
        help="IN is the output of an earlier run: tag it anew, and tell each change in OUT.changes.csv",
    )  # fmt: skip
    backfill.add_argument("--force", action="store_true", help="replace OUT if it is there")
    backfill.add_argument("--restart", action="store_true", help="drop what a stopped run has done")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"found «{text}», expected a whole number above zero")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Tag, and tell what came of it."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded: workers are the threads
    from service.backfill.run import Request, StoppedError, backfill
    from service.backfill.totals import describe

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # systemd and docker stop: as Ctrl-C
    settings = read_settings(options)
    request = Request(
        names=tuple(options.input),
        output=options.output,
        models=Path(settings.models),
        model=options.model,
        read=reading_of(options),
        question=options.question,
        max_text_chars=settings.max_text_chars,
        chunk_rows=options.chunk_rows,
        retag=options.retag,
        force=options.force,
        restart=options.restart,
        workers=options.workers,
        engine=options.engine,
        address=options.address,
    )
    try:
        outcome = backfill(request)
    except StoppedError as stopped:
        print(f"otklik: stopped. {stopped}", file=sys.stderr)
        return 130
    print(describe(outcome.totals), file=sys.stderr)
    return 1 if outcome.totals.quarantined else 0
