"""Tally: choices come as ids of options."""

from typing import Any

from service.intake.mapping import Adapter, AnswerMap, Document, Rule, search
from service.intake.questions import Question
from service.intake.signatures import Signature


def _read_questions(document: Document) -> list[Question]:
    fields = search("data.fields[?key]", document) or []
    return [
        Question(str(f["key"]), str(f.get("label") or ""), str(f.get("type", "")).lower(), _value(f))
        for f in fields
    ]


def _value(field: Document) -> Any:  # noqa: ANN401  # a text, a number, a list of texts
    value = field.get("value")
    options = {
        option.get("id"): option.get("text")
        for option in field.get("options") or []
        if isinstance(option, dict)
    }
    if isinstance(value, list):
        named = [options.get(one, one) for one in value if isinstance(one, str | int)]
        return named[0] if len(named) == 1 else named
    return options.get(value, value) if isinstance(value, str) else value


ADAPTER = Adapter(
    title="Tally",
    signature=Signature("tally-signature", "sha256", "base64", signs_compact_json=True),
    delivery_ids=("body:eventId",),
    rules=(
        Rule(
            when="eventType == 'FORM_RESPONSE'",
            then=AnswerMap(
                id="data.responseId || data.submissionId",
                answered_at="data.createdAt || createdAt",
                version="createdAt",
                attributes="{form_id: data.formId, form: data.formName}",
                questions=_read_questions,
            ),
        ),
    ),
    documented="Body and signature (help and developer pages)",
    unconfirmed="whether the raw or the re-serialised body is signed (both are accepted); retry schedule",
)
