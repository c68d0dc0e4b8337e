"""The shape of Delighted, which closed in 2026; other tools copied it, and old deliveries can be replayed."""

from service.intake.mapping import Adapter, AnswerMap, Ignore, Rule
from service.intake.signatures import Signature

_ANSWER = AnswerMap(
    id="event_data.id || id",
    text="event_data.comment || comment",
    score="event_data.score || score",
    respondent="(event_data.person || person) | (email || id || @)",
    answered_at="event_data.created_at || created_at",
    version="event_data.updated_at || event_data.created_at || updated_at || created_at",
    attributes="event_data.person_properties || person_properties",
)

ADAPTER = Adapter(
    title="Delighted и совместимые",
    signature=Signature("x-delighted-webhook-signature", "sha256", "hex", prefix="sha256="),
    delivery_ids=("body:event_id",),
    rules=(
        Rule(when="starts_with(event_type || '', 'survey_response.')", then=_ANSWER),
        Rule(when="event_type", then=Ignore("not an answer")),
        Rule(when="score && id", then=_ANSWER),
    ),
    documented="Body and signature header (Delighted's API pages of 2025)",
    unconfirmed="nothing can be: the service has closed; copies of its shape may differ",
)
