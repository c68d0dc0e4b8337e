"""How a file is to be read: what every command that reads tables asks for."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.intake.layout import ReadOptions


def add_reading(command: argparse.ArgumentParser) -> None:
    """Let a command be told what is else found out of a file."""
    group = command.add_argument_group("reading", "found out and told, unless given")
    group.add_argument("--text", metavar="COLUMN", help="column of the comments")
    group.add_argument("--score", metavar="COLUMN", help="column of the 0–10 scores")
    group.add_argument("--id", metavar="COLUMN", help="column of the ids")
    group.add_argument("--date", metavar="COLUMN", help="column of the dates")
    group.add_argument("--question", metavar="TEXT", help="what the comments answer, if more than «why?»")
    group.add_argument("--encoding", help="of a text file: utf-8, cp1251, utf-16, …")
    group.add_argument("--separator", help="of a CSV file: «;», «,» or «tab»")
    group.add_argument("--sheet", metavar="NAME", help="of a workbook")
    group.add_argument("--header-row", type=_from(1), metavar="N", help="first row with names of columns")
    group.add_argument("--header-rows", type=_from(0), metavar="N", help="how many rows name them, 0 to 3")
    group.add_argument(
        "--profile", metavar="NAME", help="survey system, such as surveymonkey, or a YAML file of yours"
    )


def reading_of(options: argparse.Namespace) -> "ReadOptions":
    """What the command line says of the file."""
    from service.intake.columns import Columns
    from service.intake.layout import ReadOptions

    return ReadOptions(
        encoding=options.encoding,
        separator={"tab": "\t", "\\t": "\t"}.get(options.separator, options.separator),
        sheet=options.sheet,
        header_row=options.header_row,
        header_rows=options.header_rows,
        columns=Columns(text=options.text, score=options.score, id=options.id, date=options.date),
        profile=options.profile,
    )


def _from(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"found «{text}», expected a whole number from {least} on")
        return int(text)

    return parse
