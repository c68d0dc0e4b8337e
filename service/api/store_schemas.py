"""The JSON of stored comments, corrections and the review queue."""

from dataclasses import fields
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from service.api.schemas import Id, TagOut, Text
from service.nlp.context import NpsGroup
from service.nlp.heads import Polarity
from service.nlp.taxonomy import Taxonomy
from service.store.comments import State
from service.store.corrections import NewCorrection
from service.store.predictions import StoredTag
from service.store.search import Filter
from service.store.tagging import Outcome

Source = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
Person = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Score = Annotated[int, Field(strict=True, ge=0, le=10)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CommentToStoreIn(_In):
    """What a source knows of one answer by now; what is left out stays as it was."""

    external_id: Id = Field(description="Of the answer, in its source", examples=["42"])
    text: Text | None = Field(default=None, description="The open answer; may come after the score")
    score: Score | None = Field(default=None, description="The 0–10 answer; may come before the text")
    question: Annotated[Text, StringConstraints(max_length=1_000)] | None = None
    respondent: Id | None = Field(
        default=None, description="Who answered, so that it can be deleted on request"
    )
    answered_at: AwareDatetime | None = Field(default=None, description="With its time zone")
    attributes: (
        dict[Annotated[str, StringConstraints(max_length=100)], Text | int | float | bool | None] | None
    ) = Field(default=None, max_length=50, description="What else is known: product, region, …")


class StoreIn(_In):
    """Comments of one source."""

    source: Source = Field(description="Where the comments come from", examples=["crm"])
    comments: list[CommentToStoreIn]


class FilterIn(_In):
    """Which comments to show; what is said of tags is about one tag that holds now."""

    source: Source | None = None
    external_id: Id | None = None
    respondent: Id | None = None
    state: State | None = None
    nps_group: NpsGroup | None = None
    model: Annotated[str, Field(max_length=100)] | None = Field(
        default=None, description="That gave the current prediction"
    )
    since: AwareDatetime | None = Field(default=None, description="Answered then or later")
    until: AwareDatetime | None = Field(default=None, description="Answered before then")
    category: str | None = None
    aspect: str | None = None
    polarity: Polarity | None = None
    department: str | None = None
    kpi: str | None = None
    limit: int = Field(default=100, ge=1, le=1_000)
    before: int | None = Field(default=None, ge=1, le=2**53, description="As the page before this one said")

    def to_filter(self, taxonomy: Taxonomy) -> Filter:
        """The filter; who answers, and for which KPI, is found in `taxonomy`."""
        subjects = None
        if self.department is not None or self.kpi is not None:
            subjects = tuple(taxonomy.tagged_for(self.department, self.kpi))
        named = {field.name for field in fields(Filter)} & set(type(self).model_fields)
        return Filter(**{name: getattr(self, name) for name in named}, subjects=subjects)


class StoredTagOut(TagOut):
    """A tag; people's have no probability."""

    probability: float | None  # type: ignore[assignment]  # a person's tag has none


class KeptOut(BaseModel):
    """What became of one comment."""

    id: int | None = Field(description="Ours; none if the comment's deletion was asked for once")
    external_id: str
    outcome: Outcome
    state: State
    revision: int | None
    tags: list[StoredTagOut] = Field(description="What holds of the comment now")


class StoreOut(BaseModel):
    """What became of each comment, in order, and the model that tagged them."""

    model: str
    results: list[KeptOut]


class StoredCommentOut(BaseModel):
    """A comment as it is kept, with the tags that hold now."""

    id: int
    source: str
    external_id: str
    respondent: str | None
    text: str | None
    question: str | None
    score: int | None
    nps_group: NpsGroup | None
    answered_at: datetime | None
    attributes: dict[str, Any]
    revision: int
    state: State
    created_at: datetime
    updated_at: datetime
    tags: list[StoredTagOut]


class PageOut(BaseModel):
    """Comments, the newest first."""

    comments: list[StoredCommentOut]
    before: int | None = Field(description="Ask for the next page with it; none at the end")


class PredictionOut(BaseModel):
    """What one model said of a comment."""

    id: int
    model: str
    revision: int
    needs_review: bool
    certainty: float | None
    created_at: datetime
    tags: list[StoredTagOut]


class CorrectionOut(BaseModel):
    """What a person said of a comment."""

    id: int
    comment: int
    revision: int
    author: str
    reason: str | None
    via: str
    blind: bool
    created_at: datetime
    proposed: list[StoredTagOut] | None
    tags: list[StoredTagOut]


class HistoryOut(StoredCommentOut):
    """A comment with everything that was ever said of it."""

    predictions: list[PredictionOut]
    corrections: list[CorrectionOut]


class SpanIn(_In):
    """Words of the comment: `[start:stop]` in code points."""

    start: Annotated[int, Field(strict=True, ge=0)]
    stop: Annotated[int, Field(strict=True, ge=1)]


class TagIn(_In):
    """One statement of the comment, as a person reads it."""

    category: str
    aspect: str | None = None
    polarity: Polarity
    evidence: list[SpanIn] = []


class CorrectionIn(_In):
    """All tags of the comment as they ought to be; an empty list says that there are none."""

    tags: list[TagIn]
    author: Person | None = Field(default=None, description="Who says so; the key's name by default")
    reason: Annotated[Text, StringConstraints(max_length=2_000)] | None = None
    revision: int | None = Field(default=None, description="Of the text that was read, to notice a newer one")
    blind: bool = Field(default=False, description="As the review queue said: the proposal was hidden")
    via: Literal["api", "page"] = "api"

    def to_correction(self, comment_id: int, author: str) -> NewCorrection:
        """The correction, said by `author` where no other is named."""
        tags = tuple(
            StoredTag(
                tag.category,
                tag.aspect,
                tag.polarity,
                evidence=tuple(sorted((span.start, span.stop) for span in tag.evidence)),
            )
            for tag in self.tags
        )
        named = self.author or author
        return NewCorrection(comment_id, tags, named, self.reason, self.via, self.blind, self.revision)


class ReviewItemOut(BaseModel):
    """A comment for a person to look at."""

    comment: StoredCommentOut = Field(description="Of a blind one, the tags are empty here too")
    blind: bool = Field(description="The proposal is hidden; send it back with the correction")
    certainty: float | None = Field(description="Of the least certain decision; hidden of a blind one")
    doubt: str | None = Field(description="The category of that decision; hidden of a blind one")


class QueueOut(BaseModel):
    """What to look at next, the most urgent first."""

    items: list[ReviewItemOut]


class ShareOut(BaseModel):
    """A share, what it is of, and its 95 % interval."""

    hits: int
    count: int
    value: float | None
    interval: tuple[float, float] | None


class AgreementOut(BaseModel):
    """How often people say just what had been proposed."""

    open: ShareOut = Field(description="Where they saw the proposal")
    blind: ShareOut = Field(description="Where it was hidden")
    people: ShareOut = Field(description="Pairs of people who said the same of the same text")
    nodding: float | None = Field(description="open less blind: agreement that comes of seeing the proposal")
    nodding_interval: tuple[float, float] | None


class ErasureIn(_In):
    """Whose data to delete."""

    respondent: Id
    source: Source | None = Field(default=None, description="Only what came from there")


class ErasureOut(BaseModel):
    """How many comments have lost their words."""

    erased: int
