"""Chatwoot: the survey after a conversation is an update of the message that asked; its scale is 1 to 5."""

from service.intake.mapping import Adapter, AnswerMap, Ignore, Rule
from service.intake.signatures import Signature

_SURVEY = (
    "content_attributes.submitted_values.csat_survey_response "
    "|| content_attributes.submitted_values[0].csat_survey_response"
)

ADAPTER = Adapter(
    title="Chatwoot",
    signature=Signature(
        "x-chatwoot-signature", "sha256", "hex", prefix="sha256=", timestamp_header="x-chatwoot-timestamp"
    ),
    delivery_ids=("x-chatwoot-delivery",),
    rules=(
        Rule(
            when=f"event == 'message_updated' && ({_SURVEY})",
            then=AnswerMap(
                id="to_string(id)",
                text=f"({_SURVEY}).feedback_message",
                respondent="conversation.meta.sender.[email, phone_number, id && to_string(id)][?@] | [0]",
                answered_at="created_at",
                version="updated_at",
                attributes=(
                    f"merge({{csat_rating: ({_SURVEY}).rating, conversation_id: conversation.id, "
                    "inbox: inbox.name, account_id: account.id}, conversation.custom_attributes || `{}`)"
                ),
            ),
        ),
        Rule(when="event", then=Ignore("not an answer to a survey")),
    ),
    documented="—",
    unconfirmed="body and signature (public code, version 4.x); the 1–5 is kept beside, never as a score",
)
