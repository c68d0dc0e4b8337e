"""Deliveries of survey platforms: checked and kept at once, answered 200, worked off after the answer."""

import asyncio
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from service.api.comments import DatabaseDep
from service.api.endpoints import MetricsDep, SettingsDep, problems
from service.api.inbox_worker import InboxWorker
from service.api.problems import Problem
from service.api.schemas import ReceiptOut
from service.inbox.receive import Receipt, RefusedError, ReusedKeyError, receive
from service.intake.deliveries import Delivery
from service.intake.installation import ConfiguredSource

router = APIRouter(tags=["intake"])

_BODY_SECONDS = 20
"""How long a body may take to come."""

_NOT_AUTHENTIC = "The delivery does not prove that it is the platform's"

_METHODS = "GET, HEAD, OPTIONS, PATCH, POST, PUT"


def get_worker(request: Request) -> InboxWorker:
    """The app's worker."""
    worker: InboxWorker = request.app.state.inbox_worker
    return worker


WorkerDep = Annotated[InboxWorker, Depends(get_worker)]


def get_source(source: str, worker: WorkerDep, metrics: MetricsDep) -> ConfiguredSource:
    """The source that the address names. Raises: Problem 404."""
    found = worker.installation.find(source)
    if found is None:
        metrics.count_delivery("unknown", "refused")
        raise Problem(404, "there is no source of this name; intake.yaml names the sources")
    return found


SourceDep = Annotated[ConfiguredSource, Depends(get_source)]


@router.post(
    "/v1/intake/{source}",
    summary="Take a delivery of a survey platform",
    response_model=ReceiptOut,
    responses=problems(401, 404, 408, 413, 422, 503),
)
async def take(
    request: Request,
    source: SourceDep,
    database: DatabaseDep,
    settings: SettingsDep,
    metrics: MetricsDep,
    worker: WorkerDep,
) -> Response:
    """Keep what the platform sends as it is: JSON, JSON Lines, a form, or the query; PUT, PATCH and GET too.

    Answers 200 once the delivery is safely stored; tags follow within a second. `status` is `stored`,
    `duplicate` (nothing changed), `ignored` (nothing for us in it) or `unreadable` (kept for inspection).
    """
    try:
        delivery = await _read(request)
        receipt = await run_in_threadpool(receive, database, source, delivery, settings.max_body_bytes)
    except RefusedError as error:
        metrics.count_delivery(source.name, "refused")
        headers = {"WWW-Authenticate": "Bearer"}
        raise Problem(401, str(error), headers=headers, title=_NOT_AUTHENTIC) from None
    except ReusedKeyError as error:
        metrics.count_delivery(source.name, "reused_key")
        raise Problem(422, str(error)) from None
    metrics.count_delivery(source.name, receipt.status)
    worker.wake()
    return _answer(receipt)


router.add_api_route("/v1/intake/{source}", take, methods=["PUT"], include_in_schema=False)
router.add_api_route("/v1/intake/{source}", take, methods=["PATCH"], include_in_schema=False)
router.add_api_route("/v1/intake/{source}", take, methods=["GET"], include_in_schema=False)


@router.head("/v1/intake/{source}", include_in_schema=False)
async def check(source: SourceDep) -> Response:
    """Platforms ask so whether the address is there before they use it."""
    return Response()


@router.options("/v1/intake/{source}", include_in_schema=False)
async def shake_hands(request: Request, source: SourceDep) -> Response:
    """The handshake of CloudEvents: whoever asks may send, and will have to prove who it is."""
    origin = request.headers.get("webhook-request-origin", "*")
    headers = {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*", "Allow": _METHODS}
    return Response(headers=headers)


async def _read(request: Request) -> Delivery:
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            body = await request.body()
    except TimeoutError:
        raise Problem(408, f"the body did not come whole within {_BODY_SECONDS} seconds") from None
    except ClientDisconnect:
        raise Problem(400, "the connection ended before the body was whole") from None
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Delivery(request.method, headers, request.url.query, body)


def _answer(receipt: Receipt) -> Response:
    content: dict[str, str | int] = {"status": receipt.status, "id": receipt.id}
    if receipt.detail:
        content["detail"] = receipt.detail
    return Response(orjson.dumps(content), media_type="application/json")
