"""Anketolog's API, version 2: answers of a survey, polled, for it has no webhooks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx2

from service.clients import connections
from service.clients.api import Api
from service.clients.feeds import SHORT_REST, Document, Page
from service.clients.limits import Pace

PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class AnketologFeed:
    """Answers of surveys, by offset: the whole window has to be read before its end is known to be seen."""

    api: Api
    scopes: tuple[str, ...]

    @classmethod
    def open(cls, connection: connections.Anketolog, http: httpx2.Client) -> "AnketologFeed":
        """The feed of one account; its limits are not published, so the pace is modest."""
        headers = {"x-anketolog-apikey": connection.token}
        return cls(Api("Анкетолог", connection.url, http, Pace(1.0, burst=5), headers), connection.surveys)

    @property
    def rest(self) -> timedelta:
        """See `Feed.rest`."""
        return SHORT_REST

    def changes(self, scope: str, since: datetime | None) -> Iterator[Page]:
        """See `Feed.changes`."""
        until = datetime.now(UTC)
        offset = 0
        while True:
            wanted = {
                "survey_id": int(scope),
                "offset": offset,
                "date_from": int(since.timestamp()) if since else 0,
                "date_to": int(until.timestamp()),
                "answer_type": "v",
            }
            report = self.api.call("POST", "survey/report/detail", json=wanted).json
            answers: list[Document] = report.get("answers") or []
            offset += len(answers)
            last = not answers or offset >= int(report.get("answer_count") or 0)
            yield Page(({"answers": answers},), until if last else None)
            if last:
                return

    def scope_of(self, reference: Mapping[str, str]) -> str | None:
        """See `Feed.scope_of`."""
        return reference.get("survey_id")
