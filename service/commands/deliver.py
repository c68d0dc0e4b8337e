"""`otklik deliver`: send what the outbox holds."""

import argparse
import signal
import threading

from service.commands.options import Commands, add_models, read_settings


def add(commands: Commands) -> None:
    """Add `deliver` to the commands."""
    deliver = commands.add_parser(
        "deliver",
        help="send what the outbox holds: webhooks and tags to be written back",
        description="Send what is due in the outbox, and go on as new comments are tagged. otklik serve does "
        "this too; as many senders as you like may run at once.",
    )
    deliver.add_argument("--once", action="store_true", help="send what is due now, and end")
    add_models(deliver)
    deliver.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Send until stopped, or once."""
    from service.delivery.run import open_sender

    with open_sender(read_settings(options)) as sender:
        if options.once:
            print(f"{sender.drain()} sent or tried")
            return 0
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        print("sending what the outbox holds; Ctrl-C ends it", flush=True)
        sender.run(stop)
    return 0
