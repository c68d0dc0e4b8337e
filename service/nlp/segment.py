"""What a chunk of text, the characters between two blanks, says by itself.

People judge several things in one breath («привезли быстро, но коробка мятая»), so the clause is
the unit that the tagger judges. Boundaries are found by punctuation and by the conjunctions that
set one statement against another; nothing is parsed. Nearly all of it can be seen in one chunk:
its words, the boundaries within it, and how it ends and begins. What only two neighbours can tell
together (a comma is no boundary before «что») is left to `service.nlp.reading` as a joint.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from service.nlp.clean import CleanText, clean
from service.nlp.spans import Span, trim

_SENTENCE_END = re.compile(
    r"\n+"
    r"|(?:[!?…]+|\.{2,})[\"»)]*\s*"
    r"|(?<=[^\W\d_]{4})\.[\"»)]*(?:\s+|(?=[^\W\d_]))"  # a whole word ends, not «т.р.» or «шт.»
    r"|(?<!\b\w)\.[\"»)]*\s+(?=[«\"А-ЯA-Z])"  # a capital follows, and it was no initial
)
_AGAINST = ("но", "зато", "однако", "а", "хотя")
_CONJUNCTIONS = (
    *("что", "чтоб", "чтобы", "где", "как", "чем", "кто", "куда", "какой", "какая", "какие"),
    *("когда", "если", "пока", "потому", "поскольку", "хоть"),
)
_SUBORDINATE = rf"(?:{'|'.join(_CONJUNCTIONS)}|котор\w*|так как|т\.\s?к)\b"
_CLAUSE_END = re.compile(
    r"\s*;(?![-()])\s*|:\s+|\s+[-–—]+\s+|\s*(?<![-:;()])[()](?![()])\s*"  # brackets, but no smileys
    rf"|,\s*(?![\d\s])(?!{_SUBORDINATE})"
    rf"|\s+(?=(?:{'|'.join(_AGAINST)})\s)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*|[\u2600-\u27bf\U0001f300-\U0001faff]|:?[()]{2,}|[:;]-?[()]")
_EDGES = " \n.,;:!?…-–—«»\"“”„()'"
_LEADING = frozenset((*_AGAINST, "и", "да", "ну", "вот", "же", "правда", "плюс", "минус"))
_OPEN_DOT = re.compile(r"(?<!\b\w)\.[\"»)]*$")
_OPENS_SUBORDINATE = re.compile(_SUBORDINATE, re.IGNORECASE)
_OPENS_AS = re.compile(r"(?:как|к)\b", re.IGNORECASE)
_OPENS_CAPITAL = re.compile(r"[«\"А-ЯA-Z]")
_MAY_END_CLAUSE = re.compile(rf"[;:(),\s–—-]|(?:{'|'.join(_AGAINST)})\Z", re.IGNORECASE)
_MAY_END_SENTENCE = re.compile(r"[\n!?….]")
"""Without these, `_CLAUSE_END` and `_SENTENCE_END` find nothing: looked for first, as that is far quicker."""
_SIMPLE = re.compile(
    r"(?!.*([а-яё])\1\1|.*\b\w\.)"  # no drawl, no initial
    r"([«\"]?)([а-яё]+(?:-[а-яё]+)*|[0-9]+)([»\"]?)([,:;]|\.+|[!?…]+|)"
)
"""A Russian word or a number in lower case, perhaps in quotation marks and with a mark behind it."""
_WHOLE_WORD = 4
"""Letters from which a word with a dot is no abbreviation, as in `_SENTENCE_END`."""


class Sign:
    """What is to be known of a piece beside its word: bits of a number, for whole arrays of them.

    All but the first four are of the ends of a chunk.
    """

    CLAUSE_ENDS = 1
    SENTENCE_ENDS = 2
    QUOTABLE = 4
    """It has characters that a quotation may begin or end with."""
    LEADING = 8
    """A conjunction or particle that a quotation does not begin with."""
    COMMA_ENDS = 16
    """A clause ends, unless the next chunk goes on with it."""
    DOT_ENDS = 32
    """A sentence ends if the next chunk begins with a capital."""
    CAPITAL = 64
    GOES_ON = 128
    """Begins with a digit or with a conjunction like «что»: a comma before it divides nothing."""
    SO = 256
    AS = 512
    """«так» and «как», «т.» and «к.»: together they go on too."""
    AGAINST = 1024
    """«но», «а»: a clause begins, unless the sentence ends with it."""
    ALL = 2047


def _quotability(signs: int) -> int:
    if not signs & Sign.QUOTABLE:
        return 0
    return 1 if signs & Sign.LEADING else 2


QUOTABILITY = bytes(_quotability(signs) for signs in range(Sign.ALL + 1))
"""By the signs of a piece, how well a quotation begins or ends with it: 0 for not at all."""


_OPENING = dict.fromkeys(_CONJUNCTIONS, Sign.GOES_ON) | {"как": Sign.GOES_ON | Sign.AS, "к": Sign.AS}
_ALONE = dict.fromkeys(_AGAINST, Sign.AGAINST) | {"так": Sign.SO}
"""What is to be known of a word that a chunk begins with, and of one that is all of it."""

_MARKS = {"": 0, ",": Sign.COMMA_ENDS, ":": Sign.CLAUSE_ENDS, ";": Sign.CLAUSE_ENDS, ".": Sign.DOT_ENDS}
_DOTS = Sign.SENTENCE_ENDS | Sign.DOT_ENDS


class Piece(NamedTuple):
    """A part of a chunk with at most one word."""

    word: str
    """In lower case, clean; empty for bare punctuation."""
    start: int
    stop: int
    """What may be quoted of it, in characters of the chunk as typed; all of it if nothing may be."""
    signs: int
    """Bits of `Sign`."""

    def with_signs(self, signs: int) -> "Piece":
        """The same with these signs, too."""
        return self._replace(signs=self.signs | signs)


def pieces(chunk: str) -> list[Piece]:
    """The pieces of a `chunk` of the text as typed, which has no blanks; none if nothing is left of it.

    >>> [piece.word for piece in pieces("«Привезли,(кое-как)!!")]
    ['привезли', '', 'кое-как', '']
    """
    if simple := _SIMPLE.fullmatch(chunk.lower()):
        return [_simple_piece(chunk, *simple.groups()[1:])]
    cleaned = clean(chunk)
    if not cleaned.text:
        return []
    ends = _ends(cleaned.text)
    found: list[Piece] = []
    for start, stop in pairwise(sorted(ends)):
        found += _cut(cleaned, start, stop)
        found[-1] = found[-1].with_signs(ends[stop])
    found[0] = found[0].with_signs(ends[0] | _opening(cleaned.text))
    return found


def words(text: str) -> list[str]:
    """Words, numbers, emoji and smileys of a clean `text` in lower case.

    >>> words("Привезли 5 шт., Кое-как :( 👍")
    ['привезли', '5', 'шт', 'кое-как', ':(', '👍']
    """
    return [word.lower() for word in _WORD.findall(text)]


def _simple_piece(chunk: str, opened: str, word: str, closed: str, mark: str) -> Piece:
    """The piece of a chunk that is one word: the most frequent case, cut short."""
    word = word.replace("ё", "е")
    parts = word.split("-")
    signs = Sign.QUOTABLE | _mark_signs("" if closed else parts[-1], mark)
    signs |= Sign.CAPITAL if opened else _simple_opening(chunk[0], parts[0])
    if word in _LEADING:
        signs |= Sign.LEADING
    if len(word) == len(chunk):
        signs |= _ALONE.get(word, 0)
    return Piece(word, len(opened), len(opened) + len(word), signs)


def _simple_opening(typed: str, first: str) -> int:
    """As `_opening`, of a chunk that begins with this character, and a `first` word or number."""
    signs = _OPENING.get(first, 0) if typed.islower() else _OPENING.get(first, 0) | Sign.CAPITAL
    if first.startswith("котор"):
        return signs | Sign.GOES_ON
    return Sign.GOES_ON if first.isdecimal() else signs


def _mark_signs(last: str, mark: str) -> int:
    """What a `mark` tells behind the letters or digits of a `last` word."""
    if mark[:1] == "." and (len(mark) > 1 or (len(last) >= _WHOLE_WORD and last.isalpha())):
        return _DOTS
    return _MARKS.get(mark, Sign.SENTENCE_ENDS)


def _ends(text: str) -> dict[int, int]:
    """Where clauses and sentences end in `text`, with its two ends, whatever they are."""
    ends = {0: 0, len(text): 0}
    for match in _CLAUSE_END.finditer(f" {text} ") if _MAY_END_CLAUSE.search(text) else ():
        at = min(match.end() - 1, len(text))
        sign = Sign.CLAUSE_ENDS
        if at == 0:
            sign = Sign.AGAINST
        elif at == len(text) and match[0][0] == ",":
            sign = Sign.COMMA_ENDS
        ends[at] = ends.get(at, 0) | sign
    for match in _SENTENCE_END.finditer(f"{text} ") if _MAY_END_SENTENCE.search(text) else ():
        at = min(match.end(), len(text))
        ends[at] = ends.get(at, 0) | Sign.SENTENCE_ENDS
    if _OPEN_DOT.search(text):
        ends[len(text)] |= Sign.DOT_ENDS
    return ends


def _cut(cleaned: CleanText, start: int, stop: int) -> Iterator[Piece]:
    """Pieces between two ends: from each word to the next."""
    text = cleaned.text
    found = list(_WORD.finditer(text, start, stop))
    starts = [start, *(match.start() for match in found[1:])]
    for i, (piece_start, piece_stop) in enumerate(pairwise([*starts, stop])):
        whole = Span(piece_start, piece_stop)
        core = trim(text, whole, _EDGES)
        span = cleaned.to_original(core if core.length else whole)
        word = found[i][0].lower() if found else ""
        signs = Sign.QUOTABLE if core.length else 0
        if word in _LEADING and core.of(text).lower() == word:
            signs |= Sign.LEADING
        yield Piece(word, span.start, span.stop, signs)


def _opening(text: str) -> int:
    """What the beginning of a chunk tells of the end of the one before."""
    signs = 0
    if _OPENS_CAPITAL.match(text):
        signs |= Sign.CAPITAL
    if text[0].isdecimal() or _OPENS_SUBORDINATE.match(text):
        signs |= Sign.GOES_ON
    if text.lower() in ("так", "т."):
        signs |= Sign.SO
    if _OPENS_AS.match(text):
        signs |= Sign.AS
    return signs
