"""SurveyMonkey's API, version 3: answers of a survey in bulk.

Draft and private apps may make 120 calls a minute and 500 a day: so answers are fetched a hundred at a time,
and the day's rest is read off the headers before the platform has to refuse.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx2

from service.clients import connections
from service.clients.api import Api
from service.clients.errors import LimitReachedError
from service.clients.feeds import Document, Page, by_time, read_moment
from service.clients.limits import Pace

PER_PAGE = 100
_LOOKS_A_DAY = 400
"""Of the 500 calls; the others are for the second and later pages."""
_DAY_LEFT = "X-Ratelimit-App-Global-Day-Remaining"
_DAY_RESET = "X-Ratelimit-App-Global-Day-Reset"


@dataclass(frozen=True, slots=True)
class SurveyMonkeyFeed:
    """Changed responses of surveys."""

    api: Api
    scopes: tuple[str, ...]

    @classmethod
    def open(cls, connection: connections.SurveyMonkey, http: httpx2.Client) -> "SurveyMonkeyFeed":
        """The feed of one account."""
        headers = {"Authorization": f"Bearer {connection.token}"}
        api = Api("SurveyMonkey", connection.url, http, Pace(2.0, burst=20), headers)
        return cls(api, connection.surveys)

    @property
    def rest(self) -> timedelta:
        """See `Feed.rest`."""
        return timedelta(days=1) / _LOOKS_A_DAY * max(1, len(self.scopes))

    def changes(self, scope: str, since: datetime | None) -> Iterator[Page]:
        """See `Feed.changes`."""

        def fetch(since: datetime | None, page: int) -> list[Document]:
            return self._fetch(scope, since, page)

        return by_time(fetch, lambda one: read_moment(one.get("date_modified")), since, PER_PAGE)

    def scope_of(self, reference: Mapping[str, str]) -> str | None:
        """See `Feed.scope_of`."""
        return reference.get("survey_id")

    def _fetch(self, survey: str, since: datetime | None, page: int) -> list[Document]:
        params: dict[str, str | int] = {
            "simple": "true",
            "per_page": PER_PAGE,
            "page": page,
            "sort_by": "date_modified",
            "sort_order": "ASC",
        }
        if since:
            params["start_modified_at"] = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        answer = self.api.call("GET", f"surveys/{survey}/responses/bulk", params=params)
        documents: list[Document] = answer.json.get("data") or []
        self._mind_the_day(answer.headers, full=len(documents) == PER_PAGE)
        return documents

    def _mind_the_day(self, headers: httpx2.Headers, *, full: bool) -> None:
        """Leave off before the last call of the day, unless nothing more is to be asked anyway."""
        if full and headers.get(_DAY_LEFT) == "0":
            seconds = headers.get(_DAY_RESET, "")
            until = datetime.now(UTC) + timedelta(seconds=int(seconds) if seconds.isdecimal() else 3600)
            raise LimitReachedError("SurveyMonkey: the day's calls are used up", until)
