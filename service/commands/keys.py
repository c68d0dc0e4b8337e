"""`otklik keys`: who may write, read, and predict from another machine."""

import argparse
import sys

from service.commands.options import Commands, open_store

_SCOPES = ("predict", "read", "write", "admin")


def add(commands: Commands) -> None:
    """Add `keys` to the commands."""
    keys = commands.add_parser(
        "keys",
        help="make, show and revoke API keys",
        description="API keys. Scopes, each allowing what those before it allow: predict (from another "
        "machine; on this one it is open), read (stored comments and the review queue), write (store "
        "comments, correct), admin (delete a respondent's data). OTKLIK_DATABASE names the database.",
    )
    actions = keys.add_subparsers(required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a key and print it, this once")
    create.add_argument("name", help="whose key it is; the author of corrections made with it")
    create.add_argument("--scope", choices=_SCOPES, default="write", help="what it allows (%(default)s)")
    create.set_defaults(run=run_create)
    actions.add_parser("list", help="show all keys, without their secrets").set_defaults(run=run_list)
    revoke = actions.add_parser("revoke", help="let a key be of no use from now on")
    revoke.add_argument("id", metavar="ID", help="as keys list shows it")
    revoke.set_defaults(run=run_revoke)


def run_create(options: argparse.Namespace) -> int:
    """Make a key: it alone goes to the output, so that it can be caught in a variable."""
    from service.store import keys

    with open_store().write() as connection:
        key = keys.create(connection, options.name, options.scope)
    print(key)
    print("Keep it: only a hash of it is stored. Send it as «Authorization: Bearer …».", file=sys.stderr)
    return 0


def run_list(options: argparse.Namespace) -> int:
    """Show all keys."""
    from service.store import keys

    with open_store().read() as connection:
        found = keys.list_all(connection)
    print(f"{'id':<10}{'scope':<9}{'created':<18}{'revoked':<18}name")
    for key in found:
        revoked = f"{key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else "–"
        print(f"{key.id:<10}{key.scope:<9}{key.created_at:%Y-%m-%d %H:%M}  {revoked:<18}{key.name}")
    return 0


def run_revoke(options: argparse.Namespace) -> int:
    """Revoke a key."""
    from service.store import keys

    with open_store().write() as connection:
        keys.revoke(connection, options.id)
    print(f"{options.id} is revoked")
    return 0
