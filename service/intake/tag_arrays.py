"""What is said of many rows as Arrow's columns, made of whole arrays instead of row by row.

There are some hundred kinds of tags (a category, an aspect, a polarity). What is the same in all tags of a
kind is turned into Arrow's form once, and then taken as often as there are such tags.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from service.nlp.features import Floats
from service.nlp.hashing import Rows
from service.nlp.heads import POLARITIES
from service.nlp.tagger import Result, Tag, TagColumns, tag_to_json

SPAN = pa.struct([("start", pa.int32()), ("stop", pa.int32()), ("text", pa.string())])
"""A piece of evidence, as the API gives it."""
_TITLED = pa.struct([("code", pa.string()), ("title", pa.string())])
TAG = pa.struct(
    [
        ("category", pa.string()),
        ("aspect", pa.string()),
        ("polarity", pa.string()),
        ("title", pa.string()),
        ("probability", pa.float64()),
        ("evidence", pa.list_(SPAN)),
        ("departments", pa.list_(_TITLED)),
        ("kpis", pa.list_(_TITLED)),
    ]
)
"""A tag as the API gives it."""


Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Kinds:
    """A tag of each kind; evidence and probability are those of no comment."""

    tags: tuple[Tag, ...]

    @cached_property
    def arrow(self) -> pa.StructArray:
        """The tags in Arrow's form."""
        return pa.array([tag_to_json(tag, "") for tag in self.tags], type=TAG)

    @cached_property
    def polarities(self) -> Rows:
        """Numbers in `POLARITIES`."""
        return np.array([POLARITIES.index(tag.polarity) for tag in self.tags], dtype=np.int64)

    @cached_property
    def aspects(self) -> "Names":
        """The aspect that each tells, with its category."""
        return Names.of([[f"{tag.category}/{tag.aspect}"] if tag.aspect else [] for tag in self.tags])

    @cached_property
    def departments(self) -> "Names":
        """The titles of the departments that each concerns."""
        return Names.of([[department.title for department in tag.departments] for tag in self.tags])

    @cached_property
    def kpis(self) -> "Names":
        """The titles of the KPIs that each moves."""
        return Names.of([[kpi.title_en for kpi in tag.kpis] for tag in self.tags])


@dataclass(frozen=True)
class Names:
    """Some names of each kind, one kind after the other."""

    names: pa.StringArray
    """All distinct ones."""
    numbers: Rows
    """Of the names of all kinds, among those."""
    counts: Rows
    """How many each kind has."""

    @classmethod
    def of(cls, names: Sequence[Sequence[str]]) -> "Names":
        """From the names of each kind."""
        flat = [name for own in names for name in own]
        numbers = {name: number for number, name in enumerate(dict.fromkeys(flat))}
        return cls(
            pa.array(numbers, pa.string()),
            np.array([numbers[name] for name in flat], dtype=np.int64),
            np.array([len(own) for own in names], dtype=np.int64),
        )

    def of_rows(self, kinds: Rows, rows: Rows, tagged: Flags) -> pa.ListArray:
        """The names of the `kinds` of each row's tags, each once; `rows` has the row of each tag."""
        counts = self.counts[kinds]
        firsts = (np.cumsum(self.counts) - self.counts)[kinds]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        numbers = self.numbers[np.repeat(firsts, counts) + within]
        owners = np.repeat(rows, counts)
        _, first = np.unique(owners * len(self.names) + numbers, return_index=True)
        once = np.sort(first)
        own = np.bincount(owners[once], minlength=len(tagged))
        return _lists(self.names.take(pa.array(numbers[once])), own, tagged)


