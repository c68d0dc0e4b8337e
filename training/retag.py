"""What another model would change in the comments that are stored: tag by tag, and in the shares."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tqdm import tqdm

from service.nlp.errors import OtklikError
from service.nlp.tagger import Comment, Result, Tag, Tagger

BATCH = 2_000
Touched = Literal["category", "department", "kpi"]
Kind = Literal["appears", "vanishes", "turns", "other aspect"]
KINDS: tuple[Kind, ...] = ("appears", "vanishes", "turns", "other aspect")
_EXAMPLES = 8


@dataclass(frozen=True)
class StoredComment:
    """A comment as `otklik store export-comments` writes it."""

    id: str
    text: str
    score: int | None = None
    question: str | None = None


@dataclass(frozen=True)
class Change:
    """One tag of one comment that two models see differently."""

    comment: StoredComment
    kind: Kind
    old: Tag | None
    new: Tag | None

    @property
    def category(self) -> str:
        """What the tag is about."""
        tag = self.new or self.old
        assert tag is not None
        return tag.category

    @property
    def surety(self) -> float:
        """The higher probability of the two: sure changes are the most telling examples."""
        return max(tag.probability for tag in (self.old, self.new) if tag)


@dataclass(frozen=True)
class Share:
    """In how many of all comments something is said, by the old and by the new model."""

    kind: Touched
    title: str
    old: float
    new: float
    old_problems: float
    new_problems: float


@dataclass(frozen=True)
class Retagged:
    """The difference of two models over stored comments."""

    comments: int
    changed: int
    """Comments with at least one tag that differs in category, polarity or aspect."""
    counts: Counter[tuple[str, Kind]]
    """Changes by category and kind."""
    shares: tuple[Share, ...]
    examples: tuple[Change, ...]
    """The surest of each kind and category."""


def read_comments(path: Path) -> list[StoredComment]:
    """The comments of a JSON Lines file `{"id", "text", "score", "question"}`, less those without text.

    Raises: OtklikError naming file and line.
    """
    if not path.is_file():
        raise OtklikError(f"{path}: found no such file; otklik store export-comments {path} writes it")
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            if row.get("text"):
                found.append(
                    StoredComment(str(row["id"]), row["text"], row.get("score"), row.get("question"))
                )
        except (ValueError, KeyError, AttributeError) as error:
            raise OtklikError(f"{path}:{number}: expected an object with id and text ({error})") from None
    return found


def tag_stored(tagger: Tagger, comments: Sequence[StoredComment]) -> list[Result]:
    """What a model says of each comment."""
    results: list[Result] = []
    starts = range(0, len(comments), BATCH)
    for start in tqdm(starts, f"stored comments, {tagger.version}", unit="batch", disable=None):
        part = comments[start : start + BATCH]
        results += tagger.tag([Comment(c.text, c.score, c.question) for c in part])
    return results


def diff_results(comments: Sequence[StoredComment], old: Sequence[Result], new: Sequence[Result]) -> Retagged:
    """The difference of two models' results of the same comments, in the same order."""
    changes = [change for c, a, b in zip(comments, old, new, strict=True) for change in _changes(c, a, b)]
    return Retagged(
        len(comments),
        len({change.comment.id for change in changes}),
        Counter((change.category, change.kind) for change in changes),
        tuple(_shares(old, new)),
        tuple(_pick(changes)),
    )


def _changes(comment: StoredComment, old: Result, new: Result) -> Iterable[Change]:
    before = {tag.category: tag for tag in old.tags}
    after = {tag.category: tag for tag in new.tags}
    for category in sorted(before.keys() | after.keys()):
        a, b = before.get(category), after.get(category)
        kind = _kind(a, b)
        if kind:
            yield Change(comment, kind, a, b)


def _kind(old: Tag | None, new: Tag | None) -> Kind | None:
    if old is None:
        return "appears"
    if new is None:
        return "vanishes"
    if old.polarity != new.polarity:
        return "turns"
    return "other aspect" if old.aspect != new.aspect else None


def _shares(old: Sequence[Result], new: Sequence[Result]) -> Iterable[Share]:
    before, after = _count(old), _count(new)
    total = max(1, len(old))
    order = {"category": 0, "department": 1, "kpi": 2}

    def place(name: tuple[Touched, str]) -> tuple[int, int, str]:
        return order[name[0]], -before.get(name, (0, 0))[0], name[1]

    for kind, title in sorted(before.keys() | after.keys(), key=place):
        a, b = before.get((kind, title), (0, 0)), after.get((kind, title), (0, 0))
        yield Share(kind, title, a[0] / total, b[0] / total, a[1] / total, b[1] / total)


def _count(results: Sequence[Result]) -> dict[tuple[Touched, str], tuple[int, int]]:
    """Comments and comments with a problem, by what they touch."""
    every: Counter[tuple[Touched, str]] = Counter()
    problems: Counter[tuple[Touched, str]] = Counter()
    for result in results:
        touched = {name for tag in result.tags for name in _touches(tag)}
        every.update(touched)
        problems.update({name for tag in result.tags if tag.polarity == "problem" for name in _touches(tag)})
    return {name: (every[name], problems[name]) for name in every}


def _touches(tag: Tag) -> Iterable[tuple[Touched, str]]:
    yield "category", tag.title
    for department in tag.departments:
        yield "department", department.title
    for kpi in tag.kpis:
        yield "kpi", kpi.title_ru


def _pick(changes: Sequence[Change]) -> Iterable[Change]:
    """The surest changes of each kind, the categories in turn."""
    for kind in KINDS:
        by_category: dict[str, list[Change]] = {}
        for change in sorted((c for c in changes if c.kind == kind), key=lambda c: (-c.surety, c.comment.id)):
            by_category.setdefault(change.category, []).append(change)
        rounds = [own[i] for i in range(_EXAMPLES) for own in by_category.values() if i < len(own)]
        yield from rounds[:_EXAMPLES]
