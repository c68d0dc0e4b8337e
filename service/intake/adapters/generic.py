"""Any JSON or form: Zapier, n8n, Make, Albato, a script of one's own, and CloudEvents."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import orjson

from service.intake.mapping import Adapter, AnswerMap, DeletionMap, Document, Ignore, Rule
from service.intake.signatures import Signature

STANDARD_WEBHOOKS = Signature(
    header="webhook-signature",
    digest="sha256",
    encoding="base64",
    prefix="v1,",
    timestamp_header="webhook-timestamp",
    id_header="webhook-id",
    listed=True,
    aliases={
        "webhook-signature": "svix-signature",
        "webhook-timestamp": "svix-timestamp",
        "webhook-id": "svix-id",
    },
)

_ID = "id || response_id || responseId || answer_id || submission_id || external_id || ID || Id"

ANSWER = AnswerMap(
    id=_ID,
    text="comment || text || feedback || feedback_text || review",
    score="score || nps || nps_score || rating",
    question="question",
    respondent="respondent.email || respondent.phone || respondent.id || respondent || email || phone",
    answered_at=(
        "answered_at || created_at || createdAt || submitted_at || submittedAt || completed_at "
        "|| date || time"
    ),
    version="updated_at || updatedAt || modified_at",
    attributes="merge(segments || `{}`, attributes || `{}`)",
    questions="@",
)
"""The keys that we ask for, and what others call them; what has other names is told by its look."""

_WRAPPERS = ("data", "body", "payload", "params", "answer", "response", "record", "fields", "json")
_ENVELOPE = frozenset({"jsonrpc", "method"})
"""Of JSON-RPC; no part of an answer."""


def unwrap(document: Document, headers: Mapping[str, str]) -> list[Document]:
    """The records inside the wrappings of CloudEvents, JSON-RPC and automation tools."""
    if "specversion" in document and ("data" in document or "data_base64" in document):
        return [_of_cloud_event(document, data) for data in _listed(_cloud_data(document))]
    if "ce-id" in headers:
        event = {name[3:]: value for name, value in headers.items() if name.startswith("ce-")}
        return [_of_cloud_event(event, document)]
    document = {key: value for key, value in document.items() if key not in _ENVELOPE}
    for name in _WRAPPERS:
        inner = document.get(name)
        if isinstance(inner, dict | list) and inner and not _is_record(document):
            outer = {key: value for key, value in document.items() if key != name and _is_plain(value)}
            return [{**outer, **record} for record in _listed(inner)]
    return [_unflatten(document)]


def _is_record(document: Document) -> bool:
    return any(name in document for name in ("comment", "text", "feedback", "score", "nps", "rating"))


def _is_plain(value: object) -> bool:
    return not isinstance(value, dict | list)


def _listed(value: object) -> list[Document]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, dict)]


def _of_cloud_event(event: Mapping[str, Any], data: Document) -> Document:
    known = {"id": f"{event.get('source', '')}|{event.get('id', '')}", "created_at": event.get("time")}
    return {**{name: value for name, value in known.items() if value}, **data}


def _cloud_data(document: Document) -> Any:  # noqa: ANN401  # whatever was sent
    data = document.get("data")
    try:
        if data is None:
            data = base64.b64decode(str(document["data_base64"]), validate=True)
        return orjson.loads(data) if isinstance(data, str | bytes) else data
    except (binascii.Error, orjson.JSONDecodeError):
        return {"text": data} if isinstance(data, str) else {}


def _unflatten(document: Document) -> Document:
    """Zapier writes `respondent__email` for the `email` of `respondent`."""
    whole = {key: value for key, value in document.items() if "__" not in key.strip("_")}
    for key, value in document.items():
        outer, _, inner = key.partition("__")
        if outer and inner and isinstance(whole.setdefault(outer, {}), dict):
            whole[outer][inner] = value
    return whole


ADAPTER = Adapter(
    title="JSON или форма (Zapier, n8n, Make, CloudEvents)",
    signature=STANDARD_WEBHOOKS,
    delivery_ids=(
        "webhook-id",
        "svix-id",
        "idempotency-key",
        "x-delivery-id",
        "ce-id",
        "body:specversion && join('|', [source, id])",
    ),
    prepare=unwrap,
    rules=(
        Rule(when="deleted == `true` || deleted == 'true'", then=DeletionMap(_ID)),
        Rule(when="event == 'testEndpoint' || type == 'test'", then=Ignore("a test call")),
        Rule(then=ANSWER),
    ),
    documented="Our own contract; CloudEvents 1.0 and Standard Webhooks 1.0 as published",
    unconfirmed="—",
)
