"""`otklik tag`: tag the comments of one file."""

import argparse
import sys
from pathlib import Path

from service.commands.options import Commands, add_models, read_settings


def add(commands: Commands) -> None:
    """Add `tag` to the commands."""
    tag = commands.add_parser(
        "tag",
        help="tag the comments of a file",
        description="Tag the comments of a CSV, XLSX, Parquet or JSON Lines file. The output has all "
        "columns of the input and the tags beside them; as JSON Lines it is what the API answers. "
        "Encoding, separator and columns are found out and can be set.",
        epilog="example: otklik tag answers.csv --output tagged.xlsx",
    )
    tag.add_argument("input", type=Path, metavar="IN", help=".csv, .xlsx, .parquet or .jsonl")
    tag.add_argument("--output", "-o", type=Path, required=True, metavar="OUT", help="likewise")
    tag.add_argument("--text", metavar="COLUMN", help="column of the comments")
    tag.add_argument("--score", metavar="COLUMN", help="column of the 0–10 scores")
    tag.add_argument("--id", metavar="COLUMN", help="column of the ids")
    tag.add_argument("--question", metavar="TEXT", help="what the comments answer, if more than «why?»")
    tag.add_argument("--encoding", help="of a CSV file: utf-8, cp1251, utf-16, …")
    tag.add_argument("--separator", help="of a CSV file: «;», «,» or a tab")
    tag.add_argument("--force", action="store_true", help="replace OUT if it is there")
    add_models(tag)
    tag.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Tag the file and tell what came of it; 1 if some rows could not be tagged."""
    from service.intake.columns import Columns
    from service.intake.run import FileOptions, tag_file

    columns = Columns(text=options.text, score=options.score, id=options.id)
    file_options = FileOptions(
        columns, options.question, options.encoding, options.separator, replace_output=options.force
    )
    summary = tag_file(options.input, options.output, read_settings(options).models, file_options)
    print(summary, file=sys.stderr)
    return 1 if summary.rejected else 0
