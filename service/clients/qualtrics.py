"""Qualtrics' API, version 3: answers of a survey in bulk, by an export that is begun, awaited and read."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx2

from service.clients import connections
from service.clients.api import Api
from service.clients.errors import UnreachableError
from service.clients.feeds import SHORT_REST, Document, Page, read_moment
from service.clients.limits import Pace

_LOOKS = 120
_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class QualtricsFeed:
    """Recorded responses of surveys."""

    api: Api
    scopes: tuple[str, ...]
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def open(cls, connection: connections.Qualtrics, http: httpx2.Client) -> "QualtricsFeed":
        """The feed of one brand."""
        base = f"{connection.url.rstrip('/')}/API/v3"
        api = Api("Qualtrics", base, http, Pace(10.0, burst=10), {"X-API-TOKEN": connection.token})
        return cls(api, connection.surveys)

    @property
    def rest(self) -> timedelta:
        """See `Feed.rest`."""
        return SHORT_REST

    def changes(self, scope: str, since: datetime | None) -> Iterator[Page]:
        """See `Feed.changes`; an export is one page."""
        path = f"surveys/{scope}/export-responses"
        wanted = {"format": "json", "compress": False}
        if since:
            wanted["startDate"] = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        begun = self.api.call("POST", path, json=wanted).json["result"]["progressId"]
        file = self._await(path, begun)
        documents: list[Document] = self.api.call("GET", f"{path}/{file}/file").json.get("responses") or []
        moments = [read_moment((one.get("values") or {}).get("recordedDate")) for one in documents]
        yield Page(tuple(documents), max((m for m in moments if m), default=None))

    def scope_of(self, reference: Mapping[str, str]) -> str | None:
        """See `Feed.scope_of`."""
        return reference.get("survey_id")

    def _await(self, path: str, progress: str) -> str:
        for _ in range(_LOOKS):
            result = self.api.call("GET", f"{path}/{progress}").json["result"]
            if result["status"] == "complete":
                return str(result["fileId"])
            if result["status"] == "failed":
                raise UnreachableError("Qualtrics: the export failed; it is begun again next time")
            self.sleep(_PAUSE)
        raise UnreachableError(f"Qualtrics: the export was not ready after {_LOOKS * _PAUSE:g} s")
