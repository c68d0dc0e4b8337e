"""Stored comments: keep and tag them, find them, correct them, delete them."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from service.api.endpoints import PredictorDep, SettingsDep, check_limits, problems
from service.api.keys import Admin, Reader, Writer
from service.api.store_schemas import (
    CorrectionIn,
    CorrectionOut,
    ErasureIn,
    ErasureOut,
    FilterIn,
    HistoryOut,
    PageOut,
    StoreIn,
    StoreOut,
)
from service.nlp.tagger import Comment
from service.nlp.taxonomy import Taxonomy
from service.registry.pages import remove_pages
from service.settings import Settings
from service.store import comments, corrections, erasure, predictions, search, tagging, views
from service.store.comments import IncomingComment
from service.store.database import Database
from service.store.erasure import Erasure
from service.store.predictions import StoredTag
from service.store.tagging import Kept

router = APIRouter(tags=["stored comments"])


def get_database(request: Request) -> Database:
    """The app's store."""
    database: Database = request.app.state.database
    return database


DatabaseDep = Annotated[Database, Depends(get_database)]
CommentId = Annotated[int, Path(ge=1, le=2**53, description="Ours, as `POST /v1/comments` gave it")]


def answer(content: object, status: int = 200) -> Response:
    """The content as JSON, without a check against the schema; tests check that it keeps to it."""
    return Response(orjson.dumps(content), status, media_type="application/json")


@router.post(
    "/v1/comments", summary="Store and tag comments", response_model=StoreOut,
    responses=problems(400, 401, 403, 413, 422, 503),
)  # fmt: skip
async def store_comments(
    body: StoreIn, key: Writer, database: DatabaseDep, settings: SettingsDep, predictor: PredictorDep
) -> Response:
    """Store comments of one source, all of them or none, and tag those that have a text.

    The same `external_id` again is the same comment: what is sent replaces, what is left out stays.
    """
    check_limits(body.comments, settings, id_field="external_id")
    taxonomy = predictor.tagger.taxonomy
    incoming = [IncomingComment(source=body.source, **dict(comment)) for comment in body.comments]

    def read() -> list[Comment]:
        with database.read() as connection:
            return tagging.to_read(connection, incoming)

    model, results = await predictor.predict(await run_in_threadpool(read))

    def store() -> list[dict[str, Any]]:
        with database.write() as connection:
            kept = tagging.store_tagged(connection, incoming, results, model)
            tags = predictions.tags_that_hold(connection, [one.comment.id for one in kept if one.comment])
        rows = zip(body.comments, kept, strict=True)
        return [_kept_to_json(comment.external_id, one, tags, taxonomy) for comment, one in rows]

    return answer({"model": model, "results": await run_in_threadpool(store)})


@router.get(
    "/v1/comments", summary="Find stored comments", response_model=PageOut,
    responses=problems(401, 403, 422, 503),
)  # fmt: skip
async def find_comments(
    key: Reader, database: DatabaseDep, predictor: PredictorDep, wanted: Annotated[FilterIn, Query()]
) -> Response:
    """The newest first; `before` of an answer asks for its next page."""
    taxonomy = predictor.tagger.taxonomy

    def find() -> dict[str, Any]:
        with database.read() as connection:
            page = search.find(connection, wanted.to_filter(taxonomy), wanted.limit, wanted.before)
            tags = predictions.tags_that_hold(connection, [comment.id for comment in page.comments])
        rows = [views.comment_to_json(own, tags.get(own.id, ()), taxonomy) for own in page.comments]
        return {"comments": rows, "before": page.before}

    return answer(await run_in_threadpool(find))


@router.get(
    "/v1/comments/{id}", summary="Show a stored comment", response_model=HistoryOut,
    responses=problems(401, 403, 404, 422, 503),
)  # fmt: skip
async def show_comment(
    id: CommentId, key: Reader, database: DatabaseDep, predictor: PredictorDep
) -> Response:
    """With everything that models and people have said of it."""
    taxonomy = predictor.tagger.taxonomy

    def show() -> dict[str, Any]:
        with database.read() as connection:
            comment = comments.one(connection, id)
            tags = predictions.tags_that_hold(connection, [id]).get(id, ())
            predicted = predictions.history(connection, id)
            corrected = corrections.history(connection, id)
        return views.comment_to_json(comment, tags, taxonomy) | {
            "predictions": [views.prediction_to_json(own, comment, taxonomy) for own in predicted],
            "corrections": [views.correction_to_json(own, comment, taxonomy) for own in corrected],
        }

    return answer(await run_in_threadpool(show))


@router.post(
    "/v1/comments/{id}/corrections", summary="Correct a comment's tags", response_model=CorrectionOut,
    status_code=201, responses=problems(400, 401, 403, 404, 409, 422, 503),
)  # fmt: skip
async def correct_comment(
    id: CommentId, body: CorrectionIn, key: Writer, database: DatabaseDep, predictor: PredictorDep
) -> Response:
    """Say what the tags ought to be; it is kept beside the proposal, and holds from now on."""
    taxonomy = predictor.tagger.taxonomy
    new = body.to_correction(id, key.name)

    def correct() -> dict[str, Any]:
        with database.write() as connection:
            correction = corrections.add(connection, new, taxonomy)
            return views.correction_to_json(correction, comments.one(connection, id), taxonomy)

    return answer(await run_in_threadpool(correct), 201)


@router.delete(
    "/v1/comments/{id}", summary="Delete a comment's words", responses=problems(401, 403, 404, 422, 503)
)
async def delete_comment(
    id: CommentId, key: Admin, database: DatabaseDep, settings: SettingsDep
) -> ErasureOut:
    """Text, question, respondent and attributes go for good; score and tags stay for the figures."""
    return await run_in_threadpool(_erase, database, Erasure(comment_id=id), settings)


@router.post(
    "/v1/erasures", summary="Delete what a respondent said", responses=problems(400, 401, 403, 404, 422, 503)
)
async def delete_respondent(
    body: ErasureIn, key: Admin, database: DatabaseDep, settings: SettingsDep
) -> ErasureOut:
    """The words of all comments of a respondent go for good; the figures stay."""
    wanted = Erasure(respondent=body.respondent, source=body.source)
    return await run_in_threadpool(_erase, database, wanted, settings)


def _erase(database: Database, wanted: Erasure, settings: Settings) -> ErasureOut:
    erased = erasure.erase(database, wanted)
    remove_pages(settings.reports)
    return ErasureOut(erased=erased)


def _kept_to_json(
    external_id: str, kept: Kept, tags: dict[int, tuple[StoredTag, ...]], taxonomy: Taxonomy
) -> dict[str, Any]:
    comment = kept.comment
    return {
        "id": comment.id if comment else None,
        "external_id": external_id,
        "outcome": kept.outcome,
        "state": comment.state if comment else "erased",
        "revision": comment.revision if comment else None,
        "tags": views.tags_to_json(tags.get(comment.id, ()), comment.text, taxonomy) if comment else [],
    }
