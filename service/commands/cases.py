"""`otklik cases`: the NPS funnel of Bitrix24, and its figures."""

import argparse
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from service.commands.options import Commands, add_models, read_settings

_FIRST = datetime(2000, 1, 1, tzinfo=UTC)


def add(commands: Commands) -> None:
    """Add `cases` to the commands."""
    cases = commands.add_parser("cases", help="see to customers' answers: the NPS funnel of Bitrix24")
    actions = cases.add_subparsers(required=True, metavar="ACTION")
    run = actions.add_parser(
        "run",
        help="take every case one step further, now",
        description="Ask the customers of deals that have closed, thank the satisfied, give tasks about the "
        "others. otklik serve does this once a minute.",
    )
    add_models(run)
    run.set_defaults(run=run_cases)
    figures = actions.add_parser("figures", help="show the funnel by quarter")
    figures.add_argument(
        "--zone", type=_zone, default=ZoneInfo("Europe/Moscow"), help="time zone (%(default)s)"
    )
    figures.set_defaults(run=run_figures)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise argparse.ArgumentTypeError(f"found «{name}», expected a zone such as Europe/Moscow") from None


def run_cases(options: argparse.Namespace) -> int:
    """Run each funnel once; 2 if none is configured."""
    from service.cases.run import open_funnels
    from service.clients.connections import ConnectionsError

    settings = read_settings(options)
    _upgrade(settings.database)
    with open_funnels(settings) as funnels:
        if not funnels:
            raise ConnectionsError(f"{settings.connections}: found no connection with a funnel")
        for funnel in funnels:
            print(f"{funnel.source}: {funnel.run()}")
    return 0


def run_figures(options: argparse.Namespace) -> int:
    """One line a quarter, in Russian: heads of departments read it."""
    from service.reports.funnel import by_quarter
    from service.settings import Settings
    from service.store import cases
    from service.store.database import Database

    settings = Settings.from_env()
    _upgrade(settings.database)
    with Database(settings.database).read() as connection:
        found = cases.asked_between(connection, _FIRST, datetime.now(UTC) + timedelta(days=1))
    print("квартал\tспросили\tдовольны\tнейтральны\tнедовольны\tне ответили\tждём\tоставили отзыв\tNPS")
    for quarter in by_quarter(found, options.zone):
        figures = (
            quarter.name, quarter.asked, quarter.satisfied, quarter.passive, quarter.dissatisfied,
            quarter.no_answer, quarter.waiting, quarter.reviewed,
            "—" if quarter.nps is None else quarter.nps,
        )  # fmt: skip
        print("\t".join(map(str, figures)))
    return 0


def _upgrade(url: str) -> None:
    from service.store.database import Database
    from service.store.migrate import upgrade

    database = Database(url)
    upgrade(database)
    database.close()
