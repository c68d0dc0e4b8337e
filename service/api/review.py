"""The review queue, and how far people agree."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.concurrency import run_in_threadpool

from service.api.comments import DatabaseDep, answer
from service.api.endpoints import PredictorDep, SettingsDep, problems
from service.api.keys import Reader
from service.api.store_schemas import AgreementOut, Person, QueueOut, Source
from service.nlp.taxonomy import Taxonomy
from service.review import agreement, queue
from service.review.queue import Task, Wish
from service.store import views

router = APIRouter(tags=["review"])


@router.get(
    "/v1/review", summary="Show what to look at next", response_model=QueueOut,
    responses=problems(401, 403, 422, 503),
)  # fmt: skip
async def show_queue(
    key: Reader, database: DatabaseDep, predictor: PredictorDep, settings: SettingsDep,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 20,
    reviewer: Annotated[Person | None, Query(description="Leaves out what they have corrected")] = None,
    category: Annotated[str | None, Query(description="Only where this one is the least certain")] = None,
    source: Annotated[Source | None, Query()] = None,
) -> Response:  # fmt: skip
    """What people disagree on, then the least certain, the categories in turn; a small share is blind."""
    taxonomy = predictor.tagger.taxonomy
    wish = Wish(limit, reviewer, category, source)

    def choose() -> list[Task]:
        with database.read() as connection:
            return queue.choose(connection, taxonomy, wish, settings.blind_percent)

    return answer({"items": [_to_json(task, taxonomy) for task in await run_in_threadpool(choose)]})


@router.get("/v1/review/agreement", summary="Show how far people agree", responses=problems(401, 403, 503))
async def show_agreement(key: Reader, database: DatabaseDep) -> AgreementOut:
    """With the model, seeing its proposal and not seeing it, and with each other."""

    def measure() -> dict[str, Any]:
        with database.read() as connection:
            return agreement.measure(connection).to_json()

    return AgreementOut.model_validate(await run_in_threadpool(measure))


def _to_json(task: Task, taxonomy: Taxonomy) -> dict[str, Any]:
    comment = task.comment
    return {
        "comment": views.comment_to_json(comment, task.proposal or (), taxonomy),
        "blind": task.blind,
        "certainty": None if task.blind else comment.certainty,
        "doubt": None if task.blind else comment.doubt,
    }
