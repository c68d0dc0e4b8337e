"""What people say of comments: append-only, and weighed when they contradict each other."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from service.nlp.errors import TaxonomyError
from service.nlp.taxonomy import Taxonomy
from service.store import comments, predictions, schema
from service.store.comments import StoredComment
from service.store.errors import ConflictError, InvalidTagsError
from service.store.predictions import StoredTag, tag_from_json

PAGE = 1_000


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
    comment = comments.lock(connection, new.comment_id)
    check_text(comment, new.revision)
    check_tags(new.tags, comment.text or "", taxonomy)
    proposal = predictions.current(connection, [comment.id]).get(comment.id)
    if proposal is not None and proposal.revision != comment.revision:
        proposal = None
    values = asdict(new) | {
        "prediction_id": proposal.id if proposal else None,
        "proposed": [asdict(tag) for tag in proposal.tags] if proposal else None,
        "revision": comment.revision,
        "created_at": comments.now(),
    }
    row = connection.execute(insert(schema.corrections).values(values).returning(*_COLUMNS)).one()
    verdict = weigh(of_text(connection, comment.id, comment.revision))
    predictions.replace_tags(connection, {comment.id: verdict.tags})
    comments.set_state(connection, [comment.id], "contested" if verdict.contested else "corrected")
    return _correction(row)


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


def of_text(connection: Connection, comment_id: int, revision: int) -> list[Correction]:
    """The corrections of one text of a comment, the first first."""
    table = schema.corrections
    chosen = (table.c.comment_id == comment_id) & (table.c.revision == revision)
    return [
        _correction(row) for row in connection.execute(select(*_COLUMNS).where(chosen).order_by(table.c.id))
    ]


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


def weigh(corrections: Iterable[Correction]) -> Verdict:
    """The verdict of corrections of one text, the first first: one voice a person, the latest of each.

    Views are compared by category, aspect and polarity; the evidence is that of the view's latest voice.
    """
    voices: dict[str, Correction] = {}
    for correction in corrections:
        voices.pop(correction.author, None)
        voices[correction.author] = correction
    counts = Counter(_view(correction.tags) for correction in voices.values())
    best = max(counts.values())
    leading = [view for view, count in counts.items() if count == best]
    latest = [c for c in voices.values() if _view(c.tags) in leading][-1]
    return Verdict(latest.tags, contested=len(leading) > 1)


def _view(tags: Iterable[StoredTag]) -> frozenset[tuple[str, str | None, str]]:
    return frozenset((tag.category, tag.aspect, tag.polarity) for tag in tags)


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
