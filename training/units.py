"""Comments as the model learns from them: whole, and clause by clause.

Each comment gives one unit for the whole and one for each clause. What a clause says follows from
the marks: it carries a label when the mark covers half of it, or half of the mark lies in it. Where a
person gave a label without marking words, the whole teaches it, and so does a comment's only clause; which
of several clauses says it is not known, and none of them is taught otherwise.
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from service.nlp.context import context_of
from service.nlp.reading import Clause, Reader
from service.nlp.runs import Runs
from service.nlp.spans import Span
from training.corpus import Example, Label

Targets = NDArray[np.int8]
"""Of units, by head: 1 is yes, 0 no, and -1 teaches nothing. Shape (units, heads)."""

MIN_OVERLAP = 0.5
"""Share of the shorter of clause and mark that both must cover."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A clause or a whole comment: its words by clause, and what a person says it is about."""

    comment: int
    """Number of the comment in the list that the units were made of."""
    words: tuple[tuple[str, ...], ...]
    """The words of each clause: one entry for a clause unit."""
    labels: tuple[Label, ...]
    uncertain: frozenset[str]
    """Categories that this unit teaches nothing about."""
    span: Span
    """What is quoted of it, in the text as typed."""
    is_comment: bool = False
    """Whether it is a whole comment."""
    context: int = 0
    """What was known of the comment before it was read (`service.nlp.context`)."""


@dataclass(frozen=True)
class UnitSet:
    """The units of n comments: first the n whole comments in order, then all clauses in order."""

    units: tuple[Unit, ...]
    n_comments: int

    @cached_property
    def clauses(self) -> tuple[Unit, ...]:
        """The clause units."""
        return self.units[self.n_comments :]

    @cached_property
    def owners(self) -> NDArray[np.int64]:
        """The comment of each clause unit, ascending."""
        return np.array([unit.comment for unit in self.clauses], dtype=np.int64)

    @cached_property
    def runs(self) -> Runs:
        """The clauses of each comment."""
        return Runs(np.bincount(self.owners, minlength=self.n_comments))

    @cached_property
    def contexts(self) -> NDArray[np.int64]:
        """What was known of each comment, shape (n,)."""
        return np.array([unit.context for unit in self.units[: self.n_comments]], dtype=np.int64)

    def select(self, comments: NDArray[np.int64]) -> "UnitSet":
        """The units of `comments` (ascending), which are numbered anew."""
        number = {int(old): new for new, old in enumerate(comments)}
        units = [replace(u, comment=number[u.comment]) for u in self.units if u.comment in number]
        return UnitSet(tuple(units), len(comments))

    def join(self, others: "UnitSet") -> "UnitSet":
        """These comments and then `others`, which are numbered on."""
        n = self.n_comments
        moved = [replace(unit, comment=unit.comment + n) for unit in others.units]
        whole, parts = moved[: others.n_comments], moved[others.n_comments :]
        return UnitSet((*self.units[:n], *whole, *self.clauses, *parts), n + others.n_comments)


def read_units(examples: Sequence[Example]) -> UnitSet:
    """The units of `examples`."""
    wholes: list[Unit] = []
    parts: list[Unit] = []
    read = Reader(_NoStore, sys.maxsize, sys.maxsize).read([example.text for example in examples]).clauses()
    for number, (example, clauses) in enumerate(zip(examples, read, strict=True)):
        words = tuple(clause.words for clause in clauses)
        span = Span(0, len(example.text))
        context = context_of(example.score, example.question)
        labels, optional = example.labels, example.optional
        wholes.append(Unit(number, words, labels, optional, span, is_comment=True, context=context))
        parts += [_clause_unit(number, example, clause, len(clauses) == 1) for clause in clauses]
    return UnitSet((*wholes, *parts), len(wholes))


def as_one_clause(units: UnitSet) -> UnitSet:
    """The same comments, each read as a single clause that says all that the comment says."""
    wholes = [
        replace(unit, words=(words,) if (words := tuple(w for c in unit.words for w in c)) else ())
        for unit in units.units[: units.n_comments]
    ]
    clauses = [replace(unit, is_comment=False) for unit in wholes if unit.words]
    return UnitSet((*wholes, *clauses), units.n_comments)


class _NoStore:
    """Nothing is kept of the words but themselves."""

    def add(self, words: Sequence[str]) -> None:
        pass

    def keep(self, numbers: NDArray[np.int64]) -> Self:
        return self


def _clause_unit(number: int, example: Example, clause: Clause, is_only: bool) -> Unit:
    marked = {mark.label.category for mark in example.marks}
    unmarked = [label for label in example.labels if label.category not in marked]
    labels = (*_labels_of(example, clause.span), *(unmarked if is_only else ()))
    uncertain = example.optional | {label.category for label in unmarked}
    uncertain -= {label.category for label in labels}
    return Unit(number, (clause.words,), labels, uncertain, clause.span)


def _labels_of(example: Example, span: Span) -> Iterable[Label]:
    """At most one label a category: that of the mark which covers most of the clause."""
    best: dict[str, tuple[int, Label]] = {}
    for mark in example.marks:
        shared = mark.span.overlap(span)
        if shared < MIN_OVERLAP * min(mark.span.length, span.length):
            continue
        if shared > best.get(mark.label.category, (0, None))[0]:
            best[mark.label.category] = (shared, mark.label)
    return [label for _, label in best.values()]
