"""Takes corrections in, whatever tool they come from: what is wrong is named, the rest is kept."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from service.nlp.errors import OtklikError
from service.nlp.taxonomy import Taxonomy
from service.store import comments, corrections
from service.store.comments import StoredComment
from service.store.corrections import Correction, NewCorrection, view
from service.store.database import Database

_BATCH = 500
"""Corrections that are stored together: a crash loses none that were told as stored."""


@dataclass(frozen=True, slots=True)
class Returned:
    """A correction that came back from a tool."""

    where: str
    """Row or task, for the person who sent it."""
    correction: NewCorrection
    text: str | None = None
    """The text as the tool had it, where it gives it back."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What came back and cannot be kept."""

    where: str
    reason: str

    def __str__(self) -> str:
        """For one line of a report."""
        return f"{self.where}: {self.reason}"


@dataclass(slots=True)
class Summary:
    """What came of an import."""

    added: int = 0
    unchanged: int = 0
    """Said by the same person of the same text already: an import may be repeated."""
    skipped: int = 0
    """Not looked at by the person."""
    problems: list[Problem] = field(default_factory=list)

    def __str__(self) -> str:
        """One line."""
        return (
            f"{self.added} corrections stored, {self.unchanged} known already, "
            f"{self.skipped} not looked at, {len(self.problems)} with a problem"
        )


def take(database: Database, returned: Iterable[Returned | Problem | None], taxonomy: Taxonomy) -> Summary:
    """Store what can be stored, in order; None stands for a task that nobody has looked at."""
    summary = Summary()
    rest = iter(returned)
    while batch := list(islice(rest, _BATCH)):
        good: list[Returned] = []
        for one in batch:
            if one is None:
                summary.skipped += 1
            elif isinstance(one, Problem):
                summary.problems.append(one)
            else:
                good.append(one)
        _take_batch(database, good, taxonomy, summary)
    return summary


def _take_batch(database: Database, batch: list[Returned], taxonomy: Taxonomy, summary: Summary) -> None:
    with database.write() as connection:
        found = comments.lock(connection, [one.correction.comment_id for one in batch])
        said = corrections.of_texts(connection, found)
        new = list(_new(batch, found, said, taxonomy, summary))
        corrections.add_all(connection, new, taxonomy)
    summary.added += len(new)


def _new(
    batch: Iterable[Returned],
    found: Mapping[int, StoredComment],
    said: Mapping[int, list[Correction]],
    taxonomy: Taxonomy,
    summary: Summary,
) -> Iterator[NewCorrection]:
    for one in batch:
        comment = found.get(one.correction.comment_id)
        try:
            corrections.check(one.correction, comment, taxonomy)
        except OtklikError as error:
            summary.problems.append(Problem(one.where, str(error)))
            continue
        if one.text is not None and comment is not None and _plain(one.text) != _plain(comment.text or ""):
            reason = f"the text is not that of comment {comment.id}; were rows or columns mixed up?"
            summary.problems.append(Problem(one.where, reason))
        elif _is_known(one.correction, said.get(one.correction.comment_id, [])):
            summary.unchanged += 1
        else:
            yield one.correction


def _is_known(new: NewCorrection, said: Iterable[Correction]) -> bool:
    """Whether this is what the author has said last."""
    own = [correction for correction in said if correction.author == new.author]
    return bool(own) and view(own[-1].tags) == view(new.tags)


def _plain(text: str) -> str:
    """A text without what tools do to spaces and control characters."""
    return "".join(char for char in text if char.isprintable() and not char.isspace())
