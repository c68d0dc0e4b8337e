"""Bodies of any form: what is read, what is refused, and that nothing a sender writes breaks a reader."""

from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.intake.adapters import find, names
from service.intake.captures import read_capture
from service.intake.deliveries import BodyError, Delivery, read_content
from service.intake.forms import nest, split_form
from service.intake.installation import ConfiguredSource
from service.intake.mapping import Choices
from service.intake.signatures import TOKEN_PARAMETERS
from service.intake.trust import find_fault
from tests.intake.test_adapters import CAPTURES

LIMIT = 2 * 1024 * 1024
KEYS = st.sampled_from(
    (
        "id", "score", "comment", "data", "event", "event_type", "contact", "answers", "fields", "value",
        "auth", "document_id", "properties", "leads", "message", "form_response", "field", "pages",
        "questions", "deleted", "specversion", "custom_fields", "values", "options", "namedValues",
        "response", "title", "ключ", "",
    )
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=20)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(KEYS, TREES, max_size=6)
HEADERS = st.dictionaries(
    st.sampled_from(["content-type", "content-encoding", "authorization", "ce-id", "ce-source"]),
    st.sampled_from(
        ["application/json", "gzip", "deflate", "multipart/form-data; boundary=x", "", "Basic //", "é"]
    )
    | st.text(max_size=10),
)


@given(DOCUMENTS)
def test_no_adapter_breaks(document: dict[str, Any]) -> None:
    """Whatever JSON says, each adapter reads it or ignores it."""
    for name in names():
        adapter = find(name)
        assert adapter
        events = adapter.read([document], {}, Choices(score="score", text="value"))
        assert isinstance(events, list)


def _captured() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for path in sorted(CAPTURES.glob("*.http")):
        content = read_content(read_capture(path.read_bytes()), LIMIT)
        found.append((path.stem.partition(".")[0], content.documents[0]))
    return found


@given(st.sampled_from(_captured()), st.data())
def test_damaged_captures_break_no_adapter(captured: tuple[str, dict[str, Any]], data: st.DataObject) -> None:
    """A true delivery with any part of it replaced by anything is read or ignored."""
    name, document = captured
    adapter = find(name)
    assert adapter
    damaged = orjson.loads(orjson.dumps(document))
    place = damaged
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not place[key] or not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            place[key] = data.draw(TREES)
            break
        place = place[key]
    adapter.read([damaged], {})


@given(st.binary(max_size=300), HEADERS, st.text(max_size=50))
def test_any_bytes(body: bytes, headers: dict[str, str], query: str) -> None:
    """Any bytes under any headers are read, or refused as a body that cannot be; so is any proof."""
    delivery = Delivery("POST", headers, query, body)
    with suppress(BodyError):
        content = read_content(delivery, LIMIT)
        assert all(isinstance(document, dict) for document in content.documents)
    for name in ("bitrix24", "qualtrics", "tally", "generic"):
        adapter = find(name)
        assert adapter
        secrets = ("secret",) if adapter.signature else ()
        assert find_fault(ConfiguredSource(name, adapter, secrets, ("t" * 16,)), delivery, 0.0, LIMIT)


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=8))
def test_forms_come_back(pairs: list[tuple[str, str]]) -> None:
    """Names and values of a form are read as they were written."""
    assert split_form(urlencode(pairs).encode(), 100) == pairs


@given(
    st.dictionaries(
        st.text("абвxyz", min_size=1), st.text(max_size=5) | st.lists(st.text(max_size=5), min_size=1)
    )
)
def test_brackets_come_back(tree: dict[str, Any]) -> None:
    """Nested forms are the trees that they were made of."""
    pairs = []
    for key, value in tree.items():
        pairs += (
            [(f"{key}[{i}]", one) for i, one in enumerate(value)]
            if isinstance(value, list)
            else [(key, value)]
        )
    assert nest(pairs) == tree


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251"])
@pytest.mark.parametrize("text", ["Сорвали сроки", "я", "Дорого — «очень»", "ещё раз №5"])
def test_forms_in_both_encodings(encoding: str, text: str) -> None:
    """Russian is told from Russian in the other encoding."""
    body = f"id=1&comment={quote(text, encoding=encoding)}".encode()
    [document] = read_content(Delivery("POST", {}, "", body), LIMIT).documents
    assert document["comment"] == text


def test_query_stands_beside_the_body_without_tokens() -> None:
    """Parameters of the address count, but for tokens; the body's own go before them."""
    query = urlencode({"region": "Урал", "score": "1", **dict.fromkeys(TOKEN_PARAMETERS, "secret")})
    [document] = read_content(Delivery("POST", {}, query, b'{"score": 9}'), LIMIT).documents
    assert document == {"region": "Урал", "score": 9}


def test_a_bad_line_costs_no_other() -> None:
    """Of JSON Lines the good ones are read, and the bad ones are named."""
    body = b'{"id": 1}\nnonsense\n{"id": 2}\n[3]\n'
    content = read_content(Delivery("POST", {}, "", body), LIMIT)
    assert content.documents == ({"id": 1}, {"id": 2})
    assert content.problems == ("line 2 is not a JSON object", "line 4 is not a JSON object")


def test_json_in_a_field_of_a_form() -> None:
    """A field that holds JSON is opened, and so is JSON that was sent as the name of a field."""
    body = urlencode({"payload": '{"id": 1, "comment": "Дорого"}', "text": "{не JSON}"}).encode()
    [document] = read_content(Delivery("POST", {}, "", body), LIMIT).documents
    assert document == {"payload": {"id": 1, "comment": "Дорого"}, "text": "{не JSON}"}
    named = quote('{"id": 1}').encode() + b"="
    assert read_content(Delivery("POST", {}, "", named), LIMIT).documents == ({"id": 1},)
