"""Stand-ins that speak the platforms' documented APIs: paging, filters, limits and errors included."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Reply = tuple[int, Any] | tuple[int, Any, dict[str, str]]


@dataclass
class FakeSurveyMonkey:
    """`GET /surveys/{id}/responses/bulk`, sorted by time, with the day's limit in the headers."""

    token: str = "sm-token"
    responses: list[dict[str, Any]] = field(default_factory=list)
    day_left: int = 500
    calls: int = 0
    on_call: Callable[[int], None] = lambda number: None

    def add(self, number: int, moment: datetime, comment: str = "Долго везли") -> None:
        self.responses.append(
            {
                "id": f"sm-{number}", "survey_id": "511", "response_status": "completed",
                "date_created": moment.isoformat(), "date_modified": moment.isoformat(),
                "custom_variables": {"order_id": f"A-{number}"},
                "pages": [{"id": "1", "questions": [
                    {"id": "q1", "family": "matrix", "subtype": "rating",
                     "heading": "Насколько вероятно, что вы порекомендуете нас?",
                     "answers": [{"choice_id": "3057", "simple_text": "3"}]},
                    {"id": "q2", "family": "open_ended", "subtype": "essay", "heading": "Почему?",
                     "answers": [{"text": comment, "simple_text": comment}]},
                ]}],
            }
        )  # fmt: skip

    def __call__(self, seen) -> Reply:
        if seen.headers.get("authorization") != f"Bearer {self.token}":
            return 401, {
                "error": {"id": "1011", "name": "Authorization Error", "message": "The token is wrong"}
            }
        if self.day_left == 0:
            return 429, {"error": {"id": "1040", "message": "Day limit"}}, {"Retry-After": "7200"}
        self.calls += 1
        self.day_left -= 1
        self.on_call(self.calls)
        assert seen.path == "/surveys/511/responses/bulk"
        assert (seen.query["sort_by"], seen.query["sort_order"]) == ("date_modified", "ASC")
        since = seen.query.get("start_modified_at")
        start = datetime.fromisoformat(since).replace(tzinfo=UTC) if since else None
        found = [one for one in self.responses if not start or _moment(one) >= start]
        found.sort(key=lambda one: (_moment(one), one["id"]))
        size, page = int(seen.query["per_page"]), int(seen.query["page"])
        headers = {
            "X-Ratelimit-App-Global-Day-Remaining": str(self.day_left),
            "X-Ratelimit-App-Global-Day-Reset": "7200",
        }
        return 200, {"data": found[(page - 1) * size : page * size], "total": len(found)}, headers


