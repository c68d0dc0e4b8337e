"""Comments to tags: the one way in for API, command line and backfill."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import accumulate, pairwise, repeat
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from service.nlp.alone import OneDecider, read_one
from service.nlp.context import NpsGroup, context_of, nps_group
from service.nlp.decide import DecisionRule, Decisions, decide
from service.nlp.encode import Encoder
from service.nlp.features import Floats
from service.nlp.hashing import Rows
from service.nlp.heads import POLARITIES, Heads, Polarity
from service.nlp.reading import Reading
from service.nlp.runs import Runs
from service.nlp.said import Said, SaidTag
from service.nlp.scorer import Scorer, WordRows
from service.nlp.spans import Span
from service.nlp.taxonomy import Category, Department, Kpi, Taxonomy

TAGGED_AT_ONCE = 2_048
"""Comments that are tagged at once."""
_BATCH_CHARS = 400_000
"""And so many of their characters, beside the first one's: each takes some 45 bytes while it is read."""

_TEXT = itemgetter(0)
"""Of a comment."""

Row = TypeVar("Row", bound=tuple[Any, ...])

_FEW = 6
"""Up to so many, comments are tagged one by one: see `service.nlp.alone`."""


class Comment(NamedTuple):
    """One customer's open answer, with the score and the question where they are known."""

    text: str
    score: int | None = None
    question: str | None = None

    @property
    def context(self) -> int:
        """What is known of it before it is read, by its number (`service.nlp.context`)."""
        return context_of(self.score, self.question)


class Tag(NamedTuple):
    """One statement of a comment: about what, good or bad, whose, and the words that prove it."""

    category: str
    aspect: str | None
    polarity: Polarity
    title: str
    probability: float
    """That the comment is about the category; calibrated."""
    evidence: tuple[Span, ...]
    """In the original text, in order."""
    departments: tuple[Department, ...]
    kpis: tuple[Kpi, ...]


class Result(NamedTuple):
    """What is said of one comment."""

    text: str
    nps_group: NpsGroup | None
    needs_review: bool
    tags: tuple[Tag, ...]
    """In the order of their first evidence."""
    doubt: str
    """The category that was decided with the least certainty."""
    certainty: float
    """The probability of that decision."""

    def to_json(self) -> dict[str, Any]:
        """The result as API, JSON Lines and backfill write it, less the comment's id."""
        return {
            "nps_group": self.nps_group,
            "needs_review": self.needs_review,
            "tags": [tag_to_json(tag, self.text) for tag in self.tags],
        }


@dataclass(frozen=True)
class TagColumns:
    """What is said of n texts, as columns over k tags: text by text, in the order of first evidence."""

    texts: Rows
    """The text of each tag, ascending, shape (k,)."""
    categories: Rows
    """Numbers in the taxonomy."""
    aspects: Rows
    """Numbers in the category, -1 for none."""
    polarities: Rows
    """Numbers in `POLARITIES`."""
    probabilities: Floats
    """Rounded to four digits."""
    evidence_counts: Rows
    """Pieces of evidence of each tag, all above zero, shape (k,)."""
    starts: Rows
    stops: Rows
    """Where the evidence of all tags stands in its text as typed."""
    needs_review: NDArray[np.bool_]
    """Shape (n,)."""
    doubts: Rows
    """The category that was decided with the least certainty, shape (n,)."""
    certainties: Floats
    """The probability of that decision, rounded, shape (n,)."""


