"""Finds stored comments by what is known of them, page by page."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from service.nlp.context import NpsGroup
from service.nlp.heads import Polarity
from service.store import schema
from service.store.comments import State, StoredComment, to_comment

_SCORES: dict[NpsGroup, tuple[int, int]] = {"promoter": (9, 10), "passive": (7, 8), "detractor": (0, 6)}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which comments; None is «any». What is said of tags is about one tag that holds now."""

    source: str | None = None
    external_id: str | None = None
    respondent: str | None = None
    state: State | None = None
    nps_group: NpsGroup | None = None
    model: str | None = None
    """The version that gave the current prediction."""
    since: datetime | None = None
    """Answered (or, where that is not known, stored) at this moment or later."""
    until: datetime | None = None
    """Answered before this moment."""
    category: str | None = None
    aspect: str | None = None
    polarity: Polarity | None = None
    subjects: tuple[tuple[str, str | None], ...] | None = None
    """Pairs of category and aspect, as those of a department or a KPI; a tag is of one of them."""


@dataclass(frozen=True, slots=True)
class Page:
    """Comments, the newest first."""

    comments: list[StoredComment]
    before: int | None
    """What to ask for the next page with; None at the end."""


def find(connection: Connection, wanted: Filter, limit: int, before: int | None = None) -> Page:
    """At most `limit` comments, the newest first, with ids below `before`.

    Pages go by id: comments that come in between shift nothing, and a page costs the same wherever it is.
    """
    table = schema.comments
    conditions = list(_conditions(wanted))
    if before is not None:
        conditions.append(table.c.id < before)
    query = select(table).where(*conditions).order_by(table.c.id.desc()).limit(limit + 1)
    found = [to_comment(row) for row in connection.execute(query)]
    return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)


def _conditions(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    table = schema.comments
    for name in ("source", "external_id", "respondent", "state"):
        if (value := getattr(wanted, name)) is not None:
            yield table.c[name] == value
    if wanted.nps_group is not None:
        yield table.c.score.between(*_SCORES[wanted.nps_group])
    moment = func.coalesce(table.c.answered_at, table.c.created_at, type_=schema.Moment())
    if wanted.since is not None:
        yield moment >= wanted.since
    if wanted.until is not None:
        yield moment < wanted.until
    if wanted.model is not None:
        said = schema.predictions
        current = said.c.superseded_at.is_(None)
        yield table.c.id.in_(select(said.c.comment_id).where(said.c.model == wanted.model, current))
    if tag_conditions := list(_tag_conditions(wanted)):
        yield table.c.id.in_(select(schema.tags.c.comment_id).where(*tag_conditions))


def _tag_conditions(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    table = schema.tags
    for name in ("category", "aspect", "polarity"):
        if (value := getattr(wanted, name)) is not None:
            yield table.c[name] == value
    if wanted.subjects is not None:
        pairs = (
            and_(table.c.category == c, table.c.aspect.is_not_distinct_from(a)) for c, a in wanted.subjects
        )
        yield or_(False, *pairs)
