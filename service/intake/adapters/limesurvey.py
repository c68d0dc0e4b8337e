"""LimeSurvey with the plugin LimeSurveyWebhook: our token comes in the body."""

from service.intake.mapping import Adapter, AnswerMap, Document, Rule, search
from service.intake.questions import Question

_SERVICE = frozenset(
    {
        "id",
        "submitdate",
        "lastpage",
        "startlanguage",
        "token",
        "seed",
        "startdate",
        "datestamp",
        "ipaddr",
        "refurl",
    }
)


def _read_questions(document: Document) -> list[Question]:
    """By question text where the plugin sends it, else by code."""
    answers = search("response_pretty || response", document)
    pairs = answers.items() if isinstance(answers, dict) else ()
    return [Question(str(key), value=value) for key, value in pairs if str(key).lower() not in _SERVICE]


ADAPTER = Adapter(
    title="LimeSurvey",
    token_places=("api_token",),
    rules=(
        Rule(
            when="response || response_pretty",
            then=AnswerMap(
                id="join('-', [to_string(survey), to_string(respondId || response.id)])",
                respondent="participant.email || token",
                answered_at="submitDate || response.submitdate",
                attributes="{survey_id: survey, language: response.startlanguage}",
                questions=_read_questions,
            ),
        ),
    ),
    documented="Top-level names (the plugin's README)",
    unconfirmed="the inside of response and response_pretty; the zone of submitDate (set zone)",
)
