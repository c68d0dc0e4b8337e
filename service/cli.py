"""The `otklik` command: serve the API, tag files, backfill, keep the store, change models."""

import argparse
import os
import sys
from collections.abc import Sequence

from service.commands import (
    backfill,
    cases,
    collect,
    deliver,
    intake,
    keys,
    models,
    review,
    serve,
    store,
    tag,
    webhooks,
)
from service.nlp.errors import OtklikError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Exit codes: 0 all done; 1 done, but some rows could not be tagged; 2 an error to be mended.
    """
    # Small matrices are slower on several threads than on one; numpy asks when it is first imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except OtklikError as error:
        print(f"otklik: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read our output has seen enough, as «head» does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("otklik: stopped; nothing was written", file=sys.stderr)
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="otklik", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (
        serve, tag, backfill, store, keys, review, models, intake, collect, webhooks, deliver, cases,
    ):  # fmt: skip
        command.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
