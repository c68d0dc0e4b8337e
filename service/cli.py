"""The `otklik` command: serve the API, tag a file."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from service.nlp.errors import OtklikError
from service.settings import Settings

_EXAMPLE = (
    '{"comments": [{"id": "42", "score": 3, "text": '
    '"Задержали поставку на две недели, у нас сорвался монтаж! А станок сам отличный."}]}'
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Exit codes: 0 all done; 1 done, but some rows could not be tagged; 2 an error to be mended.
    """
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except OtklikError as error:
        print(f"otklik: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("otklik: stopped; nothing was written", file=sys.stderr)
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="otklik", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_serve(commands)
    _add_tag(commands)
    return parser


def _add_serve(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    serve = commands.add_parser("serve", help="answer predictions over HTTP")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    serve.add_argument("--port", type=_port, default=8000, help="port to listen on (%(default)s)")
    serve.add_argument("--models", type=Path, metavar="DIR", help="folder of models (models)")
    serve.set_defaults(run=_serve)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise argparse.ArgumentTypeError(f"found «{text}», expected a whole number from 1 to 65535")
    return int(text)


def _add_tag(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
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
    tag.add_argument("--models", type=Path, metavar="DIR", help="folder of models (models)")
    tag.set_defaults(run=_tag)


def _settings(options: argparse.Namespace) -> Settings:
    settings = Settings.from_env()
    return replace(settings, models=options.models) if options.models else settings


def _serve(options: argparse.Namespace) -> int:
    import uvicorn  # the web side is loaded only to serve: `otklik tag` starts twice as fast

    from service.api.app import create_app
    from service.nlp.artefact import check_manifest, current_version, read_manifest

    settings = _settings(options)
    folder = settings.models / current_version(settings.models)
    check_manifest(folder, read_manifest(folder))
    address = f"http://{options.host}:{options.port}"
    print(f"Отклик with model {folder.name} on {address} (documentation: {address}/docs). Try:\n")
    print(f"  curl -s {address}/v1/predict -H 'Content-Type: application/json' -d '{_EXAMPLE}'\n", flush=True)
    uvicorn.run(create_app(settings), host=options.host, port=options.port, log_level="warning")
    return 0


def _tag(options: argparse.Namespace) -> int:
    from service.intake.columns import Columns
    from service.intake.run import FileOptions, tag_file

    columns = Columns(text=options.text, score=options.score, id=options.id)
    file_options = FileOptions(
        columns, options.question, options.encoding, options.separator, replace_output=options.force
    )
    summary = tag_file(options.input, options.output, _settings(options).models, file_options)
    print(summary, file=sys.stderr)
    return 1 if summary.rejected else 0


if __name__ == "__main__":
    sys.exit(main())
