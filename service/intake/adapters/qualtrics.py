"""Qualtrics: a subscription sends ids, as a form with JSON in a field; a workflow may send the answers."""

from collections.abc import Mapping
from typing import Any

from service.intake.mapping import Adapter, AnswerMap, Document, ReferenceMap, Rule, search
from service.intake.questions import Question
from service.intake.signatures import Signature

_SERVICE = frozenset({"startDate", "status", "progress", "duration", "finished", "ipAddress", "userLanguage"})


def _open_message(document: Document, headers: Mapping[str, str]) -> list[Document]:
    inner = document.get("MSG")
    return [{**inner, "Topic": document.get("Topic")}] if isinstance(inner, dict) else [document]


def _read_questions(document: Document) -> list[Question]:
    values = search("result.values || values || @", document)
    if not isinstance(values, dict):
        return []
    values = {key: value for key, value in values.items() if key not in _SERVICE}
    scores = {key.removesuffix("_NPS_GROUP") for key in values if key.endswith("_NPS_GROUP")}
    return [_question(key, value, scores) for key, value in values.items() if not key.endswith("_NPS_GROUP")]


def _question(key: str, value: Any, scores: set[str]) -> Question:  # noqa: ANN401
    kind = "nps" if key in scores else "text" if key.endswith("_TEXT") else ""
    return Question(key, kind=kind, value=value)


_RESPONSE = ReferenceMap(
    "response", "ResponseID", scope={"survey_id": "SurveyID", "brand": "BrandID"}, version="CompletedDate"
)

ADAPTER = Adapter(
    title="Qualtrics",
    signature=Signature("hmac", "sha512", "hex", form_field="HMAC", signed_field="MSG"),
    prepare=_open_message,
    rules=(
        Rule(when="ResponseID && SurveyID && Status == 'Complete'", then=_RESPONSE),
        Rule(
            when="result.values || responseId || ResponseID && !Status",
            then=AnswerMap(
                id="result.responseId || responseId || ResponseID",
                respondent="result.values.recipientEmail || recipientEmail || email",
                answered_at="result.values.recordedDate || recordedDate || result.values.endDate",
                version="result.values.recordedDate || recordedDate",
                questions=_read_questions,
            ),
        ),
    ),
    documented="Form body with ids, GET and POST (copy of the vendor's API text, consumers' code)",
    unconfirmed="SHA-512 (told by the length of the public sample); retries; zone of CompletedDate",
)
