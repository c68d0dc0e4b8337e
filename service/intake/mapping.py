"""A source as data: which deliveries matter, and where in them a thing stands.

A place is a JMESPath expression (jmespath.org) over the parsed body. Where a survey's author names the
questions, no expression can know them: then the questions are listed, and score and comment are chosen by
kind, by wording, or by what the installation's settings say (`Choices`).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import cache, lru_cache
from typing import Any, TypeAlias

import jmespath
import orjson
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from service.intake.cells import parse_score
from service.intake.events import Answer, Deletion, Event, Ignored, Reference
from service.intake.questions import Question, guess_respondent, guess_score, guess_text
from service.intake.signatures import Signature
from service.intake.values import content_id, identifier, moment, plain_text
from service.nlp.errors import OtklikError

Document: TypeAlias = dict[str, Any]
Place: TypeAlias = str
"""A JMESPath expression over a document; empty: nowhere."""

ALL = "_all"
"""Under this name an item of `Rule.each` finds the whole document that it came in."""

MAX_TEXT_CHARS = 10_000
_MAX_ATTRIBUTES = 100
_MAX_NAME_CHARS = 200
_MAX_VALUE_CHARS = 1_000


class MappingError(OtklikError):
    """A mapping in the settings cannot be used."""


@dataclass(frozen=True)
class Places:
    """Where the parts of an answer stand; an installation names them in intake.yaml under `fields`."""

    __pydantic_config__ = {"extra": "forbid", "coerce_numbers_to_str": True}  # noqa: RUF012  # of that file

    id: Place = ""
    text: Place = ""
    score: Place = ""
    question: Place = ""
    respondent: Place = ""
    answered_at: Place = ""
    version: Place = ""


@dataclass(frozen=True)
class Choices(Places):
    """What an installation says of its own surveys; a place may also be a question's key, or what it asks."""

    zone: tzinfo = UTC
    """Of times that name no zone."""


@dataclass(frozen=True)
class AnswerMap(Places):
    """Where a delivery holds an answer."""

    attributes: Place = ""
    """An object of what is worth keeping beside."""
    questions: Place | Callable[[Document], Sequence[Question]] = ""
    """An object of answers by question, or a function for what no expression can join."""

    def read(self, document: Document, choices: Choices) -> Answer | Ignored:
        """The answer in `document`; one that tells neither score nor comment is none."""
        answer = _Reader(document, self, choices).answer()
        if answer.text is None and answer.score is None:
            return Ignored("; ".join(["found neither a score nor a comment", *answer.notes]))
        return answer


@dataclass(frozen=True)
class DeletionMap:
    """Where a delivery names a response that was deleted."""

    id: Place

    def read(self, document: Document, choices: Choices) -> Deletion | Ignored:
        """The deletion in `document`."""
        found = identifier(search(self.id, document))
        return Deletion(found) if found else Ignored("a deletion that names no response")


@dataclass(frozen=True)
class ReferenceMap:
    """Where a delivery names what has to be fetched."""

    kind: str
    id: Place
    scope: Mapping[str, Place] = field(default_factory=dict)
    version: Place = ""

    def read(self, document: Document, choices: Choices) -> Reference | Ignored:
        """The reference in `document`."""
        found = identifier(search(self.id, document))
        if not found:
            return Ignored(f"names no {self.kind}")
        scope = {name: identifier(search(place, document)) for name, place in self.scope.items()}
        given = {name: value for name, value in scope.items() if value is not None}
        return Reference(self.kind, found, given, moment(search(self.version, document), choices.zone))


@dataclass(frozen=True)
class Ignore:
    """Deliveries that are known and hold nothing for us."""

    reason: str

    def read(self, document: Document, choices: Choices) -> Ignored:
        """Always ignored."""
        return Ignored(self.reason)


@dataclass(frozen=True)
class Rule:
    """What to read from a document for which `when` holds, once for each item that `each` lists."""

    then: AnswerMap | DeletionMap | ReferenceMap | Ignore
    when: Place = "@"
    each: Place = ""

    def items(self, document: Document) -> list[Document]:
        """The document itself, or the items listed in it, each with the whole under `ALL`."""
        if not self.each:
            return [document]
        found = search(self.each, document)
        listed = found if isinstance(found, list) else [found]
        return [{**item, ALL: document} for item in listed if isinstance(item, dict)]


@dataclass(frozen=True)
class Adapter:
    """A survey platform or CRM, as far as its deliveries go."""

    title: str
    rules: tuple[Rule, ...]
    """Tried in order: the first whose `when` holds reads the document."""
    signature: Signature | None = None
    """How the platform signs, where it does."""
    token_places: tuple[Place, ...] = ()
    """Where the body itself carries our token, for platforms that send it there."""
    delivery_ids: tuple[str, ...] = ()
    """Headers, or places (after «body:»), of the id that stays the same when a delivery is repeated."""
    prepare: Callable[[Document, Mapping[str, str]], list[Document]] | None = None
    """Makes documents of a document and the headers, where the platform wraps them."""
    documented: str = ""
    """What of all this the platform documents."""
    unconfirmed: str = ""
    """What still needs one real delivery to confirm."""

    def read(
        self, documents: Sequence[Document], headers: Mapping[str, str], choices: Choices | None = None
    ) -> list[Event]:
        """What the documents of one delivery say, in their order. Never fails on what a sender wrote."""
        choices = choices or Choices()
        events: list[Event] = []
        for document in documents:
            prepared = self.prepare(document, headers) if self.prepare else [document]
            for one in prepared:
                events += self._read_one(one, choices)
        return events

    def _read_one(self, document: Document, choices: Choices) -> list[Event]:
        for rule in self.rules:
            if search(rule.when, document):
                return [rule.then.read(item, choices) for item in rule.items(document)]
        return [Ignored("an event of a kind that is not used here")]


