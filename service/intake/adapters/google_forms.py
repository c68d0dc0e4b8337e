"""Google Forms and Sheets: a script of ours posts each answer; Pub/Sub sends the id of the form."""

from typing import Any

from service.intake.mapping import Adapter, AnswerMap, Document, ReferenceMap, Rule, search
from service.intake.questions import Question


def _read_questions(document: Document) -> list[Question]:
    named = search("namedValues || answers", document)
    answers = named.items() if isinstance(named, dict) else ()
    return [Question(str(title), value=_value(value)) for title, value in answers]


def _value(value: Any) -> Any:  # noqa: ANN401  # of a script, a sheet or the Forms API
    if isinstance(value, dict):
        value = search("textAnswers.answers[].value", value)
    if isinstance(value, list):
        told = [one for one in value if one not in (None, "")]
        return told[0] if len(told) == 1 else told
    return value


_ANSWER = AnswerMap(
    id="responseId || response_id || id",
    respondent="respondentEmail || respondent_email || email",
    answered_at=(
        "submitted_at || lastSubmittedTime || createTime || timestamp "
        '|| namedValues."Отметка времени"[0] || namedValues.Timestamp[0]'
    ),
    version="lastSubmittedTime || submitted_at",
    attributes="{form_id: formId || form_id, sheet: sheet}",
    questions=_read_questions,
)

ADAPTER = Adapter(
    title="Google Формы и Таблицы (Apps Script)",
    delivery_ids=("body:message.messageId",),
    rules=(
        Rule(
            when="message.attributes.formId",
            then=ReferenceMap("form", "message.attributes.formId", version="message.publishTime"),
        ),
        Rule(when="namedValues || answers", then=_ANSWER),
    ),
    documented="Pub/Sub notifications (vendor's pages); the script is ours",
    unconfirmed="the envelope of a Pub/Sub push; the names in namedValues of Russian accounts",
)
