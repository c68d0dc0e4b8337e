"""`otklik store`: look after the database."""

import argparse

from service.commands.options import Commands
from service.settings import Settings


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


def run_upgrade(options: argparse.Namespace) -> int:
    """Upgrade the database and tell what was done."""
    from service.store.database import Database
    from service.store.migrate import upgrade

    database = Database(Settings.from_env().database)
    applied = upgrade(database)
    print(f"{database.address}: {'applied ' + ', '.join(applied) if applied else 'nothing to do'}")
    return 0
