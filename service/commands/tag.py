"""`otklik tag`: tag the comments of one file."""

import argparse
import signal
import sys
from pathlib import Path

from service.commands.options import Commands, add_models, read_settings
from service.commands.reading import add_reading, reading_of


def add(commands: Commands) -> None:
    """Add `tag` to the commands."""
    tag = commands.add_parser(
        "tag",
        help="tag the comments of a file",
        description="Tag the comments of a CSV, XLSX, Parquet or JSON Lines file. The output has all "
        "columns of the input and the tags beside them; as JSON Lines it is what the API answers. "
        "Encoding, separator, header, columns and the survey system are found out, told, and can be set.",
        epilog="example: otklik tag answers.csv --output tagged.xlsx",
    )
    tag.add_argument(
        "input", metavar="IN", help=".csv, .tsv, .xlsx, .xls, .parquet, .jsonl, …; a path or a URL"
    )
    tag.add_argument(
        "--output",
        "-o",
        type=Path,
        required=True,
        metavar="OUT",
        help=".csv, .tsv, .xlsx, .parquet or .jsonl",
    )
    add_reading(tag)
    tag.add_argument("--force", action="store_true", help="replace OUT if it is there")
    add_models(tag)
    tag.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Tag the file and tell what came of it; 1 if some rows could not be tagged."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # systemd and docker stop: as Ctrl-C
    from service.intake.run import FileOptions, tag_file

    file_options = FileOptions(reading_of(options), options.question, replace_output=options.force)
    summary = tag_file(options.input, options.output, read_settings(options).models, file_options)
    print(summary, file=sys.stderr)
    return 1 if summary.rejected else 0