def search(place: Place, document: object) -> Any:  # noqa: ANN401  # whatever stands there
    """What stands at `place`, None where nothing does, or where it is not of the kind that `place` takes."""
    if not place:
        return None
    try:
        return _compile(place).search(document)
    except (JMESPathError, RecursionError):
        return None


def check_place(place: Place) -> None:
    """Raises: MappingError if `place` is not a JMESPath expression."""
    try:
        _compile(place)
    except JMESPathError as error:
        raise MappingError(f"«{place}» is not a JMESPath expression: {str(error).splitlines()[0]}") from None


@lru_cache(maxsize=1_000)
def _compile(place: Place) -> ParsedResult:
    return jmespath.compile(place)


class _Reader:
    """Reads one answer: each thing where the settings say, else where the map says, else by its look."""

    def __init__(self, document: Document, places: AnswerMap, choices: Choices) -> None:
        self._document = document
        self._places = places
        self._choices = choices
        self._questions = _list_questions(document, places)
        self._used: set[str] = set()
        self._notes: list[str] = []

    def answer(self) -> Answer:
        score = self._score()
        text, question = self._text()
        respondent = self._value("respondent", guess_respondent)
        return Answer(
            id=identifier(self._value("id")) or self._content_id(),
            text=text,
            score=score,
            question=plain_text(self._value("question")) or question,
            respondent=identifier(respondent),
            answered_at=self._moment("answered_at"),
            version=self._moment("version"),
            attributes=self._attributes(),
            notes=tuple(self._notes),
        )

    def _score(self) -> int | None:
        value = self._value("score", guess_score)
        value = value[0] if isinstance(value, list) and len(value) == 1 else value
        if value is None or isinstance(value, bool | dict | list):
            return None
        try:
            return parse_score(value)
        except ValueError as error:
            self._notes.append(f"{error}; stored without a score")
            return None

    def _text(self) -> tuple[str | None, str | None]:
        question = self._chosen_question("text")
        value = self._value("text")
        if value is None:
            question = guess_text([q for q in self._questions if q.key not in self._used])
            value = self._use(question) if question else None
        text = plain_text(value)
        if text and len(text) > MAX_TEXT_CHARS:
            self._notes.append(f"found {len(text)} characters of comment, kept the first {MAX_TEXT_CHARS}")
            text = text[:MAX_TEXT_CHARS]
        return text, question.asked if question else None

    def _value(self, name: str, guess: Callable[[Sequence[Question]], Question | None] | None = None) -> Any:  # noqa: ANN401  # whatever stands there
        chosen = self._chosen_question(name)
        if chosen:
            return self._use(chosen)
        choice = getattr(self._choices, name)
        if choice:
            found = search(choice, self._document)
            if found is None:
                self._notes.append(f"found no «{choice}», which the settings name for {name}")
            return found
        value = search(getattr(self._places, name), self._document)
        guessed = guess(self._questions) if guess and value is None else None
        return self._use(guessed) if guessed else value

    def _chosen_question(self, name: str) -> Question | None:
        choice = getattr(self._choices, name).strip().casefold()
        return next((q for q in self._questions if choice and choice in q.names()), None)

    def _use(self, question: Question) -> Any:  # noqa: ANN401  # whatever was answered
        self._used.add(question.key)
        return question.value

    def _moment(self, name: str) -> Any:  # noqa: ANN401
        return moment(self._value(name), self._choices.zone)

    def _attributes(self) -> dict[str, Any]:
        given = search(self._places.attributes, self._document)
        attributes = {k: v for k, v in given.items() if v is not None} if isinstance(given, dict) else {}
        taken = self._used | _named_keys(self._places)
        for question in self._questions:
            if question.key not in taken and question.value not in (None, "", [], {}):
                attributes.setdefault(question.wording, question.value)
        short = {str(k)[:_MAX_NAME_CHARS].replace("\0", ""): _shorten(v) for k, v in attributes.items()}
        return dict(list(short.items())[:_MAX_ATTRIBUTES])

    def _content_id(self) -> str:
        return content_id({name: value for name, value in self._document.items() if name != ALL})


@cache
def _named_keys(places: AnswerMap) -> frozenset[str]:
    """The keys that the places of a map name: what stands under them is no attribute."""
    named = [value for value in vars(places).values() if isinstance(value, str)]
    found = re.findall(r'"([^"]+)"|(\w+)', " ".join(named))
    return frozenset(quoted or bare for quoted, bare in found)


def _shorten(value: object) -> object:
    if isinstance(value, dict | list):
        value = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    return value[:_MAX_VALUE_CHARS].replace("\0", "\ufffd") if isinstance(value, str) else value


def _list_questions(document: Document, places: AnswerMap) -> list[Question]:
    if callable(places.questions):
        return list(places.questions(document))
    found = search(places.questions, document)
    if not isinstance(found, dict):
        return []
    return [Question(str(key), value=value) for key, value in found.items() if key != ALL]