class Tagger:
    """A loaded model. Safe to use from several threads at once."""

    def __init__(self, version: str, taxonomy: Taxonomy, rule: DecisionRule, scorer: Scorer) -> None:
        self.version = version
        self.taxonomy = taxonomy
        self._heads = Heads(taxonomy)
        self._rule = rule
        self._scorer = scorer
        self._alone = OneDecider(self._heads, rule)

    def tag(self, comments: Sequence[Comment]) -> list[Result]:
        """The result of each comment, in order; one by one or in a batch the same, but for a last digit."""
        if len(comments) <= _FEW:
            return [self.result(comment, self._say_one(comment)) for comment in comments]
        results: list[Result] = []
        for some in _batches(comments):
            results += self._results(some, self._columns(some))
        return results

    def say(self, comments: Sequence[Comment]) -> list[Said]:
        """The same by numbers: for callers that write it out at once."""
        if len(comments) <= _FEW:
            return [self._say_one(comment) for comment in comments]
        said: list[Said] = []
        for some in _batches(comments):
            said += _say(self._columns(some))
        return said

    def result(self, comment: Comment, said: Said) -> Result:
        """The result of `comment`, of whose text that is said."""
        return Result(
            comment.text,
            nps_group(comment.score),
            said.needs_review,
            tuple([self._tag(tag) for tag in said.tags]),
            self.taxonomy.category_codes[said.doubt],
            said.certainty,
        )

    def tag_columns(self, comments: Sequence[Comment]) -> TagColumns:
        """The same as arrays: for callers that write columns, and have a great many."""
        return _join([self._columns(some) for some in _batches(comments)] or [self._columns([])])

    @cached_property
    def kinds(self) -> tuple[Tag, ...]:
        """A tag of each category, aspect and polarity, as it is but for probability and evidence."""
        return tuple(
            self._tag(SaidTag(category, aspect, polarity, 0.0, ()))
            for category, aspect in self._topics
            for polarity in range(len(POLARITIES))
        )

    def number_kinds(self, columns: TagColumns) -> Rows:
        """Which of the `kinds` each tag is, shape (k,)."""
        numbers = self._topic_numbers[columns.categories, columns.aspects]
        return numbers * len(POLARITIES) + columns.polarities

    def encode(self, id_: str, comment: Comment, said: Said) -> bytes:
        """The JSON of the result with its comment's id, as the API gives it."""
        return self._encoder.result(id_, comment.text, nps_group(comment.score), said)

    @cached_property
    def _encoder(self) -> Encoder:
        return Encoder(lambda said: tag_to_json(self._tag(said), ""))

    def _columns(self, comments: Sequence[Comment]) -> TagColumns:
        reading = self._scorer.reader.read([comment.text for comment in comments])
        contexts = np.array([context_of(score, question) for _, score, question in comments], dtype=np.int64)
        scores = replace(self._scorer.score(reading), contexts=contexts)
        decisions = decide(scores, self._heads, self._rule)
        return _columns(reading, decisions, self.taxonomy.category_codes)

    def _say_one(self, comment: Comment) -> Said:
        reading = read_one(self._scorer.reader, comment.text)
        if not reading.words:
            return self._alone.of_nothing
        scores = self._scorer.score_one(reading.lexicon.store, reading.words, reading.lengths)
        return self._alone.decide(*scores, reading.spans, comment.context)

    def _tag(self, said: SaidTag) -> Tag:
        topic = self._topics[said.category, said.aspect]
        return Tag(
            topic.category,
            topic.aspect,
            POLARITIES[said.polarity],
            topic.title,
            said.probability,
            tuple([Span(start, stop) for start, stop in said.evidence]),
            topic.departments,
            topic.kpis,
        )

    def _results(self, comments: Sequence[Comment], columns: TagColumns) -> Iterator[Result]:
        """As `result` for each: all fields of all tags at once, as that is far quicker."""
        topics = self._topic_fields[:, self._topic_numbers[columns.categories, columns.aspects]]
        categories, aspects, titles, departments, kpis = topics.tolist()
        polarities = map(POLARITIES.__getitem__, columns.polarities.tolist())
        evidence = _cut(_spans(columns, Span), columns.evidence_counts)
        probabilities = columns.probabilities.tolist()
        tags = tuple(
            _make_all(
                Tag, categories, aspects, polarities, titles, probabilities, evidence, departments, kpis
            )
        )
        return _make_all(
            Result,
            [comment.text for comment in comments],
            [nps_group(comment.score) for comment in comments],
            columns.needs_review.tolist(),
            _cut(tags, np.bincount(columns.texts, minlength=len(comments))),
            map(self.taxonomy.category_codes.__getitem__, columns.doubts.tolist()),
            columns.certainties.tolist(),
        )

    @cached_property
    def _topics(self) -> dict[tuple[int, int], "_Topic"]:
        """What the taxonomy says of each category and aspect, by their numbers."""
        return {
            (number, aspect): _Topic.of(self.taxonomy, category, code)
            for number, category in enumerate(self.taxonomy.categories)
            for aspect, code in enumerate((None, *self.taxonomy.aspect_codes(category.code)), start=-1)
        }

    @cached_property
    def _topic_numbers(self) -> Rows:
        """The place of each topic, by category and aspect; «no aspect», which is -1, is the last."""
        width = max(aspect for _, aspect in self._topics) + 2
        numbers = np.zeros((len(self.taxonomy.categories), width), dtype=np.int64)
        for number, (category, aspect) in enumerate(self._topics):
            numbers[category, aspect] = number
        return numbers

    @cached_property
    def _topic_fields(self) -> NDArray[np.object_]:
        """The fields of each topic, shape (fields, topics)."""
        table = np.empty((len(_Topic._fields), len(self._topics)), dtype=object)
        for number, topic in enumerate(self._topics.values()):
            for field, value in enumerate(topic):
                table[field, number] = value
        return table


class _Topic(NamedTuple):
    """What is the same in all tags of a category and aspect."""

    category: str
    aspect: str | None
    title: str
    departments: tuple[Department, ...]
    kpis: tuple[Kpi, ...]

    @classmethod
    def of(cls, taxonomy: Taxonomy, category: Category, aspect: str | None) -> "_Topic":
        departments = taxonomy.departments_of(category.code, aspect)
        return cls(
            category.code, aspect, category.title, departments, taxonomy.kpis_of(category.code, aspect)
        )


