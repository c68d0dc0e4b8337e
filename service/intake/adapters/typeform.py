"""Typeform: one delivery a response, with the answers in it."""

from typing import Any

from service.intake.mapping import Adapter, AnswerMap, Document, Rule, search
from service.intake.questions import Question
from service.intake.signatures import Signature

_VALUE = (
    "text || number || choice.label || choice.other || choices.labels || boolean || email || phone_number "
    "|| date || url || file_url"
)


def _read_questions(document: Document) -> list[Question]:
    fields = search("form_response.definition.fields", document) or []
    titles = {field.get("id"): field.get("title") for field in fields if isinstance(field, dict)}
    return [_question(answer, titles) for answer in search("form_response.answers[?field]", document) or []]


def _question(answer: Document, titles: dict[Any, Any]) -> Question:
    field = answer["field"] if isinstance(answer["field"], dict) else {}
    key = field.get("ref") or field.get("id")
    title = titles.get(field.get("id"))
    return Question(str(key), str(title or ""), str(field.get("type", "")), search(_VALUE, answer))


_ANSWER = AnswerMap(
    id="form_response.token",
    answered_at="form_response.submitted_at || form_response.landed_at",
    version="form_response.submitted_at",
    attributes="merge({form_id: form_response.form_id}, form_response.hidden || `{}`)",
    questions=_read_questions,
)

ADAPTER = Adapter(
    title="Typeform",
    signature=Signature("typeform-signature", "sha256", "base64", prefix="sha256="),
    delivery_ids=("body:event_id",),
    rules=(
        Rule(when="event_type == 'form_response' || event_type == 'form_response_partial'", then=_ANSWER),
    ),
    documented="Body, signature, retries (Typeform's developer pages)",
    unconfirmed="form_response_partial; export headings",
)
