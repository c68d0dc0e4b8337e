"""Formbricks: answers by the ids that the survey's author gave."""

from service.intake.adapters.generic import STANDARD_WEBHOOKS
from service.intake.mapping import Adapter, AnswerMap, Document, Ignore, Rule, search
from service.intake.questions import Question


def _read_questions(document: Document) -> list[Question]:
    answers = search("data.data", document)
    return [_question(key, value) for key, value in answers.items()] if isinstance(answers, dict) else []


def _question(key: str, value: object) -> Question:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return Question(key, kind="number" if is_number else "", value=value)


ADAPTER = Adapter(
    title="Formbricks",
    signature=STANDARD_WEBHOOKS,
    delivery_ids=("webhook-id",),
    rules=(
        Rule(
            when="contains(['responseCreated', 'responseUpdated', 'responseFinished'], event)",
            then=AnswerMap(
                id="data.id",
                respondent="data.contact.userId || data.contact.id || data.contactAttributes.email",
                answered_at="data.createdAt",
                version="data.updatedAt",
                attributes=(
                    "merge({survey_id: data.surveyId, survey: data.survey.title}, "
                    "data.contactAttributes || `{}`, data.variables || `{}`)"
                ),
                questions=_read_questions,
            ),
        ),
        Rule(when="event == 'testEndpoint'", then=Ignore("a test call")),
    ),
    documented="Body, signature, retries (read in the vendor's code of August 2026)",
    unconfirmed="other versions than that",
)
