"""amoCRM (Kommo): bracketed forms, several items a delivery; score and comment are fields of the lead."""

from collections.abc import Mapping

from service.intake.mapping import Adapter, AnswerMap, DeletionMap, Document, Ignore, Rule, search
from service.intake.questions import Question
from service.intake.signatures import Signature

_ENTITIES = ("leads", "contacts", "companies", "customers", "task", "catalogs", "talk", "message", "unsorted")


def _list_items(document: Document, headers: Mapping[str, str]) -> list[Document]:
    """One document an item, with its entity, its action and the account beside it."""
    account = document.get("account")
    items = [
        {**item, "_entity": entity, "_action": action, "_account": account}
        for entity in _ENTITIES
        for action, found in _pairs(document.get(entity))
        for item in (found if isinstance(found, list) else list(dict(_pairs(found)).values()))
        if isinstance(item, dict)
    ]
    return items or [document]


def _pairs(value: object) -> list[tuple[str, object]]:
    return list(value.items()) if isinstance(value, dict) else []


def _read_questions(document: Document) -> list[Question]:
    fields = search("custom_fields[?name]", document) or []
    return [
        Question(
            str(field.get("id") or field["name"]),
            str(field["name"]),
            "",
            search("values[0].value || values[0]", field),
        )
        for field in fields
    ]


ADAPTER = Adapter(
    title="amoCRM",
    signature=Signature("x-signature", "sha1", "hex"),
    prepare=_list_items,
    rules=(
        Rule(when="_entity == 'leads' && _action == 'delete'", then=DeletionMap("id")),
        Rule(
            when="_entity == 'leads' && custom_fields",
            then=AnswerMap(
                id="id",
                respondent="main_contact_id || contact_id",
                answered_at="closed_at || date_create || created_at",
                version="last_modified || updated_at",
                attributes=(
                    "{lead: name, pipeline_id: pipeline_id, status_id: status_id, price: price, "
                    "responsible_user_id: responsible_user_id, account: _account.subdomain}"
                ),
                questions=_read_questions,
            ),
        ),
        Rule(
            when="_entity == 'message' && text && (type == 'incoming' || !type)",
            then=AnswerMap(
                id="join('-', ['message', to_string(id)])",
                text="text",
                respondent="author.name || author.id",
                answered_at="created_at",
                attributes="{talk_id: talk_id, entity_id: entity_id, entity_type: entity_type}",
            ),
        ),
        Rule(when="_entity || message", then=Ignore("not a lead with fields, nor a customer's message")),
    ),
    documented="Form of the body, entities and actions; X-Signature of the chat API (vendor's pages)",
    unconfirmed="the names inside message[add]; retries",
)
