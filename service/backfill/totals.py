"""What a run counts: added up chunk by chunk, kept in the journal, told at the end."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from service.nlp.tagger import Result

_SHOWN_BAD_ROWS = 20


@dataclass(frozen=True)
class BadPlace:
    """A row that went to the quarantine."""

    file: str
    row: int
    reason: str


@dataclass
class Totals:
    """Counts over rows. Adding those of the chunks in any order gives the same sums."""

    rows: int = 0
    """Tagged, with whatever result; those in quarantine are not among them."""
    review: int = 0
    untagged: int = 0
    """Rows about nothing in particular."""
    groups: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """By (nps_group,)."""
    tags: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """By (category title, polarity)."""
    departments: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """Rows that concern a department, by (title, polarity)."""
    changes: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """In a re-tag: by (category, polarity before, polarity now)."""
    changed_rows: int = 0
    quarantined: int = 0
    bad_places: list[BadPlace] = field(default_factory=list)
    """The first rows in quarantine, to be shown."""

    def count(self, result: Result) -> None:
        """Count a tagged row."""
        self.rows += 1
        self.review += result.needs_review
        self.untagged += not result.tags
        if result.nps_group:
            self.groups[result.nps_group,] += 1
        self.tags.update((tag.title, tag.polarity) for tag in result.tags)
        self.departments.update({(d.title, tag.polarity) for tag in result.tags for d in tag.departments})

    def count_bad(self, place: BadPlace) -> None:
        """Count a row that went to the quarantine."""
        self.quarantined += 1
        if len(self.bad_places) < _SHOWN_BAD_ROWS:
            self.bad_places.append(place)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for the journal."""
        plain: dict[str, Any] = {}
        for own in fields(self):
            value = getattr(self, own.name)
            if isinstance(value, Counter):
                value = sorted([*key, count] for key, count in value.items())
            plain[own.name] = value
        plain["bad_places"] = [[bad.file, bad.row, bad.reason] for bad in self.bad_places]
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "Totals":
        """The totals that `to_json` gave."""
        totals = cls()
        for own in fields(cls):
            value = plain[own.name]
            if isinstance(getattr(totals, own.name), Counter):
                value = Counter({tuple(key): count for *key, count in value})
            setattr(totals, own.name, value)
        totals.bad_places = [BadPlace(*bad) for bad in plain["bad_places"]]
        return totals


def add_up(parts: Iterable[Totals]) -> Totals:
    """The totals over several parts, given in the order of their rows."""
    total = Totals()
    for part in parts:
        for own in fields(Totals):
            if own.name != "bad_places":
                setattr(total, own.name, getattr(total, own.name) + getattr(part, own.name))
        total.bad_places += part.bad_places[: _SHOWN_BAD_ROWS - len(total.bad_places)]
    return total


def by_polarity(counts: Counter[tuple[str, ...]]) -> dict[str, dict[str, int]]:
    """Counts by (title, polarity) as a row a title, the title with the most problems first."""
    polarities = ("problem", "praise", "neutral")
    titles = sorted({title for title, _ in counts})
    rows = {title: {polarity: counts[title, polarity] for polarity in polarities} for title in titles}
    return dict(sorted(rows.items(), key=lambda row: -row[1]["problem"]))


def describe(totals: Totals) -> str:
    """The closing summary, for the person who ran the command."""
    share = totals.review / totals.rows if totals.rows else 0.0
    lines = [
        f"{totals.rows:,} rows tagged; {totals.review:,} of them ({share:.1%}) need review, "
        f"{totals.untagged:,} are about nothing in particular"
    ]
    lines += _describe_table("tags:", totals.tags)
    lines += _describe_table("departments, by rows that concern them:", totals.departments)
    if totals.changes:
        lines.append(f"{totals.changed_rows:,} rows are tagged otherwise than before:")
        lines += [
            f"  {category}: {before or 'no tag'} → {now or 'no tag'}, {count:,}"
            for (category, before, now), count in sorted(totals.changes.items())
        ]
    return "\n".join([*lines, *describe_bad(totals)])


def describe_bad(totals: Totals) -> Sequence[str]:
    """What went to the quarantine, by file, row and reason."""
    if not totals.quarantined:
        return ["no row went to the quarantine"]
    lines = [f"{totals.quarantined:,} rows could not be tagged and went to the quarantine:"]
    lines += [f"  {bad.file}, row {bad.row}: {bad.reason}" for bad in totals.bad_places]
    left = totals.quarantined - len(totals.bad_places)
    return [*lines, f"  … and {left:,} more"] if left else lines


def _describe_table(title: str, counts: Counter[tuple[str, ...]]) -> list[str]:
    rows = by_polarity(counts)
    width = max(map(len, rows), default=0)
    lines = [
        f"  {name:<{width}}  " + ", ".join(f"{count:,} {polarity}" for polarity, count in row.items())
        for name, row in rows.items()
    ]
    return [title, *lines] if lines else []
