"""The `otklik` command: serve the API, tag files, backfill, keep the store, change models."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from service.nlp.errors import OtklikError

COMMANDS = (
    *("serve", "tag", "backfill", "store", "keys", "review", "models", "intake", "collect", "webhooks"),
    *("deliver", "cases"),
)
"""Each is a module of `service.commands` of that name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Exit codes: 0 all done; 1 done, but some rows could not be tagged; 2 an error to be mended.
    """
    # Small matrices are slower on several threads than on one; numpy asks when it is first imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser(arguments).parse_args(arguments)
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


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """A parser of the command that is asked for, or of all where it is none of them.

    For one command, the modules of the others would take as long as reading its file.
    """
    parser = argparse.ArgumentParser(prog="otklik", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in [name for name in COMMANDS if name in arguments[:1]] or COMMANDS:
        import_module(f"service.commands.{name}").add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
