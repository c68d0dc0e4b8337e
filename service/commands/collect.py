"""`otklik collect`: fetch answers from platforms that only name them, or cannot send them."""

import argparse
import signal
import threading

from service.commands.options import Commands, add_models, read_settings


def add(commands: Commands) -> None:
    """Add `collect` to the commands."""
    collect = commands.add_parser(
        "collect",
        help="fetch answers from the platforms in connections.yaml",
        description="Fetch what has changed on the platforms that connections.yaml names: those that send "
        "only ids, those that send nothing, and deliveries that got lost. otklik serve does this too.",
    )
    collect.add_argument("--once", action="store_true", help="fetch what is due now, and end")
    collect.add_argument("--list", action="store_true", help="tell how far each platform has been read")
    add_models(collect)
    collect.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Collect until stopped, or once; 1 if a platform could not be read."""
    from service.collect.run import open_collector
    from service.store import cursors
    from service.store.database import Database
    from service.store.migrate import upgrade

    settings = read_settings(options)
    database = Database(settings.database)
    upgrade(database)
    with open_collector(settings) as collector:
        if not options.list and not options.once:
            stop = threading.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stop.set())
            print(f"collecting from {', '.join(collector.sources) or 'nothing'}; Ctrl-C ends it", flush=True)
            collector.run(stop)
            return 0
        if options.once:
            print(f"{collector.collect_due()} answers read")
    with database.read() as connection:
        found = cursors.all_of(connection)
    for cursor in found:
        until = f"{cursor.mark:%Y-%m-%d %H:%M} UTC" if cursor.mark else "nothing yet"
        print(
            f"{cursor.source} {cursor.scope}: until {until}" + (f"; {cursor.error}" if cursor.error else "")
        )
    return 1 if any(cursor.error for cursor in found) else 0