@dataclass(frozen=True)
class TaggedRows:
    """What is said of n rows, in k tags, row by row; nothing of rows that could not be tagged."""

    texts: Sequence[str]
    """Of the rows; of one that could not be tagged, any."""
    tagged: Flags
    """Which rows could be tagged, shape (n,)."""
    needs_review: Flags
    """Shape (n,)."""
    kinds: Kinds
    numbers: Rows
    """The kind of each tag, shape (k,)."""
    rows: Rows
    """The row of each tag, ascending, shape (k,)."""
    probabilities: Floats
    """Shape (k,)."""
    evidence_counts: Rows
    """Pieces of evidence of each tag, shape (k,)."""
    starts: Rows
    stops: Rows
    """Where the evidence of all tags stands in its text."""

    @classmethod
    def of_results(cls, results: Sequence[Result | None]) -> Self:
        """From the result of each row; None of a row that could not be tagged."""
        tags = [tag for result in results if result is not None for tag in result.tags]
        kinds = {tag[:3]: tag for tag in tags}
        number = dict(zip(kinds, range(len(kinds)), strict=True))
        counts = [0 if result is None else len(result.tags) for result in results]
        spans = np.array([span for tag in tags for span in tag.evidence], dtype=np.int64).reshape(-1, 2)
        return cls(
            texts=["" if result is None else result.text for result in results],
            tagged=np.array([result is not None for result in results], dtype=np.bool_),
            needs_review=np.array(
                [bool(result and result.needs_review) for result in results], dtype=np.bool_
            ),
            kinds=Kinds(tuple(kinds.values())),
            numbers=np.array([number[tag[:3]] for tag in tags], dtype=np.int64),
            rows=np.repeat(np.arange(len(results)), counts),
            probabilities=np.array([tag.probability for tag in tags], dtype=np.float64),
            evidence_counts=np.array([len(tag.evidence) for tag in tags], dtype=np.int64),
            starts=spans[:, 0],
            stops=spans[:, 1],
        )

    def arrays(self, codes: Sequence[str], model: str) -> dict[str, pa.Array]:
        """The columns of `tag_columns`, by name; `codes` are those of the categories."""
        firsts = np.flatnonzero(np.diff(self.rows, prepend=-1))
        lowest = np.full(len(self.tagged), np.nan)
        lowest[self.rows[firsts]] = np.minimum.reduceat(self.probabilities, firsts) if len(firsts) else []
        return {
            **{code: self._polarities(code) for code in codes},
            "aspects": self._names(self.kinds.aspects),
            "departments": self._names(self.kinds.departments),
            "kpis": self._names(self.kinds.kpis),
            "evidence": _lists(self._quoted, self._count(self.evidence_counts), self.tagged),
            "probability": pa.array(lowest, mask=np.isnan(lowest)),
            "needs_review": pa.array(self.needs_review, mask=~self.tagged),
            "model": pa.array([model]).take(pa.array(np.zeros(len(self.tagged), np.int8), mask=~self.tagged)),
            "tags": self.tags,
        }

    @property
    def tags(self) -> pa.ListArray:
        """The tags of each row as the API gives them; null where it could not be tagged."""
        spans = [pa.array(self.starts, pa.int32()), pa.array(self.stops, pa.int32()), self._quoted]
        evidence = pa.StructArray.from_arrays(spans, fields=list(SPAN))
        shared = self.kinds.arrow.take(pa.array(self.numbers))
        own = {
            "probability": pa.array(self.probabilities, pa.float64()),
            "evidence": _lists(evidence, self.evidence_counts),
        }
        fields = [own.get(field.name, shared.field(i)) for i, field in enumerate(TAG)]
        tags = pa.StructArray.from_arrays(fields, fields=list(TAG))
        return _lists(tags, self._count(np.ones_like(self.rows)), self.tagged)

    @cached_property
    def _quoted(self) -> pa.StringArray:
        """The words of all evidence."""
        rows = np.repeat(self.rows, self.evidence_counts).tolist()
        places = zip(rows, self.starts.tolist(), self.stops.tolist(), strict=True)
        return pa.array([self.texts[row][start:stop] for row, start, stop in places], pa.string())

    def _polarities(self, code: str) -> pa.StringArray:
        """The polarity of each row's tag of a category; null where it has none."""
        of_kind = np.array([tag.category == code for tag in self.kinds.tags], dtype=np.bool_)
        tags = np.flatnonzero(of_kind[self.numbers])
        polarities = np.full(len(self.tagged), -1)
        polarities[self.rows[tags]] = self.kinds.polarities[self.numbers[tags]]
        return pa.array(POLARITIES, pa.string()).take(pa.array(polarities, mask=polarities < 0))

    def _names(self, names: Names) -> pa.ListArray:
        return names.of_rows(self.numbers, self.rows, self.tagged)

    def _count(self, of_tags: Rows) -> Rows:
        """The sum of a number of each tag over each row."""
        return np.bincount(self.rows, of_tags, minlength=len(self.tagged)).astype(np.int64)


def of_columns(
    kinds: Kinds, numbers: Rows, columns: TagColumns, texts: Sequence[str], tagged: Flags
) -> TaggedRows:
    """From the columns of the texts of `tagged` rows; `numbers` has the kind of each tag."""
    rows = np.flatnonzero(tagged)
    needs_review = np.zeros_like(tagged)
    needs_review[rows] = columns.needs_review
    return TaggedRows(
        texts=texts,
        tagged=tagged,
        needs_review=needs_review,
        kinds=kinds,
        numbers=numbers,
        rows=rows[columns.texts],
        probabilities=columns.probabilities,
        evidence_counts=columns.evidence_counts,
        starts=columns.starts,
        stops=columns.stops,
    )


def _lists(values: pa.Array, counts: Rows, tagged: Flags | None = None) -> pa.ListArray:
    """Lists of `counts` of the values, one after the other; null where not `tagged`."""
    offsets = pa.array(np.append(0, np.cumsum(counts)), pa.int32())
    mask = None if tagged is None or tagged.all() else pa.array(~tagged)
    return pa.ListArray.from_arrays(offsets, values, mask=mask)
