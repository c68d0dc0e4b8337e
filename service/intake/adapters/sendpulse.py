"""SendPulse: a bot's flow saves score and comment as variables, then sends a webhook that it names."""

from service.intake.mapping import Adapter, AnswerMap, Ignore, Rule

_OTHER = (
    "contains(['new_subscriber', 'run_custom_flow', 'open_chat', 'opened_live_chat', 'link_click', "
    "'bot_block', 'bot_unsubscribe', 'unsubscribe', 'outgoing_message', 'outbound_message', "
    "'incoming_message'], title)"
)

ADAPTER = Adapter(
    title="SendPulse",
    rules=(
        Rule(when=_OTHER, then=Ignore("an event of the bot, not an answer")),
        Rule(
            when="contact",
            then=AnswerMap(
                id="contact.variables.response_id || join('-', [contact.id, to_string(date)])",
                text="contact.variables.nps_comment || contact.variables.comment || contact.last_message",
                score="contact.variables.nps_score || contact.variables.score",
                respondent="contact.email || contact.phone || contact.id",
                answered_at="date",
                version="date",
                attributes="{bot: bot.name, channel: service, webhook: title, tags: contact.tags}",
                questions="contact.variables",
            ),
        ),
    ),
    documented="Events and their parts (vendor's pages)",
    unconfirmed="retries; the exact body of a named webhook (array or object: both are read)",
)
