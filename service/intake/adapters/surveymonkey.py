"""SurveyMonkey: a delivery holds ids only; the answers are fetched with the customer's token."""

from typing import Any

from service.intake.mapping import Adapter, AnswerMap, DeletionMap, Document, ReferenceMap, Rule, search
from service.intake.questions import Question
from service.intake.signatures import Signature

_RESPONSE = ReferenceMap(
    "response",
    "object_id",
    scope={
        "survey_id": "resources.survey_id || filter_type == 'survey' && filter_id",
        "collector_id": "resources.collector_id",
    },
    version="event_datetime",
)


def _read_questions(document: Document) -> list[Question]:
    return [_question(question) for question in search("pages[].questions[]", document) or []]


def _question(question: Document) -> Question:
    answers = [_answer(answer) for answer in question.get("answers") or [] if isinstance(answer, dict)]
    told = [answer for answer in answers if answer not in (None, "")]
    kind = {"open_ended": "text", "matrix": "rating"}.get(
        str(question.get("family")), str(question.get("family") or "")
    )
    heading = question.get("heading") or search("headings[0].heading", question) or ""
    return Question(str(question.get("id")), str(heading), kind, told[0] if len(told) == 1 else told)


def _answer(answer: Document) -> Any:  # noqa: ANN401
    return answer.get("simple_text") or answer.get("text") or answer.get("choice_text")


ADAPTER = Adapter(
    title="SurveyMonkey",
    signature=Signature("sm-signature", "sha1", "base64"),
    delivery_ids=("body:event_id",),
    rules=(
        Rule(when="event_type == 'response_deleted'", then=DeletionMap("object_id")),
        Rule(when="object_type == 'response' && starts_with(event_type || '', 'response_')", then=_RESPONSE),
        Rule(
            when="pages && response_status",
            then=AnswerMap(
                id="id",
                respondent="metadata.contact.email.value || email_address || recipient_id",
                answered_at="date_created",
                version="date_modified",
                attributes="merge({survey_id: survey_id}, custom_variables || `{}`)",
                questions=_read_questions,
            ),
        ),
    ),
    documented="Body, signature, HEAD check, fetch (vendor's API repository)",
    unconfirmed="retries; the names heading and simple_text in fetched answers",
)
