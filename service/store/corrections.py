"""What people say of comments: append-only, and weighed when they contradict each other."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, insert, select

from service.nlp.errors import TaxonomyError
from service.nlp.taxonomy import Taxonomy
from service.store import comments, predictions, schema
from service.store.comments import StoredComment
from service.store.errors import ConflictError, InvalidTagsError, MissingError
from service.store.predictions import Prediction, StoredTag, tag_from_json, tag_to_json

PAGE = 1_000

View: TypeAlias = frozenset[tuple[str, str | None, str]]
"""What tags say, whatever the evidence: category, aspect and polarity of each."""


@dataclass(frozen=True, slots=True)
class NewCorrection:
    """The tags that `author` finds right for a whole comment; none at all is a statement too."""

    comment_id: int
    tags: tuple[StoredTag, ...]
    author: str
    reason: str | None = None
    via: str = "api"
    """The way it came: api, page, xlsx, label-studio, doccano."""
    blind: bool = False
    """Whether the author did not see what the model proposed."""
    revision: int | None = None
    """Of the text that the author has read; None for the present one."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction as it is kept; see `schema.corrections`."""

    id: int
    comment_id: int
    prediction_id: int | None
    revision: int
    proposed: tuple[StoredTag, ...] | None
    """What the model had said; None where it had said nothing of this text yet."""
    tags: tuple[StoredTag, ...]
    author: str
    reason: str | None
    via: str
    blind: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """What several people's corrections of one text come to."""

    tags: tuple[StoredTag, ...]
    contested: bool
    """Whether no view has more voices than each other one; the latest holds until a person decides."""


_COLUMNS = [schema.corrections.c[field.name] for field in fields(Correction)]


def add(connection: Connection, new: NewCorrection, taxonomy: Taxonomy) -> Correction:
    """Keep a correction, and let the verdict of all corrections of this text hold.

    Raises:
        MissingError: there is no such comment.
        ConflictError: the comment has no text, or another one than the author has read.
        InvalidTagsError: the tags break the taxonomy or quote what the text does not have.
    """
    [added] = add_all(connection, [new], taxonomy)
    return added


def add_all(connection: Connection, new: Sequence[NewCorrection], taxonomy: Taxonomy) -> list[Correction]:
    """Keep corrections, the earlier first, all of them or none. Raises: as `add` does."""
    found = comments.lock(connection, [one.comment_id for one in new])
    for one in new:
        check(one, found.get(one.comment_id), taxonomy)
    if not new:
        return []
    proposals = predictions.current(connection, found)
    rows = [_row(one, found[one.comment_id], proposals.get(one.comment_id)) for one in new]
    statement = insert(schema.corrections).returning(*_COLUMNS, sort_by_parameter_order=True)
    added = [_correction(row) for row in connection.execute(statement, rows)]
    _let_hold(connection, found)
    return added


def check(new: NewCorrection, comment: StoredComment | None, taxonomy: Taxonomy) -> None:
    """Raises: as `add` does, if `new` is not to be said of `comment`."""
    if comment is None:
        raise MissingError(f"there is no comment {new.comment_id}")
    check_text(comment, new.revision)
    check_tags(new.tags, comment.text or "", taxonomy)


def check_text(comment: StoredComment, revision: int | None) -> None:
    """Raises: ConflictError if the comment has no text, or not that of `revision`."""
    if comment.text is None:
        raise ConflictError(f"comment {comment.id} has no text to correct (it is {comment.state})")
    if revision not in (None, comment.revision):
        raise ConflictError(
            f"comment {comment.id} has got a new text (revision {comment.revision}) since revision "
            f"{revision} was read; read it again"
        )


def check_tags(tags: Sequence[StoredTag], text: str, taxonomy: Taxonomy) -> None:
    """Raises: InvalidTagsError, naming the tag and what is wrong with it."""
    seen: set[str] = set()
    for number, tag in enumerate(tags):
        try:
            taxonomy.check_tag(tag.category, tag.aspect)
        except TaxonomyError as error:
            raise InvalidTagsError(f"tags[{number}]: {error}") from None
        if tag.category in seen:
            raise InvalidTagsError(f"tags[{number}]: {tag.category} is there twice; a category has one tag")
        seen.add(tag.category)
        for start, stop in tag.evidence:
            if not 0 <= start < stop <= len(text):
                raise InvalidTagsError(
                    f"tags[{number}]: found the evidence {start}–{stop}, expected start < stop within "
                    f"the text's {len(text)} characters"
                )


def history(connection: Connection, comment_id: int) -> list[Correction]:
    """Every correction of a comment, the first first."""
    table = schema.corrections
    query = select(*_COLUMNS).where(table.c.comment_id == comment_id).order_by(table.c.id)
    return [_correction(row) for row in connection.execute(query)]


