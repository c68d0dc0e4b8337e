"""Bitrix24: events with ids, robots of business processes with values, messages of open lines."""

import re
from collections.abc import Mapping
from typing import Any

from service.intake.mapping import (
    Adapter,
    AnswerMap,
    DeletionMap,
    Document,
    Ignore,
    ReferenceMap,
    Rule,
    search,
)

ENTITY_TYPES = {"LEAD": "1", "DEAL": "2", "CONTACT": "3", "COMPANY": "4"}
"""Numbers of `crm.item.*` by the names in events and documents."""

_CRM_EVENT = re.compile(r"ONCRM(LEAD|DEAL|DYNAMICITEM)(ADD|UPDATE|DELETE|MOVETOCATEGORY)$")
_DOCUMENT = re.compile(r"(LEAD|DEAL|CONTACT|COMPANY|DYNAMIC_(\d+))_(\d+)$")
_SERVICE = frozenset(
    {"event", "event_handler_id", "eventId", "data", "ts", "auth", "document_id", "document_type",
     "event_token", "properties", "workflow_id", "code", "use_subscription", "timeout_duration", "module_id"}
)  # fmt: skip


def item_id(entity_type: str, number: str) -> str:
    """The id of an item's answer, however it was heard of: as Bitrix24 writes it in `document_id`.

    >>> item_id("2", "5012"), item_id("1046", "7")
    ('DEAL_5012', 'DYNAMIC_1046_7')
    """
    names = {number: name for name, number in ENTITY_TYPES.items()}
    return f"{names.get(entity_type, f'DYNAMIC_{entity_type}')}_{number}"


def _tell_kinds(document: Document, headers: Mapping[str, str]) -> list[Document]:
    """The document with `_kind`, and with the item that it is about in one form."""
    portal = search("auth.domain", document)
    if "document_id" in document:
        return [{**document, **_robot(document), "_portal": portal}]
    if search("result.item || item", document):
        return [{**document, **_fetched(document), "_portal": portal}]
    name = str(document.get("event", "")).upper()
    if name == "ONOPENLINEMESSAGEADD":
        return [{**document, "_kind": "messages"}]
    match = _CRM_EVENT.match(name)  # contacts and companies are asked nothing
    number = search("data.FIELDS.ID || data.ID", document)
    if not match or not isinstance(number, str | int):
        return [{**document, "_kind": "other"}]
    entity_type = ENTITY_TYPES.get(match[1]) or str(search("data.FIELDS.ENTITY_TYPE_ID", document))
    kind = "deleted" if match[2] == "DELETE" else "changed"
    return [_item(entity_type, str(number)) | {"_kind": kind, "_portal": portal, "ts": document.get("ts")}]


def _item(entity_type: str, number: str) -> Document:
    return {"_entity_type": entity_type, "_number": number, "_id": item_id(entity_type, number)}


def _robot(document: Document) -> Document:
    parts = document["document_id"]
    match = _DOCUMENT.search(str(parts[-1] if isinstance(parts, list) and parts else parts))
    if not match:
        return {"_kind": "other"}
    answers = document.get("properties") or {k: v for k, v in document.items() if k not in _SERVICE}
    kind = "robot" if isinstance(answers, dict) and any(answers.values()) else "changed"
    return _item(ENTITY_TYPES.get(match[1]) or match[2], match[3]) | {"_kind": kind, "_answers": answers}


def _fetched(document: Document) -> Document:
    item: dict[str, Any] = search("result.item || item", document)
    entity_type = str(item.get("entityTypeId") or document.get("entityTypeId") or ENTITY_TYPES["DEAL"])
    return _item(entity_type, str(item.get("id"))) | {"_kind": "fetched", "_answers": item}


_ANSWER = AnswerMap(
    id="_id",
    respondent="_answers.contactId || _answers.contact_id",
    version="_answers.updatedTime",
    answered_at="_answers.closedate || ts",
    attributes=(
        "{portal: _portal, stage: _answers.stageId, category: _answers.categoryId, title: _answers.title}"
    ),
    questions="_answers",
)

ADAPTER = Adapter(
    title="Битрикс24",
    token_places=("auth.application_token",),
    prepare=_tell_kinds,
    rules=(
        Rule(when="_kind == 'robot' || _kind == 'fetched'", then=_ANSWER),
        Rule(
            when="_kind == 'changed'",
            then=ReferenceMap("item", "_number", {"entityTypeId": "_entity_type", "portal": "_portal"}, "ts"),
        ),
        Rule(when="_kind == 'deleted'", then=DeletionMap("_id")),
        Rule(
            when="_kind == 'messages'",
            each="data.DATA[?message.system != 'Y']",
            then=AnswerMap(
                id="join('-', ['message', to_string(message.id)])",
                text="message.text",
                respondent="to_string(connector.user_id || message.user_id)",
                answered_at="message.date",
                attributes="{chat_id: chat.id, line_id: connector.line_id}",
            ),
        ),
        Rule(when="_kind == 'other'", then=Ignore("an event that is not used here")),
    ),
    documented="Events, application_token, no retries, robots of applications (vendor's REST repository)",
    unconfirmed="the body of the stock robot «Исходящий вебхук»",
)
