"""The training corpus: a notation that a person writes and reads in a text file.

`data/corpus/README.md` teaches the notation. In short, a line is a comment:

    3 | [Задержали поставку]{logistics/deadlines -}, а [станок отличный]{quality +}. {?sales}
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from service.nlp.errors import OtklikError
from service.nlp.heads import POLARITIES, Polarity
from service.nlp.spans import Span
from service.nlp.taxonomy import Taxonomy

_SIGNS: dict[str, Polarity] = {"-": "problem", "+": "praise", "=": "neutral"}
_SCORE = re.compile(r"(\d+)\s*\|\s*")
_OPTIONAL = re.compile(r"\s*\{(\s*\?\w+(?:[\s,]+\?\w+)*)\s*\}\s*$")
_TOKEN = re.compile(r"\\[\[\]{}\\]|\[|\]\{([^{}]*)\}|[\]{}]")
_TAG = re.compile(r"\s*(\w+)(?:/(\w+))?\s*([-+=])(!?)\s*")


CORRECTIONS = "corrections"
"""Stands for the author where comments were corrected in the store: many people wrote them."""


class CorpusError(OtklikError):
    """The corpus breaks the notation or the taxonomy; each mistake with file and line."""


@dataclass(frozen=True, slots=True)
class Label:
    """What a comment says of one category; `polarity` is None where it is not to be scored."""

    category: str
    aspect: str | None
    polarity: Polarity | None


@dataclass(frozen=True, slots=True)
class Mark:
    """A label and the words that prove it."""

    span: Span
    label: Label


@dataclass(frozen=True, slots=True)
class Example:
    """A comment as labelled by a person."""

    text: str
    labels: tuple[Label, ...] = ()
    marks: tuple[Mark, ...] = ()
    optional: frozenset[str] = frozenset()
    score: int | None = None
    question: str | None = None
    author: str = ""
    world: str = ""
    source: str = ""
    """File and line, or file and id: where a person finds the comment."""

    def label(self, category: str) -> Label | None:
        """What is said of `category`, if anything."""
        for label in self.labels:
            if label.category == category:
                return label
        return None


def read_corpus(folder: Path, taxonomy: Taxonomy) -> list[Example]:
    """The comments of all `*.txt` files in `folder`, by file name and line.

    Raises:
        CorpusError: naming file and line of every mistake in every file.
    """
    files = sorted(path for path in folder.glob("*.txt"))
    if not files:
        raise CorpusError(f"{folder}: found no *.txt file; the corpus lives there, one file an author")
    examples: list[Example] = []
    mistakes: list[str] = []
    for path in files:
        try:
            examples += parse_corpus(path.read_text(encoding="utf-8"), taxonomy, path.name)
        except UnicodeDecodeError as error:
            mistakes.append(f"{path.name}: not UTF-8 (byte {error.start}); save the file as UTF-8")
        except CorpusError as error:
            mistakes.append(str(error))
    if mistakes:
        raise CorpusError("\n".join(mistakes))
    return examples


def parse_corpus(text: str, taxonomy: Taxonomy, name: str = "corpus") -> list[Example]:
    """The comments of one corpus file; `name` stands in messages.

    Raises:
        CorpusError: with a line `name:line: what is wrong; what to do` for each mistake.
    """
    head = Example(text="")
    examples: list[Example] = []
    mistakes: list[str] = []
    for number, line in _logical_lines(text):
        source = f"{name}:{number}"
        try:
            if line.startswith("@"):
                head = _read_directive(head, line)
            else:
                examples.append(replace(parse_comment(line, taxonomy, head), source=source))
        except CorpusError as error:
            mistakes.append(f"{source}: {error}")
    if mistakes:
        raise CorpusError("\n".join(mistakes))
    return examples


def parse_comment(line: str, taxonomy: Taxonomy, head: Example = Example(text="")) -> Example:
    """The comment in one (logical) line, with author, world and question of `head`.

    >>> from training.settings import TrainingSettings
    >>> from service.nlp.taxonomy_file import read_taxonomy
    >>> taxonomy = read_taxonomy(TrainingSettings().taxonomy)
    >>> example = parse_comment("2 | [ждали месяц]{logistics/deadlines -} {?sales}", taxonomy)
    >>> example.text, example.score, example.marks[0].span, sorted(example.optional)
    ('ждали месяц', 2, Span(start=0, stop=11), ['sales'])
    """
    score, line = _cut_score(line)
    optional, line = _cut_optional(line, taxonomy)
    parser = _MarkParser(taxonomy)
    text = parser.parse(line).rstrip()
    if not text:
        raise CorpusError("found no text; write the comment or remove the line")
    labels = _labels_of(parser.found)
    repeated = optional & {label.category for label in labels}
    if repeated:
        raise CorpusError(f"«{min(repeated)}» is both marked and optional; keep one of the two")
    marks = tuple(mark for mark, _ in parser.found)
    return replace(head, text=text, score=score, optional=optional, labels=labels, marks=marks)


def format_comment(example: Example) -> str:
    """`example` in the notation; the inverse of `parse_comment`, less the marks' `!`."""
    spans = sorted({mark.span for mark in example.marks})
    pieces: list[str] = [f"{example.score} | "] if example.score is not None else []
    done = 0
    for span in spans:
        tags = [mark.label for mark in example.marks if mark.span == span]
        pieces.append(_escape(example.text[done : span.start]))
        pieces.append(f"[{_escape(span.of(example.text))}]{{{', '.join(map(_format_tag, tags))}}}")
        done = span.stop
    pieces.append(_escape(example.text[done:]))
    if example.optional:
        pieces.append(" {" + " ".join(f"?{category}" for category in sorted(example.optional)) + "}")
    return "".join(pieces).replace("\n", "\n  ")