def of_texts(connection: Connection, found: Mapping[int, StoredComment]) -> dict[int, list[Correction]]:
    """The corrections of the present texts of comments, the first first, by the comment's id."""
    table = schema.corrections
    query = select(*_COLUMNS).where(table.c.comment_id.in_(list(found))).order_by(table.c.id)
    said: dict[int, list[Correction]] = {}
    for row in connection.execute(query):
        if row.revision == found[row.comment_id].revision:
            said.setdefault(row.comment_id, []).append(_correction(row))
    return said


def all_with_texts(connection: Connection) -> Iterator[tuple[Correction, StoredComment]]:
    """Every correction that still holds of its comment's text, with the comment, by comment and time."""
    after = (0, 0)
    while True:
        page = _page(connection, after)
        texts = comments.get(connection, {row.comment_id for row in page})
        for row in page:
            comment = texts[row.comment_id]
            if comment.text is not None and comment.revision == row.revision:
                yield _correction(row), comment
        if len(page) < PAGE:
            return
        after = page[-1].comment_id, page[-1].id


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one correction says beside what had been proposed, whatever the evidence."""

    comment_id: int
    author: str
    blind: bool
    proposed: View | None
    view: View


def opinions(connection: Connection) -> Iterator[Opinion]:
    """Of every correction that is of its comment's latest text, deleted or not; by comment and time."""
    table = schema.corrections
    same = (schema.comments.c.id == table.c.comment_id) & (schema.comments.c.revision == table.c.revision)
    columns = [table.c[name] for name in ("comment_id", "author", "blind", "proposed", "tags")]
    query = select(*columns).join(schema.comments, same).order_by(table.c.comment_id, table.c.id)
    for row in connection.execute(query.execution_options(yield_per=PAGE)):
        proposed = None if row.proposed is None else _view_of_json(row.proposed)
        yield Opinion(row.comment_id, row.author, row.blind, proposed, _view_of_json(row.tags))


def weigh(corrections: Iterable[Correction]) -> Verdict:
    """The verdict of corrections of one text, the first first: one voice a person, the latest of each.

    Views are compared by category, aspect and polarity; the evidence is that of the view's latest voice.
    """
    voices: dict[str, Correction] = {}
    for correction in corrections:
        voices.pop(correction.author, None)
        voices[correction.author] = correction
    counts = Counter(view(correction.tags) for correction in voices.values())
    best = max(counts.values())
    leading = [view for view, count in counts.items() if count == best]
    latest = [c for c in voices.values() if view(c.tags) in leading][-1]
    return Verdict(latest.tags, contested=len(leading) > 1)


def view(tags: Iterable[StoredTag]) -> View:
    """What tags say, whatever the evidence: category, aspect and polarity of each."""
    return frozenset((tag.category, tag.aspect, tag.polarity) for tag in tags)


def _view_of_json(tags: Iterable[Mapping[str, Any]]) -> View:
    return frozenset((tag["category"], tag["aspect"], tag["polarity"]) for tag in tags)


def _row(new: NewCorrection, comment: StoredComment, proposal: Prediction | None) -> dict[str, Any]:
    if proposal is not None and proposal.revision != comment.revision:
        proposal = None
    return {
        "comment_id": new.comment_id,
        "tags": [tag_to_json(tag) for tag in new.tags],
        "author": new.author,
        "reason": new.reason,
        "via": new.via,
        "blind": new.blind,
        "prediction_id": proposal.id if proposal else None,
        "proposed": [tag_to_json(tag) for tag in proposal.tags] if proposal else None,
        "revision": comment.revision,
        "created_at": comments.now(),
    }


def _let_hold(connection: Connection, found: Mapping[int, StoredComment]) -> None:
    """Let the verdicts of the comments' corrections hold."""
    verdicts = {i: weigh(said) for i, said in of_texts(connection, found).items()}
    predictions.replace_tags(connection, {i: verdict.tags for i, verdict in verdicts.items()})
    contested = [i for i, verdict in verdicts.items() if verdict.contested]
    comments.set_state(connection, contested, "contested")
    comments.set_state(connection, [i for i in verdicts if i not in set(contested)], "corrected")


def _page(connection: Connection, after: tuple[int, int]) -> Sequence[Row[Any]]:
    table = schema.corrections
    later = (table.c.comment_id > after[0]) | ((table.c.comment_id == after[0]) & (table.c.id > after[1]))
    query = select(*_COLUMNS).where(later).order_by(table.c.comment_id, table.c.id).limit(PAGE)
    return connection.execute(query).all()


def _correction(row: Row[Any]) -> Correction:
    values = dict(row._mapping)
    values["tags"] = tuple(map(tag_from_json, values["tags"]))
    if values["proposed"] is not None:
        values["proposed"] = tuple(map(tag_from_json, values["proposed"]))
    return Correction(**values)