def _batches(comments: Sequence[Comment]) -> Iterator[Sequence[Comment]]:
    """`comments` in consecutive batches."""
    for start in range(0, len(comments), TAGGED_AT_ONCE):
        some = comments[start : start + TAGGED_AT_ONCE]
        chars = [*accumulate(map(len, map(_TEXT, some)))]
        full = chars[-1] >= _BATCH_CHARS
        steps = enumerate(pairwise(chars), 1) if full else ()
        bounds = [i for i, (before, here) in steps if before // _BATCH_CHARS < here // _BATCH_CHARS]
        yield from (some[first:stop] for first, stop in pairwise([0, *bounds, len(some)]))


def _say(columns: TagColumns) -> Iterator[Said]:
    """What `columns` hold, text by text."""
    of_tags = (columns.categories, columns.aspects, columns.polarities, columns.probabilities)
    evidence = _cut(_spans(columns, tuple), columns.evidence_counts)
    tags = tuple(_make_all(SaidTag, *(column.tolist() for column in of_tags), evidence))
    own = _cut(tags, np.bincount(columns.texts, minlength=len(columns.doubts)))
    of_texts = (columns.needs_review, columns.doubts, columns.certainties)
    return _make_all(Said, own, *(column.tolist() for column in of_texts))


def _spans(columns: TagColumns, kind: type[Row]) -> tuple[Row, ...]:
    return tuple(_make_all(kind, columns.starts.tolist(), columns.stops.tolist()))


def _make_all(kind: type[Row], *columns: Iterable[Any]) -> Iterator[Row]:
    """`map(kind, *columns)` for a kind of tuple, without a call into Python for each row."""
    return map(tuple.__new__, repeat(kind), zip(*columns, strict=True))


def _cut(rows: tuple[Row, ...], counts: Rows) -> list[tuple[Row, ...]]:
    """`rows` in consecutive pieces of `counts`."""
    return [rows[start:stop] for start, stop in pairwise(accumulate(counts.tolist(), initial=0))]


def _join(parts: Sequence[TagColumns]) -> TagColumns:
    """The columns of several batches as those of one."""
    if len(parts) == 1:
        return parts[0]
    before = np.cumsum([0, *(len(part.doubts) for part in parts[:-1])])
    shifted = [
        replace(part, texts=part.texts + own) for part, own in zip(parts, before.tolist(), strict=True)
    ]
    names = [own.name for own in fields(TagColumns)]
    return TagColumns(**{name: np.concatenate([getattr(part, name) for part in shifted]) for name in names})


def _columns(reading: Reading[WordRows], decisions: Decisions, codes: Sequence[str]) -> TagColumns:
    """The tags of `decisions`, each with its evidence, in the order of the columns.

    Those of one comment stand in the order of their first evidence; of the same, by category code,
    so that whoever keeps tags can put them back in order without the taxonomy.
    """
    owners = Runs(reading.counts).owners
    clauses, categories = np.nonzero(decisions.evidence & decisions.tagged[owners])
    of_tag = owners[clauses] * decisions.tagged.shape[1] + categories
    tags, first, tag_of, counts = np.unique(
        of_tag, return_index=True, return_inverse=True, return_counts=True
    )
    by_code = np.argsort(np.argsort(np.array(codes)))
    order = np.lexsort((by_code[categories[first]], clauses[first]))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    by_tag = clauses[np.argsort(rank[tag_of], kind="stable")]
    at = np.unravel_index(tags[order], decisions.tagged.shape)
    doubts = decisions.certainty.argmin(axis=1)
    return TagColumns(
        texts=at[0],
        categories=at[1],
        aspects=decisions.aspects[at],
        polarities=decisions.polarities[at],
        probabilities=decisions.probabilities[at].round(4),
        evidence_counts=counts[order],
        starts=reading.starts[by_tag],
        stops=reading.stops[by_tag],
        needs_review=decisions.needs_review,
        doubts=doubts,
        certainties=decisions.certainty[np.arange(len(doubts)), doubts].round(4),
    )


def tag_to_json(tag: Tag, text: str) -> dict[str, Any]:
    """The JSON of a tag of `text`, as it stands in a result."""
    return {
        "category": tag.category,
        "aspect": tag.aspect,
        "polarity": tag.polarity,
        "title": tag.title,
        "probability": tag.probability,
        "evidence": [{"start": s.start, "stop": s.stop, "text": s.of(text)} for s in tag.evidence],
        "departments": [{"code": d.code, "title": d.title} for d in tag.departments],
        "kpis": [{"code": kpi.code, "title": kpi.title_en} for kpi in tag.kpis],
    }
