"""The shape of Promoter.io: its event names are documented, its bodies are not: read with tolerance."""

from service.intake.mapping import Adapter, AnswerMap, DeletionMap, Ignore, Rule

_RECORD = "[data.feedback, data.response, data, feedback, response, @][?score != null || score_type] | [0]"
_ID = "data.feedback.id || data.response.id || data.id || feedback.id || response.id || id"

_ANSWER = AnswerMap(
    id="id",
    text="comment",
    score="score",
    respondent="contact.email || contact.id || contact",
    answered_at="posted_date",
    version="comment_updated_date || posted_date",
    attributes="merge({status: status}, contact.attributes || `{}`)",
)

ADAPTER = Adapter(
    title="Promoter.io и совместимые",
    delivery_ids=("idempotency-key",),
    rules=(
        Rule(when="ends_with(event || '', '.removed')", then=DeletionMap(_ID)),
        Rule(
            when="ends_with(event || '', 'added_or_changed') && event != 'feedback.tags_added_or_changed'",
            each=_RECORD,
            then=_ANSWER,
        ),
        Rule(when="event", then=Ignore("not an answer")),
        Rule(when=_RECORD, each=_RECORD, then=_ANSWER),
    ),
    documented="Event names; the fields of a feedback",
    unconfirmed="the body of every event; signature (none known: a token in the address)",
)