def _moment(response: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(response["date_modified"])


@dataclass
class FakeBitrix24:
    """`crm.item.*`, timeline and tasks of one portal, under `/rest/1/secret/`."""

    items: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: list[dict[str, Any]] = field(default_factory=list)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    templates: set[int] = field(default_factory=lambda: {12})
    """Of business processes that send their parameter `message` to the deal's customer."""
    sent: list[tuple[str, str]] = field(default_factory=list)
    """Documents and what was sent about them."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    limited: int = 0
    """Calls that are refused with QUERY_LIMIT_EXCEEDED, next."""
    lose_answers_of: set[str] = field(default_factory=set)
    """Methods that are carried out once and answered with a broken gateway."""

    def add(self, number: int, **fields: Any) -> None:
        moment = self.now().isoformat(timespec="seconds")
        self.items[number] = {"id": number, "updatedTime": moment, "createdTime": moment, **fields}

    def __call__(self, seen) -> Reply:
        if not seen.path.startswith("/rest/1/secret/"):
            return 401, {"error": "INVALID_CREDENTIALS", "error_description": "Invalid request credentials"}
        if self.limited:
            self.limited -= 1
            return 503, {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}
        method = seen.path.rpartition("/")[2].removesuffix(".json")
        self.methods.append(method)
        handler = getattr(self, "_" + method.replace(".", "_"), None)
        if handler is None:
            return 404, {"error": "ERROR_METHOD_NOT_FOUND", "error_description": "Method not found!"}
        answer = handler(seen.json)
        if method in self.lose_answers_of:
            self.lose_answers_of.remove(method)
            return 502, b"<html>Bad gateway</html>"
        if answer is None:
            return 400, {"error": "NOT_FOUND", "error_description": "Элемент не найден"}
        return 200, {"result": answer, "time": {"operating": 0.1}}

    def _crm_item_get(self, wanted: dict[str, Any]) -> Any:
        item = self.items.get(int(wanted["id"]))
        return {"item": item} if item else None

    def _crm_item_list(self, wanted: dict[str, Any]) -> Any:
        found = [item for item in self.items.values() if _fits(item, wanted.get("filter") or {})]
        for name, way in reversed(list((wanted.get("order") or {}).items())):
            found.sort(key=lambda item, key=name: item[key], reverse=way == "DESC")
        start = int(wanted.get("start") or 0)
        return {"items": found[start : start + 50]}

    def _crm_item_update(self, wanted: dict[str, Any]) -> Any:
        item = self.items.get(int(wanted["id"]))
        if item is None:
            return None
        if any(item.get(name) != value for name, value in wanted["fields"].items()):
            moment = self.now().isoformat(timespec="seconds")
            item.update(wanted["fields"], updatedTime=moment)
        return {"item": item}

    def _crm_item_add(self, wanted: dict[str, Any]) -> Any:
        number = max(self.items, default=0) + 1
        self.add(number, **wanted["fields"])
        return {"item": self.items[number]}

    def _crm_timeline_comment_add(self, wanted: dict[str, Any]) -> Any:
        self.comments.append(wanted["fields"])
        return len(self.comments)

    def _bizproc_workflow_start(self, wanted: dict[str, Any]) -> Any:
        module, kind, document = wanted["DOCUMENT_ID"]
        known = (module, kind) == ("crm", "CCrmDocumentDeal") and int(
            document.removeprefix("DEAL_")
        ) in self.items
        if wanted["TEMPLATE_ID"] not in self.templates or not known:
            return None
        self.sent.append((document, wanted["PARAMETERS"]["message"]))
        return "66e81a641752f8.56521481"

    def _tasks_task_add(self, wanted: dict[str, Any]) -> Any:
        fields = wanted["fields"]
        assert fields["TITLE"]
        assert fields["RESPONSIBLE_ID"]
        self.tasks.append({"id": str(len(self.tasks) + 1), **fields})
        return {"task": {"id": self.tasks[-1]["id"]}}

    def _tasks_task_list(self, wanted: dict[str, Any]) -> Any:
        link, tag = wanted["filter"]["UF_CRM_TASK"], wanted["filter"].get("TAG")
        found = [t for t in self.tasks if link in t["UF_CRM_TASK"] and (tag is None or tag in t["TAGS"])]
        return {"tasks": [{"id": task["id"]} for task in found]}


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "@": lambda found, wanted: found in wanted,
    ">=": lambda found, wanted: bool(found) and _time(found) >= _time(wanted),
    ">": lambda found, wanted: found > wanted,
    "!": lambda found, wanted: found not in (wanted, None),
    "": lambda found, wanted: found == wanted,
}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _fits(item: dict[str, Any], where: dict[str, Any]) -> bool:
    for key, value in where.items():
        operator = next(one for one in _OPERATORS if key.startswith(one))
        if not _OPERATORS[operator](item.get(key.removeprefix(operator)), value):
            return False
    return True


@dataclass
class FakeQualtrics:
    """Exports of one survey: begun, awaited, read."""

    token: str = "q-token"
    responses: list[dict[str, Any]] = field(default_factory=list)
    looks_needed: int = 2
    wanted: list[dict[str, Any]] = field(default_factory=list)
    _looks: int = 0

    def __call__(self, seen) -> Reply:
        if seen.headers.get("x-api-token") != self.token:
            return 401, {"meta": {"error": {"errorMessage": "Unrecognized X-API-TOKEN."}}}
        base = "/API/v3/surveys/SV_1/export-responses"
        if seen.method == "POST" and seen.path == base:
            self.wanted.append(seen.json)
            self._looks = 0
            return 200, {"result": {"progressId": "ES_1", "percentComplete": 0, "status": "inProgress"}}
        if seen.path == f"{base}/ES_1":
            self._looks += 1
            done = self._looks >= self.looks_needed
            return 200, {
                "result": {"status": "complete", "fileId": "f-1"} if done else {"status": "inProgress"}
            }
        if seen.path == f"{base}/f-1/file":
            return 200, {"responses": self.responses}
        return 404, {}


@dataclass
class FakeAnketolog:
    """`survey/report/detail` by offset."""

    token: str = "a-key"
    answers: list[dict[str, Any]] = field(default_factory=list)
    page: int = 2

    def __call__(self, seen) -> Reply:
        if seen.headers.get("x-anketolog-apikey") != self.token:
            return 403, {"message": "Доступ запрещён"}
        wanted = json.loads(seen.body)
        found = [a for a in self.answers if wanted["date_from"] <= a["finish_date"] <= wanted["date_to"]]
        part = found[wanted["offset"] : wanted["offset"] + self.page]
        return 200, {"answer_count": len(found), "answers": part}