def read_set(path: Path, taxonomy: Taxonomy) -> list[Example]:
    """The labelled comments of a file that a user named. Raises: OtklikError, CorpusError."""
    if not path.is_file():
        raise OtklikError(f"{path}: found no such file; give a labelled JSON Lines file")
    return read_jsonl(path, taxonomy)


def read_jsonl(path: Path, taxonomy: Taxonomy) -> list[Example]:
    """Labelled comments of a JSON Lines file in the rule book's format.

    Raises:
        CorpusError: naming file and line of every mistake.
    """
    examples: list[Example] = []
    mistakes: list[str] = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                examples.append(_example_from(json.loads(line), taxonomy, f"{path.name}:{number}"))
            except (json.JSONDecodeError, CorpusError) as error:
                mistakes.append(f"{path}:{number}: {error}")
    if mistakes:
        raise CorpusError("\n".join(mistakes))
    return examples


@dataclass
class _MarkParser:
    taxonomy: Taxonomy
    found: list[tuple[Mark, bool]] = field(default_factory=list)
    """Marks in reading order, each with whether it decides for its category (`!`)."""

    def parse(self, line: str) -> str:
        """The plain text of `line`; the marks are in `found`."""
        text = ""
        opened: int | None = None
        done = 0
        for match in _TOKEN.finditer(line):
            text += line[done : match.start()]
            done = match.end()
            if match[0].startswith("\\"):
                text += match[0][1]
            elif match[0] == "[" and opened is None:
                opened = len(text)
            elif match[1] is not None and opened is not None:
                self._close(text, Span(opened, len(text)), match[1])
                opened = None
            else:
                near = line[max(0, match.start() - 20) : match.end() + 20].strip()
                raise CorpusError(
                    f"stray «{match[0]}» near «{near}»; a mark is [words]{{category/aspect sign}}, "
                    r"marks do not nest, and a bracket of the text is written \[ \] \{ \}"
                )
        if opened is not None:
            raise CorpusError(f"«[{text[opened:][:30]}» is not closed; add ]{{category/aspect sign}}")
        return text + line[done:]

    def _close(self, text: str, span: Span, tags: str) -> None:
        words = span.of(text)
        if not words or words != words.strip():
            raise CorpusError(f"the mark «{words}» is empty or has a blank at an end; mark words only")
        for tag in tags.split(","):
            label, decides = parse_tag(tag, self.taxonomy)
            self.found.append((Mark(span, label), decides))


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Comments and directives with the number of their first line; an indented line goes on."""
    current: tuple[int, str] | None = None
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line[0] in " \t" and current is not None:
            current = (current[0], f"{current[1]}\n{line.strip()}")
            continue
        if current is not None:
            yield current
        current = (number, line.rstrip())
    if current is not None:
        yield current


def _read_directive(head: Example, line: str) -> Example:
    name, _, value = line[1:].partition(" ")
    if name == "author":
        return replace(head, author=value.strip())
    if name == "world":
        return replace(head, world=value.strip())
    if name == "question":
        return replace(head, question=value.strip() or None)
    raise CorpusError(f"unknown directive «@{name}»; use @author, @world or @question")


def _cut_score(line: str) -> tuple[int | None, str]:
    match = _SCORE.match(line)
    if match is None:
        return None, line
    score = int(match[1])
    if score > 10:
        raise CorpusError(f"found score {score}; expected 0 to 10")
    return score, line[match.end() :]


def _cut_optional(line: str, taxonomy: Taxonomy) -> tuple[frozenset[str], str]:
    match = _OPTIONAL.search(line)
    if match is None:
        return frozenset(), line
    categories = re.findall(r"\w+", match[1])
    for category in categories:
        _check_category(category, taxonomy)
    return frozenset(categories), line[: match.start()]


def parse_tag(tag: str, taxonomy: Taxonomy) -> tuple[Label, bool]:
    """The label that `category/aspect sign` stands for, and whether it decides for its category (`!`).

    Raises:
        CorpusError: when it is none, or names what the taxonomy lacks.
    """
    match = _TAG.fullmatch(tag)
    if match is None:
        raise CorpusError(f"«{{{tag}}}» is no tag; write category/aspect and one of - + =")
    category, aspect = match[1], match[2]
    _check_category(category, taxonomy)
    _check_aspect(category, aspect, taxonomy)
    return Label(category, aspect, _SIGNS[match[3]]), bool(match[4])


def _check_category(category: str, taxonomy: Taxonomy) -> None:
    if category not in taxonomy.category_codes:
        known = ", ".join(taxonomy.category_codes)
        raise CorpusError(f"unknown category «{category}»; use one of {known}")


def _check_aspect(category: str, aspect: str | None, taxonomy: Taxonomy) -> None:
    known = taxonomy.aspect_codes(category)
    if aspect is not None and aspect not in known:
        raise CorpusError(f"unknown aspect «{category}/{aspect}»; use one of {', '.join(known)}")


def _labels_of(found: Iterable[tuple[Mark, bool]]) -> tuple[Label, ...]:
    """One label a category: the deciding mark's; else the first aspect, and neutral if signs differ."""
    by_category: dict[str, list[tuple[Label, bool]]] = {}
    for mark, decides in found:
        by_category.setdefault(mark.label.category, []).append((mark.label, decides))
    return tuple(_combine(labels) for labels in by_category.values())


