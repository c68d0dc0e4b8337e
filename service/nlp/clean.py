"""Cleaning that keeps a map back to the text as the customer typed it.

Each step is a pattern and what to put in place of a match; called with a `str` it returns a
`str`. `clean` applies all steps and remembers, for each character left, which characters of the
original it came from, so that evidence found in the clean text is quoted from the original.
"""

import html
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from service.nlp.spans import Span

_LOOK_ALIKES = "AaBCcEeHKkMOoPpTXxYy"
_TO_CYRILLIC = str.maketrans(_LOOK_ALIKES, "АаВСсЕеНКкМОоРрТХхУу")


@dataclass(frozen=True)
class Step:
    """One repair: every match of `pattern` becomes `replace(match)`."""

    pattern: re.Pattern[str]
    replace: Callable[[re.Match[str]], str]

    def __call__(self, text: str) -> str:
        return self.pattern.sub(self.replace, text)

    @property
    def name(self) -> str:
        return self.replace.__name__


def _step(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> Callable[[Callable[[re.Match[str]], str]], Step]:
    return lambda replace: Step(re.compile(pattern, flags), replace)


@_step(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
def unescape_html(match: re.Match[str]) -> str:
    r"""Survey platforms send text escaped for a page.

    >>> unescape_html("цена &lt;&nbsp;качество &quot;ок&quot;")
    'цена <\xa0качество "ок"'
    """
    return html.unescape(match[0])


@_step(r"<(/?(?:br|p|div|li|span|b|i|u|em|strong|ul|ol|a)\b)[^<>]{0,300}>", re.IGNORECASE)
def drop_tags(match: re.Match[str]) -> str:
    r"""Comments typed into rich-text fields carry markup.

    >>> drop_tags("Ждали месяц<br/>и <b>не дождались</b>")
    'Ждали месяц\nи  не дождались '
    """
    return "\n" if match[1].strip("/").lower() in ("br", "p", "div", "li") else " "


@_step(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ud800-\udfff]+"
)
def drop_invisible(match: re.Match[str]) -> str:
    r"""Zero-width, control and direction characters split words for the eye of a program only.

    >>> drop_invisible("сро\u200bки\xad")
    'сроки'
    """
    return ""


@_step("[^\u0300-\u036f][\u0300-\u036f]+|[\u0300-\u036f]+")
def compose_letters(match: re.Match[str]) -> str:
    r"""Letters typed as base and mark become one; marks that belong to no letter (stress) go.

    >>> compose_letters("ужасныи\u0306 за\u0301мок")
    'ужасный замок'
    """
    letters = unicodedata.normalize("NFC", match[0])
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


@_step("[\t\x0b\x0c\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]|\r\n?")
def plain_spaces(match: re.Match[str]) -> str:
    r"""Every blank is a space, every line end a line feed.

    >>> plain_spaces("5\u00a0дней\r\nждали")
    '5 дней\nждали'
    """
    return "\n" if match[0][0] in "\r\x85\u2028\u2029" else " "


@_step(rf"\b(?=\w*[А-Яа-яЁё])(?=\w*[{_LOOK_ALIKES}])[\dА-Яа-яЁё_{_LOOK_ALIKES}]+\b")
def cyrillic_look_alikes(match: re.Match[str]) -> str:
    """Latin letters that look Cyrillic, beside Cyrillic ones in a word, are slips of the keyboard.

    Words with any other Latin letter are left alone: they are names and articles.

    >>> cyrillic_look_alikes("cроки, кaчество, OTK, Wi-Fi, PDFка")
    'сроки, качество, OTK, Wi-Fi, PDFка'
    """
    return match[0].translate(_TO_CYRILLIC)


@_step("[ёЁ]")
def plain_yo(match: re.Match[str]) -> str:
    """Half of the people type е for ё; so do we for all.

    >>> plain_yo("Ещё приём")
    'Еще прием'
    """
    return "е" if match[0] == "ё" else "Е"


@_step(r"([^\W\d_])\1{2,}", re.IGNORECASE)
def squeeze_letters(match: re.Match[str]) -> str:
    """A letter three times or more is a drawl, and stands for one.

    (Words with a true triple, such as «длинношеее», are rarer than «оооочень» by far.)

    >>> squeeze_letters("Оооочень долгооо, 10000 руб")
    'Очень долго, 10000 руб'
    """
    return match[1]


STEPS: tuple[Step, ...] = (
    unescape_html,  # first: an entity may stand for anything that follows
    drop_tags,
    drop_invisible,  # before letters are joined: a zero-width character may stand between
    compose_letters,
    plain_spaces,
    cyrillic_look_alikes,
    plain_yo,
    squeeze_letters,
)

__test__ = {step.name: step.replace.__doc__ or "" for step in STEPS}


@dataclass(frozen=True, slots=True)
class CleanText:
    """Clean text with, for each of its characters, the original characters it stands for.

    `starts[i]:stops[i]` is the original slice of character i; None when nothing was changed.
    """

    text: str
    original: str
    starts: tuple[int, ...] | None = None
    stops: tuple[int, ...] | None = None

    def to_original(self, span: Span) -> Span:
        """The span of the original text that a non-empty `span` of the clean text came from."""
        if self.starts is None or self.stops is None or not span.length:
            return span
        return Span(self.starts[span.start], self.stops[span.stop - 1])


def clean(text: str) -> CleanText:
    """`text` ready for reading by program, with the map back. Accepts any string.

    >>> cleaned = clean("C&nbsp;cрoками бедааа")
    >>> cleaned.text
    'C сроками беда'
    >>> cleaned.to_original(Span(2, 14)).of(cleaned.original)
    'cрoками бедааа'
    """
    starts: list[int] | None = None
    stops: list[int] = []
    clean_text = text
    for step in STEPS:
        if step.pattern.search(clean_text) is None:
            continue
        if starts is None:
            starts, stops = list(range(len(text))), list(range(1, len(text) + 1))
        clean_text, starts, stops = _apply(step, clean_text, starts, stops)
    if starts is None:
        return CleanText(text, text)
    return CleanText(clean_text, text, tuple(starts), tuple(stops))


def blank_tags(text: str) -> str:
    r"""`text` with blanks or line ends in place of markup, one a character, so that offsets stay.

    >>> blank_tags("да<br />нет")
    'да\n\n\n\n\n\nнет'
    """
    return drop_tags.pattern.sub(lambda match: drop_tags.replace(match) * len(match[0]), text)


def _apply(step: Step, text: str, starts: list[int], stops: list[int]) -> tuple[str, list[int], list[int]]:
    """`text` after `step`; each character put in stands for the whole match it replaced."""
    pieces: list[str] = []
    new_starts: list[int] = []
    new_stops: list[int] = []
    done = 0
    for match in step.pattern.finditer(text):
        replacement = step.replace(match)
        pieces += (text[done : match.start()], replacement)
        new_starts += starts[done : match.start()]
        new_stops += stops[done : match.start()]
        if match.end() - match.start() == len(replacement):
            new_starts += starts[match.start() : match.end()]
            new_stops += stops[match.start() : match.end()]
        else:
            new_starts += [starts[match.start()]] * len(replacement)
            new_stops += [stops[match.end() - 1]] * len(replacement)
        done = match.end()
    pieces.append(text[done:])
    return "".join(pieces), new_starts + starts[done:], new_stops + stops[done:]
