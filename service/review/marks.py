"""Marked words as annotators' tools have them, and the one tag a category that they come to."""

from collections.abc import Iterable
from dataclasses import dataclass

from service.nlp.errors import OtklikError
from service.nlp.heads import POLARITIES, Polarity
from service.store.predictions import StoredTag


class MarkError(OtklikError):
    """What came back from a tool cannot be read; the message says what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Words of a comment, and what they say."""

    start: int
    stop: int
    category: str
    aspect: str | None
    polarity: Polarity


def to_marks(tags: Iterable[StoredTag]) -> list[Mark]:
    """One mark for each piece of evidence."""
    return [Mark(*span, tag.category, tag.aspect, tag.polarity) for tag in tags for span in tag.evidence]


def to_tags(marks: Iterable[Mark]) -> tuple[StoredTag, ...]:
    """One tag a category, by the rule book: the aspect with more words; for and against is neutral."""
    by_category: dict[str, list[Mark]] = {}
    for mark in sorted(dict.fromkeys(marks), key=lambda mark: (mark.start, mark.stop)):
        by_category.setdefault(mark.category, []).append(mark)
    return tuple(_to_tag(category, own) for category, own in by_category.items())


def to_subject(category: str, aspect: str | None) -> str:
    """Category and aspect in one word.

    >>> to_subject("logistics", "deadlines"), to_subject("price", None)
    ('logistics/deadlines', 'price')
    """
    return category if aspect is None else f"{category}/{aspect}"


def from_subject(subject: str) -> tuple[str, str | None]:
    """The other way round."""
    category, _, aspect = subject.partition("/")
    return category, aspect or None


def to_polarity(word: object) -> Polarity:
    """Raises: MarkError."""
    for polarity in POLARITIES:
        if word == polarity:
            return polarity
    raise MarkError(f"found the polarity «{word}», expected one of {', '.join(POLARITIES)}")


def _to_tag(category: str, marks: list[Mark]) -> StoredTag:
    lengths: dict[str | None, int] = {}
    for mark in marks:
        lengths[mark.aspect] = lengths.get(mark.aspect, 0) + mark.stop - mark.start
    named = {aspect: length for aspect, length in lengths.items() if aspect is not None}
    aspect = max(named, key=lambda code: named[code]) if named else None
    polarities = {mark.polarity for mark in marks}
    polarity = marks[0].polarity if len(polarities) == 1 else "neutral"
    evidence = dict.fromkeys((mark.start, mark.stop) for mark in marks)
    return StoredTag(category, aspect, polarity, evidence=tuple(evidence))
