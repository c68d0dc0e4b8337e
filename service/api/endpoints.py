"""The routes. Each is thin: limits, one call, JSON."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request, Response

from service.api.callers import is_local
from service.api.metrics import Metrics
from service.api.predictor import Predictor
from service.api.problems import MEDIA_TYPE, Problem
from service.api.schemas import CommentIn, ModelOut, PredictIn, PredictOut, ProblemOut, StateOut
from service.nlp.artefact import read_manifest
from service.nlp.tagger import Comment
from service.nlp.taxonomy import Taxonomy
from service.settings import Settings

if TYPE_CHECKING:
    from service.api.store_schemas import CommentToStoreIn

router = APIRouter()


def get_settings(request: Request) -> Settings:
    """The settings that the app was made with."""
    settings: Settings = request.app.state.settings
    return settings


def get_predictor(request: Request) -> Predictor:
    """The app's predictor."""
    predictor: Predictor = request.app.state.predictor
    return predictor


def get_metrics(request: Request) -> Metrics:
    """The app's metrics."""
    metrics: Metrics = request.app.state.metrics
    return metrics


SettingsDep = Annotated[Settings, Depends(get_settings)]
PredictorDep = Annotated[Predictor, Depends(get_predictor)]
MetricsDep = Annotated[Metrics, Depends(get_metrics)]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer, for its documentation."""
    return {status: {"model": ProblemOut, "content": {MEDIA_TYPE: {}}} for status in statuses}


@router.post(
    "/v1/predict",
    summary="Tag comments",
    response_model=PredictOut,
    responses=problems(400, 401, 403, 413, 422, 503),
)
async def predict(
    body: PredictIn, request: Request, settings: SettingsDep, predictor: PredictorDep
) -> Response:
    """Say of each comment what it is about, good or bad, whose it is and which KPI it moves.

    Open to callers on the same machine; others need an API key.
    """
    if not is_local(request.scope):
        await request.app.state.rooms.let_predict(request)
    check_limits(body.comments, settings)
    return Response(await encode_answer(predictor, body.comments), media_type="application/json")


async def encode_answer(predictor: Predictor, comments: Sequence[CommentIn]) -> bytes:
    """The predictions of `comments` as JSON: a response model would cost as much as tagging them.

    Raises: Problem 503.
    """
    read = [Comment(comment.text, comment.score, comment.question) for comment in comments]
    tagger, said = await predictor.say(read)
    of_all = zip(comments, read, said, strict=True)
    results = [tagger.encode(comment.id, own, its) for comment, own, its in of_all]
    return b'{"model":%b,"results":[%b]}' % (orjson.dumps(tagger.version), b",".join(results))


@router.get("/v1/taxonomy", summary="Show what can be tagged", responses=problems(503))
async def taxonomy(predictor: PredictorDep) -> Taxonomy:
    """Categories, aspects, departments and KPIs of the model in use."""
    return predictor.tagger.taxonomy


@router.get("/v1/model", summary="Show the model in use", responses=problems(503))
async def model(settings: SettingsDep, predictor: PredictorDep) -> ModelOut:
    """What the model was made of, and its figures."""
    manifest = read_manifest(settings.models / predictor.tagger.version)
    return ModelOut(
        model=manifest.version,
        created=manifest.created,
        format=manifest.format,
        libraries=manifest.libraries,
        corpus=manifest.corpus,
        figures=manifest.figures,
    )


@router.get("/healthz", summary="Tell that the process lives", response_model_exclude_none=True)
async def healthz() -> StateOut:
    """Always ok while the process answers at all."""
    return StateOut(status="ok")


@router.get(
    "/readyz",
    summary="Tell that predictions are possible",
    response_model_exclude_none=True,
    responses=problems(503),
)
async def readyz(predictor: PredictorDep) -> StateOut:
    """503 until the model is loaded; `refused` says why a newer one is not in use."""
    return StateOut(status="ready", model=predictor.tagger.version, refused=predictor.refused)


@router.get("/metrics", summary="Show figures for Prometheus", response_class=Response)
def metrics(request: Request, metrics: MetricsDep) -> Response:
    """Requests, latencies, comments and tags, what waits in inbox and outbox, as text."""
    metrics.set_queues(request.app.state.rooms.open().read_queues(), datetime.now(UTC))
    return Response(metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")


def check_limits(
    comments: "Sequence[CommentIn | CommentToStoreIn]", settings: Settings, id_field: str = "id"
) -> None:
    """Raises: Problem, naming the limit and the comment that is past it."""
    if len(comments) > settings.max_comments:
        raise Problem(
            413, f"found {len(comments)} comments, the limit is {settings.max_comments} a request; split it"
        )
    seen: dict[str, int] = {}
    errors = []
    for number, comment in enumerate(comments):
        if len(comment.text or "") > settings.max_text_chars:
            detail = f"found {len(comment.text or '')} characters, the limit is {settings.max_text_chars}"
            errors.append({"field": f"comments[{number}].text", "detail": detail})
        first = seen.setdefault(getattr(comment, id_field), number)
        if first != number:
            detail = f"the id is that of comments[{first}] too; ids must differ within a request"
            errors.append({"field": f"comments[{number}].{id_field}", "detail": detail})
    if errors:
        raise Problem(422, f"{errors[0]['field']}: {errors[0]['detail']}", errors)
