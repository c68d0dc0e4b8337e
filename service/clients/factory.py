"""From the settings of a connection to the client that speaks to it."""

from collections.abc import Mapping

import httpx2

from service.clients.anketolog import AnketologFeed
from service.clients.bitrix24 import Bitrix24Feed
from service.clients.connections import Anketolog, Bitrix24, Connection, Qualtrics, SurveyMonkey
from service.clients.feeds import Feed
from service.clients.qualtrics import QualtricsFeed
from service.clients.surveymonkey import SurveyMonkeyFeed


def open_feed(connection: Connection, http: httpx2.Client) -> Feed | None:
    """What to collect from; None where a platform sends everything by itself."""
    match connection:
        case SurveyMonkey():
            return SurveyMonkeyFeed.open(connection, http)
        case Qualtrics():
            return QualtricsFeed.open(connection, http)
        case Anketolog():
            return AnketologFeed.open(connection, http)
        case Bitrix24():
            return Bitrix24Feed.open(connection, http)
    return None


def open_feeds(connections: Mapping[str, Connection], http: httpx2.Client) -> dict[str, Feed]:
    """The feeds of all connections that have one, by name."""
    feeds = {name: open_feed(connection, http) for name, connection in connections.items()}
    return {name: feed for name, feed in feeds.items() if feed is not None}
