"""`otklik webhooks`: tell other systems of each tagged comment."""

import argparse
from typing import TYPE_CHECKING

from service.commands.options import Commands
from service.settings import Settings

if TYPE_CHECKING:
    from service.store.database import Database
    from service.store.outbox import Delivery


def add(commands: Commands) -> None:
    """Add `webhooks` to the commands."""
    webhooks = commands.add_parser(
        "webhooks",
        help="tell other systems of each tagged comment",
        description="Manage the URLs that get a signed «comment.tagged» (Standard Webhooks) for each comment "
        "that is stored and tagged. otklik serve sends them; so does otklik deliver.",
    )
    actions = webhooks.add_subparsers(required=True, metavar="ACTION")
    new = actions.add_parser("add", help="add a URL; prints the secret to check signatures by")
    new.add_argument("url", metavar="URL")
    new.add_argument("--source", help="only comments of this source")
    new.add_argument("--category", action="append", default=[], help="only comments tagged so; repeatable")
    new.add_argument("--polarity", action="append", default=[], help="likewise: problem, praise, neutral")
    new.set_defaults(run=run_add)
    actions.add_parser("list", help="list the URLs, and what became of their deliveries").set_defaults(
        run=run_list
    )
    for name, run, text in (
        ("test", run_test, "send a test event now, and tell what was answered"),
        ("rotate", run_rotate, "make a new secret; the old one holds for a day beside it"),
        ("on", run_on, "switch on again"),
        ("off", run_off, "switch off: nothing is sent, and nothing new is noted"),
        ("remove", run_remove, "remove, with all that was still to be sent"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("id", type=int, metavar="ID")
        action.set_defaults(run=run)
    dead = actions.add_parser("dead", help="list what was given up after all attempts")
    dead.set_defaults(run=run_dead)
    replay = actions.add_parser("replay", help="send again what was given up")
    replay.add_argument(
        "ids", type=int, nargs="*", metavar="DELIVERY", help="numbers of otklik webhooks dead"
    )
    replay.add_argument("--all", action="store_true", help="all of it")
    replay.set_defaults(run=run_replay)


def run_add(options: argparse.Namespace) -> int:
    """Add a webhook; its secret is shown once."""
    from service.delivery import webhook_admin
    from service.delivery.run import current_taxonomy, guard_of

    settings = Settings.from_env()
    wanted = webhook_admin.Filter(options.source, tuple(options.category), tuple(options.polarity))
    if wanted.categories or wanted.polarities:
        wanted.check(current_taxonomy(settings.models)())
    target = webhook_admin.add(_open(settings), guard_of(settings), options.url, wanted)
    print(f"webhook {target.id} added: {target.name}")
    print(f"secret, shown only now: {target.secret}")
    return 0


def run_list(options: argparse.Namespace) -> int:
    """One line a webhook."""
    from service.delivery import webhook_admin

    for webhook in webhook_admin.list_all(_open(Settings.from_env())):
        target, counts = webhook.target, webhook.counts
        state = "on" if target.is_on else f"off ({target.reason})"
        figures = ", ".join(f"{counts.get(name, 0)} {name}" for name in ("delivered", "pending", "dead"))
        print(f"{target.id}  {target.name}  {state}  {figures}")
    return 0


def run_test(options: argparse.Namespace) -> int:
    """Send a test event; 1 if it did not arrive."""
    from service.delivery import webhook_admin
    from service.delivery.outcomes import Delivered
    from service.delivery.run import current_taxonomy, guard_of
    from service.delivery.webhooks import WebhookSender

    settings = Settings.from_env()
    target = webhook_admin.get(_open(settings), options.id)
    sender = WebhookSender.open(guard_of(settings), current_taxonomy(settings.models))
    outcome = sender.test(target)
    sender.close()
    if isinstance(outcome, Delivered):
        print(f"{target.name} answered {outcome.status}")
        return 0
    print(f"{target.name}: {getattr(outcome, 'error', outcome)}")
    return 1


def run_rotate(options: argparse.Namespace) -> int:
    """Print the new secret."""
    from service.delivery import webhook_admin

    target = webhook_admin.rotate(_open(Settings.from_env()), options.id)
    print(f"new secret of webhook {target.id}, shown only now: {target.secret}")
    print(f"the old one holds beside it until {target.old_secret_until:%Y-%m-%d %H:%M} UTC")
    return 0


def run_on(options: argparse.Namespace) -> int:
    """Switch a webhook on."""
    return _switch(options, is_on=True)


def run_off(options: argparse.Namespace) -> int:
    """Switch a webhook off."""
    return _switch(options, is_on=False)


def run_remove(options: argparse.Namespace) -> int:
    """Remove a webhook."""
    from service.delivery import webhook_admin

    webhook_admin.remove(_open(Settings.from_env()), options.id)
    print(f"webhook {options.id} removed")
    return 0


def run_dead(options: argparse.Namespace) -> int:
    """One line a delivery that was given up."""
    from service.delivery import webhook_admin

    database = _open(Settings.from_env())
    page = webhook_admin.list_dead(database)
    while page:
        for delivery in page:
            print(_dead_line(delivery))
        page = webhook_admin.list_dead(database, after=page[-1].id)
    return 0


def run_replay(options: argparse.Namespace) -> int:
    """Let deliveries be tried again; 2 if none are named."""
    from service.delivery import webhook_admin

    if not options.ids and not options.all:
        raise webhook_admin.WebhookError(
            "name the deliveries (otklik webhooks dead lists them), or say --all"
        )
    count = webhook_admin.replay(_open(Settings.from_env()), None if options.all else options.ids)
    print(f"{count} will be sent again")
    return 0


def _switch(options: argparse.Namespace, *, is_on: bool) -> int:
    from service.delivery import webhook_admin

    webhook_admin.switch(_open(Settings.from_env()), options.id, is_on)
    print(f"webhook {options.id} is {'on' if is_on else 'off'}")
    return 0


def _dead_line(delivery: "Delivery") -> str:
    return (
        f"{delivery.id}  to target {delivery.target_id}  comment {delivery.comment_id}  "
        f"{delivery.attempts} attempts  {delivery.error}"
    )


def _open(settings: Settings) -> "Database":
    from service.store.database import Database
    from service.store.migrate import upgrade

    database = Database(settings.database)
    upgrade(database)
    return database
