"""The JSON of the API: the only module that knows it."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from service.nlp.context import NpsGroup
from service.nlp.heads import Polarity


def _check_unicode(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"half of a surrogate pair at character {error.start}; send valid Unicode") from None
    return text


Text = Annotated[str, AfterValidator(_check_unicode)]


Id = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_check_unicode)]


class CommentIn(BaseModel):
    """A comment to be tagged."""

    model_config = ConfigDict(extra="forbid")

    id: Id = Field(description="Yours; comes back with the result, unique in the request", examples=["42"])
    text: Text = Field(description="The open answer as typed; blank gives an empty result")
    score: Annotated[int, Field(strict=True, ge=0, le=10)] | None = Field(
        default=None, description="The 0–10 answer, where there is one"
    )
    question: Annotated[Text, StringConstraints(max_length=1_000)] | None = Field(
        default=None, description="What was asked, where it was more than «why?»"
    )


class PredictIn(BaseModel):
    """Comments to be tagged together."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "comments": [
                    {
                        "id": "42",
                        "text": "Задержали поставку на две недели, у нас сорвался монтаж! "
                        "А станок сам отличный.",
                        "score": 3,
                    }
                ]
            }
        },
    )

    comments: list[CommentIn]


class EvidenceOut(BaseModel):
    """Words that prove a tag: `text` is the comment's `[start:stop]` in code points."""

    start: int
    stop: int
    text: str


class DepartmentOut(BaseModel):
    """Who answers for a tag."""

    code: str
    title: str


class KpiOut(BaseModel):
    """Which internal figure a tag moves."""

    code: str
    title: str


class TagOut(BaseModel):
    """One statement of a comment."""

    category: str
    aspect: str | None
    polarity: Polarity
    title: str
    probability: float
    evidence: list[EvidenceOut]
    departments: list[DepartmentOut]
    kpis: list[KpiOut]


class ResultOut(BaseModel):
    """What is said of one comment."""

    id: str
    nps_group: NpsGroup | None
    needs_review: bool
    tags: list[TagOut]


class PredictOut(BaseModel):
    """Results in the order of the request, and the model that gave them."""

    model: str
    results: list[ResultOut]


class ModelOut(BaseModel):
    """The model in use."""

    model: str
    created: str
    format: int
    libraries: dict[str, str]
    corpus: dict[str, str | int]
    figures: dict[str, object]


class StateOut(BaseModel):
    """Whether the process lives, or is ready."""

    status: Literal["ok", "ready"]
    model: str | None = None
    refused: str | None = None


class ReceiptOut(BaseModel):
    """What became of a delivery."""

    status: Literal["stored", "duplicate", "ignored", "unreadable"]
    id: int = Field(description="Ours, as `otklik intake show` takes it")
    detail: str | None = Field(default=None, description="Why it is ignored or unreadable")


class ProblemOut(BaseModel):
    """An error by RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] = []
