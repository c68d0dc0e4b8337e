"""Anketolog: polled, for its webhooks are not documented; a polled report is read as if it had been sent."""

from typing import Any

from service.intake.mapping import Adapter, AnswerMap, Document, Rule, search
from service.intake.questions import Question


def _read_questions(document: Document) -> list[Question]:
    answers = search("answer || questions_answers", document)
    listed = answers if isinstance(answers, list) else []
    asked = [_question(answer) for answer in listed if isinstance(answer, dict)]
    beside = search("additional_params[?name]", document) or []
    return [*asked, *(Question(str(one["name"]), kind="parameter", value=one.get("value")) for one in beside)]


def _question(answer: Document) -> Question:
    return Question(
        str(answer.get("question_id")), str(answer.get("question_name") or ""), "", _value(answer)
    )


def _value(answer: Document) -> Any:  # noqa: ANN401  # a text, or the options chosen
    text = search("question_answer.answer.answer_text || answer_text", answer)
    if text:
        return text
    options = search("question_answer.answer.options[].[answer_value || option_name] | []", answer) or []
    told = [option for option in options if option not in (None, "")]
    return told[0] if len(told) == 1 else told


ADAPTER = Adapter(
    title="Анкетолог",
    rules=(
        Rule(
            when="answers",
            each="answers[?status != 'd' && status != 'r']",
            then=AnswerMap(
                id="id",
                answered_at="finish_date || start_date",
                version="finish_date",
                attributes="merge({survey_id: survey_id}, `{}`)",
                questions=_read_questions,
            ),
        ),
    ),
    documented="The report that is polled (vendor's PHP client)",
    unconfirmed="the name of the list of answers (both are read); webhooks",
)
