"""Label Studio's ML-backend protocol: give its URL as `http://any:KEY@host:8000/label-studio`.

Label Studio asks for predictions of tasks, whatever they were made from; and it sends each annotation that is
made to `webhook`, where one of a comment of ours becomes a correction.
"""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from service.api.comments import DatabaseDep
from service.api.endpoints import PredictorDep, SettingsDep, check_limits, problems
from service.api.keys import Writer, get_doorkeeper
from service.api.problems import Problem
from service.api.schemas import CommentIn, Text
from service.intake.cells import parse_score
from service.nlp.tagger import Comment
from service.review import exchange, label_studio
from service.review.exchange import Problem as Refusal
from service.store.predictions import to_tags

router = APIRouter(prefix="/label-studio", tags=["Label Studio"])

_CORRECTING = {"ANNOTATION_CREATED", "ANNOTATION_UPDATED"}


class DataIn(BaseModel):
    """What a task holds; other fields may be there."""

    text: Text
    score: Any = None
    question: Any = None
    """These two may hold whatever the maker of the task means by them."""
    blind: bool = False

    def as_read(self) -> Comment:
        """The comment as the tagger reads it; what is no score of 0 to 10 says nothing."""
        try:
            score = parse_score(self.score)
        except ValueError:
            score = None
        return Comment(self.text, score, self.question if isinstance(self.question, str) else None)


class TaskIn(BaseModel):
    """A task to be predicted."""

    id: int | None = None
    data: DataIn


class PredictTasksIn(BaseModel):
    """What Label Studio asks with; other fields may be there."""

    tasks: list[TaskIn]


class EventIn(BaseModel):
    """What Label Studio tells; other fields may be there."""

    model_config = ConfigDict(extra="allow")

    action: str = Field(examples=["ANNOTATION_CREATED"])
    annotation: dict[str, Any] | list[dict[str, Any]] | None = None
    task: dict[str, Any] | None = None


@router.get("/health", summary="Tell Label Studio that the service lives", responses=problems(503))
async def health(predictor: PredictorDep) -> dict[str, str]:
    """503 until the model is loaded."""
    return {"status": "UP", "model_class": "Otklik", "model_version": predictor.tagger.version}


@router.post("/setup", summary="Tell Label Studio the model's version", responses=problems(503))
async def setup(predictor: PredictorDep) -> dict[str, str]:
    """The labelling interface is that of `otklik review interface`; nothing of the request is kept."""
    return {"model_version": predictor.tagger.version}


@router.get("/versions", summary="Tell Label Studio which versions there are", responses=problems(503))
async def versions(predictor: PredictorDep) -> dict[str, list[str]]:
    """The one in use."""
    return {"versions": [predictor.tagger.version]}


@router.post("/predict", summary="Tag Label Studio's tasks", responses=problems(401, 403, 413, 422, 503))
async def predict_tasks(
    body: PredictTasksIn, request: Request, predictor: PredictorDep, settings: SettingsDep
) -> dict[str, Any]:
    """A prediction for each task, in order; an empty one for a blind task."""
    await get_doorkeeper(request).let_predict(request)
    texts = [CommentIn(id=str(number + 1), text=task.data.text) for number, task in enumerate(body.tasks)]
    check_limits(texts, settings)
    model, results = await predictor.predict([task.data.as_read() for task in body.tasks])
    predictions = []
    for task, result in zip(body.tasks, results, strict=True):
        tags = () if task.data.blind else to_tags(result)
        found = label_studio.to_results(tags, task.data.text)
        predictions.append({"model_version": model, "score": result.certainty, "result": found})
    return {"results": predictions, "model_version": model}


@router.post("/webhook", summary="Take annotations from Label Studio", responses=problems(401, 403, 422, 503))
async def take_event(
    body: EventIn, key: Writer, predictor: PredictorDep, database: DatabaseDep
) -> dict[str, int]:
    """An annotation of a comment of ours becomes a correction; other events are heard and left."""
    if body.action not in _CORRECTING or not isinstance(body.annotation, dict) or body.task is None:
        return {"added": 0, "unchanged": 0}
    if body.annotation.get("was_cancelled"):
        return {"added": 0, "unchanged": 0}
    where = f"task {body.task.get('id')}"
    returned = label_studio.from_annotation(where, body.task.get("data") or {}, body.annotation, None)
    if isinstance(returned, Refusal):
        raise Problem(422, str(returned))
    summary = await run_in_threadpool(exchange.take, database, [returned], predictor.tagger.taxonomy)
    if summary.problems:
        raise Problem(422, str(summary.problems[0]))
    return {"added": summary.added, "unchanged": summary.unchanged}
