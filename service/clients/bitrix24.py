"""Bitrix24's REST, by the URL of an incoming webhook: items, timeline, tasks.

The cloud lets two calls a second through, after fifty at once; one page holds fifty items.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2

from service.clients import connections
from service.clients.api import Api, Json
from service.clients.errors import UnreachableError
from service.clients.feeds import SHORT_REST, Document, Page, by_time, read_moment
from service.clients.limits import Pace

PER_PAGE = 50
DEAL = 2

_TIMELINE = {1: "lead", DEAL: "deal", 3: "contact", 4: "company"}
_TASK_LINKS = {1: "L", DEAL: "D", 3: "C", 4: "CO"}


@dataclass(frozen=True, slots=True)
class Bitrix24Api:
    """One portal."""

    api: Api

    @classmethod
    def open(cls, connection: connections.Bitrix24, http: httpx2.Client) -> "Bitrix24Api":
        """The portal of a connection."""
        return cls(Api("Битрикс24", connection.url, http, Pace(2.0, burst=50)))

    def get_item(self, kind: int, number: int) -> Document:
        """One item with all its fields."""
        item: Document = self._call("crm.item.get", {"entityTypeId": kind, "id": number})["item"]
        return item

    def list_items(
        self, kind: int, where: Mapping[str, Any], order: Mapping[str, str], page: int = 1
    ) -> list[Document]:
        """A page of the items that `where` chooses, with all their fields."""
        wanted = {
            "entityTypeId": kind,
            "filter": dict(where),
            "order": dict(order),
            "select": ["*", "uf_*"],
            "start": (page - 1) * PER_PAGE,
        }
        items: list[Document] = self._call("crm.item.list", wanted)["items"]
        return items

    def find_items(self, kind: int, where: Mapping[str, Any]) -> Iterator[Document]:
        """All items that `where` chooses, by number: what is added meanwhile shifts nothing."""
        last = 0
        while True:
            items = self.list_items(kind, {**where, ">id": last}, {"id": "ASC"})
            yield from items
            if len(items) < PER_PAGE:
                return
            last = int(items[-1]["id"])

    def add_item(self, kind: int, fields: Mapping[str, Any]) -> int:
        """Create an item; its number."""
        wanted = {"entityTypeId": kind, "fields": dict(fields)}
        return int(self._call("crm.item.add", wanted, repeatable=False)["item"]["id"])

    def update_item(self, kind: int, number: int, fields: Mapping[str, Any]) -> None:
        """Write fields of an item."""
        self._call("crm.item.update", {"entityTypeId": kind, "id": number, "fields": dict(fields)})

    def add_comment(self, kind: int, number: int, text: str) -> None:
        """Write a comment into an item's timeline."""
        entity = _TIMELINE.get(kind, f"dynamic_{kind}")
        fields = {"ENTITY_ID": number, "ENTITY_TYPE": entity, "COMMENT": text}
        self._call("crm.timeline.comment.add", {"fields": fields}, repeatable=False)

    def find_tasks(self, kind: int, number: int, tag: str) -> list[int]:
        """The tasks of an item that carry a tag."""
        wanted = {"filter": {"UF_CRM_TASK": _task_link(kind, number), "TAG": tag}, "select": ["ID"]}
        return [int(task["id"]) for task in self._call("tasks.task.list", wanted).get("tasks") or []]

    def add_task(
        self, kind: int, number: int, title: str, text: str, responsible: int, deadline: datetime,
        tags: Sequence[str],
    ) -> int:  # fmt: skip
        """Give somebody a task about an item; its number."""
        fields = {
            "TITLE": title,
            "DESCRIPTION": text,
            "RESPONSIBLE_ID": responsible,
            "DEADLINE": deadline.isoformat(timespec="seconds"),
            "UF_CRM_TASK": [_task_link(kind, number)],
            "TAGS": list(tags),
        }
        return int(self._call("tasks.task.add", {"fields": fields}, repeatable=False)["task"]["id"])

    def start_process(self, template: int, deal: int, parameters: Mapping[str, str]) -> None:
        """Start a business process on a deal."""
        wanted = {
            "TEMPLATE_ID": template,
            "DOCUMENT_ID": ["crm", "CCrmDocumentDeal", f"DEAL_{deal}"],
            "PARAMETERS": dict(parameters),
        }
        self._call("bizproc.workflow.start", wanted, repeatable=False)

    def _call(self, method: str, wanted: Mapping[str, Any], *, repeatable: bool = True) -> Json:
        answer = self.api.call("POST", f"{method}.json", json=wanted, repeatable=repeatable).json
        if not isinstance(answer, dict) or "result" not in answer:
            raise UnreachableError(f"{self.api.name}: found no «result» in the answer to {method}")
        return answer["result"]


@dataclass(frozen=True, slots=True)
class Bitrix24Feed:
    """Items that have changed: what its events tell of, and what they, sent only once, have failed to."""

    portal: Bitrix24Api
    scopes: tuple[str, ...]
    where: Mapping[str, Any]

    @classmethod
    def open(cls, connection: connections.Bitrix24, http: httpx2.Client) -> "Bitrix24Feed":
        """The feed of one portal."""
        return cls(Bitrix24Api.open(connection, http), tuple(map(str, connection.items)), connection.where)

    @property
    def rest(self) -> timedelta:
        """See `Feed.rest`."""
        return SHORT_REST

    def changes(self, scope: str, since: datetime | None) -> Iterator[Page]:
        """See `Feed.changes`."""

        def fetch(since: datetime | None, page: int) -> list[Document]:
            where = {**self.where, ">=updatedTime": since.isoformat()} if since else self.where
            items = self.portal.list_items(int(scope), where, {"updatedTime": "ASC", "id": "ASC"}, page)
            return [{"item": {"entityTypeId": int(scope), **item}} for item in items]

        return by_time(fetch, lambda one: read_moment(one["item"].get("updatedTime")), since, PER_PAGE)

    def scope_of(self, reference: Mapping[str, str]) -> str | None:
        """See `Feed.scope_of`."""
        return reference.get("entityTypeId")


def parse_item_id(external_id: str) -> tuple[int, int] | None:
    """Kind and number of an item, from the id of the comment that came of it.

    >>> parse_item_id("DEAL_5012"), parse_item_id("DYNAMIC_1046_7"), parse_item_id("message-9")
    ((2, 5012), (1046, 7), None)
    """
    kinds = {"LEAD": 1, "DEAL": DEAL, "CONTACT": 3, "COMPANY": 4}
    name, _, number = external_id.rpartition("_")
    kind = kinds.get(name)
    if kind is None and name.startswith("DYNAMIC_") and name[8:].isdecimal():
        kind = int(name[8:])
    return (kind, int(number)) if kind is not None and number.isdecimal() else None


def _task_link(kind: int, number: int) -> str:
    prefix = _TASK_LINKS.get(kind, f"T{kind:x}")
    return f"{prefix}_{number}"