def _combine(labels: list[tuple[Label, bool]]) -> Label:
    deciding = [label for label, decides in labels if decides]
    if len(deciding) > 1:
        raise CorpusError(f"{len(deciding)} marks of «{deciding[0].category}» have a «!»; leave one")
    if deciding:
        return deciding[0]
    first = labels[0][0]
    agree = all(label.polarity == first.polarity for label, _ in labels)
    return first if agree else replace(first, polarity="neutral")


def _example_from(row: object, taxonomy: Taxonomy, source: str) -> Example:
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise CorpusError("found no string field «text»; each line is {text, labels, optional}")
    labels = tuple(_label_from(item, taxonomy) for item in row.get("labels", []))
    marks = tuple(
        Mark(_span_from(pair, row["text"]), label)
        for item, label in zip(row.get("labels", []), labels, strict=True)
        for pair in item.get("evidence", [])
    )
    optional = frozenset(row.get("optional", []))
    for category in optional:
        _check_category(category, taxonomy)
    world = row.get("world", "")
    return Example(
        row["text"],
        labels,
        marks,
        optional,
        row.get("score"),
        row.get("question"),
        world=world,
        source=source,
    )


def _span_from(pair: object, text: str) -> Span:
    match pair:
        case [int(start), int(stop)] if 0 <= start < stop <= len(text):
            return Span(start, stop)
    raise CorpusError(f"found evidence {pair!r}; expected [start, stop] within the text")


def _label_from(item: object, taxonomy: Taxonomy) -> Label:
    if not isinstance(item, dict) or "category" not in item:
        raise CorpusError(f"found label {item!r}; expected {{category, aspect, polarity}}")
    category, aspect, polarity = item["category"], item.get("aspect"), item.get("polarity")
    _check_category(category, taxonomy)
    _check_aspect(category, aspect, taxonomy)
    if polarity is not None and polarity not in POLARITIES:
        raise CorpusError(f"unknown polarity «{polarity}»; use one of {', '.join(POLARITIES)}")
    return Label(category, aspect, polarity)


def _escape(text: str) -> str:
    return re.sub(r"([\[\]{}\\])", r"\\\1", text)


def _format_tag(label: Label) -> str:
    sign = next(sign for sign, polarity in _SIGNS.items() if polarity == label.polarity)
    aspect = f"/{label.aspect}" if label.aspect else ""
    return f"{label.category}{aspect} {sign}"
