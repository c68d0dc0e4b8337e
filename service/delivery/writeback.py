"""Tags written back to where the comment came from, each platform in its way.

What is there already is read first: tags of others stay, and nothing is written that would change nothing.
So the change that a platform then tells of brings the same comment, which is not tagged anew, and the round
ends.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import httpx2

from service.clients import connections
from service.clients.api import Api
from service.clients.bitrix24 import Bitrix24Api, parse_item_id
from service.clients.connections import Connection
from service.clients.errors import ClientError, LimitReachedError, RefusedError
from service.clients.limits import Pace
from service.delivery import words
from service.delivery.events import TaggedComment
from service.delivery.outcomes import Delivered, Failed, Hopeless, Nothing, NotYet, Outcome
from service.delivery.tasks import give_tasks
from service.delivery.words import TagView
from service.nlp.context import nps_group
from service.nlp.taxonomy import Taxonomy
from service.store.comments import now
from service.store.outbox import Delivery
from service.store.targets import Target

WRITEBACK = "writeback"
"""The kind of these targets; the name of each is that of its connection."""


class Writer(Protocol):
    """Writes tags to one platform."""

    def write(self, tagged: TaggedComment, tags: Sequence[TagView], taxonomy: Taxonomy) -> str | None:
        """Write what was said of a comment; why there was nothing to write, if so. Raises: ClientError."""


@dataclass(frozen=True, slots=True)
class WriteBack:
    """Delivers to platforms, by the names of their connections."""

    writers: Mapping[str, Writer]
    taxonomy: Callable[[], Taxonomy]

    def deliver(self, target: Target, delivery: Delivery, tagged: TaggedComment) -> Outcome:
        """Write the tags of one comment."""
        writer = self.writers.get(target.name)
        if writer is None:
            return Hopeless(f"connections.yaml has no «{target.name}» that takes tags")
        taxonomy = self.taxonomy()
        try:
            reason = writer.write(tagged, tagged.tags(taxonomy), taxonomy)
        except LimitReachedError as error:
            return NotYet(str(error), error.until)
        except RefusedError as error:
            return Hopeless(str(error), error.status)
        except ClientError as error:
            return Failed(str(error))
        return Nothing(reason) if reason else Delivered()


def takes_tags(connection: Connection) -> bool:
    """Whether a connection's platform is to take tags back."""
    match connection:
        case connections.Bitrix24():
            return connection.comment or bool(connection.tasks) or any(_chosen_fields(connection.fields))
        case connections.AmoCrm() | connections.Chatwoot() | connections.Formbricks():
            return True
    return False


def open_writers(named: Mapping[str, Connection], http: httpx2.Client) -> dict[str, Writer]:
    """What writes to the platforms that take tags, by the names of their connections."""
    found = {name: _open_writer(one, http) for name, one in named.items() if takes_tags(one)}
    return {name: writer for name, writer in found.items() if writer is not None}


def _open_writer(connection: Connection, http: httpx2.Client) -> Writer | None:
    match connection:
        case connections.Bitrix24():
            return Bitrix24Writer(Bitrix24Api.open(connection, http), connection)
        case connections.AmoCrm():
            headers = {"Authorization": f"Bearer {connection.token}"}
            return AmoCrmWriter(Api("amoCRM", connection.url, http, Pace(7, burst=3), headers), connection)
        case connections.Chatwoot():
            headers = {"api_access_token": connection.token}
            return ChatwootWriter(Api("Chatwoot", connection.url, http, Pace(20, burst=20), headers))
        case connections.Formbricks():
            headers = {"x-api-key": connection.token}
            api = Api("Formbricks", connection.url, http, Pace(1.5, burst=10), headers)
            return FormbricksWriter(api, connection.field)
    return None


@dataclass(frozen=True, slots=True)
class Bitrix24Writer:
    """Fields of the item, a comment in its timeline, and tasks for those who answer for its problems."""

    portal: Bitrix24Api
    connection: connections.Bitrix24

    def write(self, tagged: TaggedComment, tags: Sequence[TagView], taxonomy: Taxonomy) -> str | None:
        """See `Writer.write`. The fields go last: when they hold the tags, all is done.

        Tasks are for what a customer has just said: a new model's other view of an old comment gives none.
        """
        comment = tagged.comment
        place = parse_item_id(comment.external_id)
        if place is None:
            return "not an answer in an item"
        item = self.portal.get_item(*place)
        wanted = self._fields(tags)
        if wanted and all(_same(item.get(name), value) for name, value in wanted.items()):
            return None
        rule = self.connection.tasks
        if (
            rule
            and tagged.is_first
            and nps_group(comment.score) != "promoter"
            and any(tag["polarity"] == "problem" for tag in tags)
        ):
            title = str(item.get("title") or comment.external_id)
            give_tasks(self.portal, place, comment.external_id, title, comment, tags, rule, now())
        if self.connection.comment:
            self.portal.add_comment(*place, f"Отклик клиента разобран:\n{words.describe(tags)}")
        if wanted:
            self.portal.update_item(*place, wanted)
        return None

    def _fields(self, tags: Sequence[TagView]) -> dict[str, Any]:
        fields = self.connection.fields
        values = words.tag_names(tags), words.titles(tags, "departments"), words.titles(tags, "kpis")
        return {
            name: value if fields.multiple else "; ".join(value)
            for name, value in zip(_chosen_fields(fields), values, strict=True)
            if name
        }


