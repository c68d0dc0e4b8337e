"""Sentences, clauses and words of a clean text, as spans.

People judge several things in one breath («привезли быстро, но коробка мятая»), so the clause
is the unit that the tagger judges. Boundaries are found by punctuation and by the conjunctions
that set one statement against another; nothing is parsed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from service.nlp.spans import Span, trim

MIN_CLAUSE_WORDS = 2
"""A piece between commas with fewer words («быстро, вежливо») stays with its neighbour."""

_SENTENCE_END = re.compile(
    r"\n+"
    r"|(?:[!?…]+|\.{2,})[\"»)]*\s*"
    r"|(?<=[^\W\d_]{4})\.[\"»)]*(?:\s+|(?=[^\W\d_]))"  # a whole word ends, not «т.р.» or «шт.»
    r"|(?<!\b\w)\.[\"»)]*\s+(?=[«\"А-ЯA-Z])"  # a capital follows, and it was no initial
)
_CLAUSE_END = re.compile(
    r"\s*;(?![-()])\s*|:\s+|\s+[-–—]+\s+|\s*(?<![-:;()])[()](?![()])\s*"  # brackets, but no smileys
    r"|,\s*(?![\d\s])(?!(?:что|чтоб|чтобы|котор\w*|где|как|чем|кто|куда|какой|какая|какие|когда|если|пока"
    r"|потому|поскольку|так как|т\.\s?к|хоть)\b)"
    r"|\s+(?=(?:но|зато|однако|а|хотя)\s)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*|[\u2600-\u27bf\U0001f300-\U0001faff]|:?[()]{2,}|[:;]-?[()]")
_LEADING = re.compile(
    r"(?:(?:а|но|и|да|зато|однако|ну|вот|же|хотя|правда|плюс|минус)\b[\s,]*)+", re.IGNORECASE
)
_EDGES = " \n.,;:!?…-–—«»\"“”„()'"


@dataclass(frozen=True, slots=True)
class Clause:
    """A statement: where it stands in the clean text, and its words in lower case."""

    span: Span
    words: tuple[str, ...]


def sentences(text: str) -> list[Span]:
    """Sentences of `text`, without the blanks between them.

    >>> [s.of("Ждали 5 т.р. сдачи. Не дали!") for s in sentences("Ждали 5 т.р. сдачи. Не дали!")]
    ['Ждали 5 т.р. сдачи.', 'Не дали!']
    """
    return list(_split(text, Span(0, len(text)), _SENTENCE_END))


def clauses(text: str) -> list[Clause]:
    """Clauses of `text` that have words, in order.

    >>> text = "Задержали поставку на две недели, у нас сорвался монтаж! А станок сам отличный."
    >>> [clause.span.of(text) for clause in clauses(text)]
    ['Задержали поставку на две недели,', 'у нас сорвался монтаж!', 'А станок сам отличный.']
    """
    return [clause for sentence in sentences(text) for clause in _clauses_of(text, sentence)]


def words(text: str, span: Span | None = None) -> list[str]:
    """Words, numbers, emoji and smileys of `text` (or of its `span`) in lower case.

    >>> words("Привезли 5 шт., Кое-как :( 👍")
    ['привезли', '5', 'шт', 'кое-как', ':(', '👍']
    """
    found = _WORD.findall(text) if span is None else _WORD.findall(text, span.start, span.stop)
    return [word.lower() for word in found]


def evidence_span(text: str, span: Span) -> Span:
    """The clause `span` without leading conjunctions and punctuation at its edges.

    >>> text = "А станок сам отличный!"
    >>> evidence_span(text, Span(0, 22)).of(text)
    'станок сам отличный'
    """
    inner = trim(text, span, _EDGES)
    leading = _LEADING.match(text, inner.start, inner.stop)
    if leading and leading.end() < inner.stop:
        inner = trim(text, Span(leading.end(), inner.stop), _EDGES)
    return inner or span


def _clauses_of(text: str, sentence: Span) -> Iterator[Clause]:
    pending: Clause | None = None
    for span in _split(text, sentence, _CLAUSE_END):
        clause = Clause(span, tuple(words(text, span)))
        if pending is None:
            pending = clause
        elif len(clause.words) < MIN_CLAUSE_WORDS or len(pending.words) < MIN_CLAUSE_WORDS:
            pending = Clause(Span(pending.span.start, span.stop), pending.words + clause.words)
        else:
            yield pending
            pending = clause
    if pending is not None and pending.words:
        yield pending


def _split(text: str, span: Span, boundary: re.Pattern[str]) -> Iterator[Span]:
    """The pieces of `span` up to and including each boundary, blanks at the ends trimmed."""
    start = span.start
    for match in boundary.finditer(text, span.start, span.stop):
        piece = trim(text, Span(start, match.end()), " \n")
        if piece:
            yield piece
        start = match.end()
    rest = trim(text, Span(start, span.stop), " \n")
    if rest:
        yield rest