@dataclass(frozen=True, slots=True)
class AmoCrmWriter:
    """Tags of the lead, beside those that people have given it, and a field for the departments."""

    api: Api
    connection: connections.AmoCrm

    def write(self, tagged: TaggedComment, tags: Sequence[TagView], taxonomy: Taxonomy) -> str | None:
        """See `Writer.write`. A write replaces all tags, so the others are written again."""
        comment = tagged.comment
        if not comment.external_id.isdecimal():
            return "not an answer in a lead"
        path = f"api/v4/leads/{comment.external_id}"
        lead = self.api.call("GET", path).json
        change: dict[str, Any] = {}
        if self.connection.tags:
            known = [tag["name"] for tag in (lead.get("_embedded") or {}).get("tags") or []]
            wanted = _replace_own(known, words.tag_names(tags), words.all_tag_names(taxonomy))
            if wanted != known:
                change["_embedded"] = {"tags": [{"name": name} for name in wanted]}
        field = self.connection.field
        departments = "; ".join(words.titles(tags, "departments"))
        if field is not None and _amo_value(lead, field) != departments:
            change["custom_fields_values"] = [{"field_id": field, "values": [{"value": departments}]}]
        if change:
            self.api.call("PATCH", path, json=change)
        return None


@dataclass(frozen=True, slots=True)
class ChatwootWriter:
    """Labels of the conversation, such as `logistics-problem`: they may hold no Russian letters."""

    api: Api

    def write(self, tagged: TaggedComment, tags: Sequence[TagView], taxonomy: Taxonomy) -> str | None:
        """See `Writer.write`. A write replaces all labels, so the others are written again."""
        comment = tagged.comment
        attributes = comment.attributes or {}
        account, conversation = attributes.get("account_id"), attributes.get("conversation_id")
        if account is None or conversation is None:
            return "the comment does not say of which conversation it is"
        path = f"api/v1/accounts/{account}/conversations/{conversation}/labels"
        known = self.api.call("GET", path).json["payload"]
        own = {_label(code, polarity) for code in taxonomy.category_codes for polarity in words.POLARITY}
        labels = [_label(tag["category"], tag["polarity"]) for tag in tags]
        wanted = _replace_own(known, labels, own)
        if wanted != known:
            self.api.call("POST", path, json={"labels": wanted})
        return None


@dataclass(frozen=True, slots=True)
class FormbricksWriter:
    """A hidden field of the response: its own tags cannot be written with an API key."""

    api: Api
    field: str

    def write(self, tagged: TaggedComment, tags: Sequence[TagView], taxonomy: Taxonomy) -> str | None:
        """See `Writer.write`. A write replaces all answers, so the others are written again."""
        comment = tagged.comment
        path = f"api/v1/management/responses/{comment.external_id}"
        response = self.api.call("GET", path).json["data"]
        answers = response.get("data") or {}
        wanted = "; ".join(words.tag_names(tags))
        if answers.get(self.field) != wanted:
            change = {"finished": response.get("finished", True), "data": {**answers, self.field: wanted}}
            self.api.call("PUT", path, json=change)
        return None


def _chosen_fields(fields: connections.ItemFields) -> tuple[str, str, str]:
    return fields.tags, fields.departments, fields.kpis


def _same(found: object, wanted: object) -> bool:
    """Whether a field holds the value; an empty one may come back in several forms."""
    return found == wanted or (not found and not wanted)


def _replace_own(known: list[str], wanted: list[str], own: set[str]) -> list[str]:
    """The list with others' entries where they were, ours of old gone, and ours of now at its end.

    >>> _replace_own(["vip", "late"], ["dear"], {"late", "dear"})
    ['vip', 'dear']
    """
    if {name for name in known if name in own} == set(wanted):
        return known
    return [name for name in known if name not in own] + list(dict.fromkeys(wanted))


def _amo_value(lead: Mapping[str, Any], field: int) -> str | None:
    for one in lead.get("custom_fields_values") or []:
        if one.get("field_id") == field:
            return str(one["values"][0]["value"])
    return None


def _label(category: str, polarity: str) -> str:
    return f"{category}-{polarity}".replace("_", "-").lower()
