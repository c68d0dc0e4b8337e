"""Webhooks over HTTP: who is told of tagged comments, what became of it, and once more."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from service.api.comments import DatabaseDep
from service.api.endpoints import PredictorDep, SettingsDep, problems
from service.api.keys import Admin
from service.api.problems import Problem
from service.delivery import webhook_admin
from service.delivery.outcomes import Delivered
from service.delivery.run import guard_of
from service.delivery.webhook_admin import Filter, WebhookError
from service.delivery.webhooks import WebhookSender
from service.store.outbox import Delivery, State
from service.store.targets import Target

router = APIRouter(tags=["webhooks"])

WebhookId = Annotated[int, Path(ge=1, le=2**53)]


class WebhookIn(BaseModel):
    """A URL to be told of tagged comments."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(max_length=2_000, examples=["https://example.ru/otklik"])]
    source: Annotated[str, Field(max_length=100)] | None = Field(
        default=None, description="Only comments of this source"
    )
    categories: Annotated[list[str], Field(max_length=50)] = Field(
        default=[], description="Only comments with a tag of one of these"
    )
    polarities: Annotated[list[str], Field(max_length=3)] = Field(
        default=[], description="Likewise: problem, praise, neutral"
    )


class SwitchIn(BaseModel):
    """Whether a webhook is to be told anything."""

    model_config = ConfigDict(extra="forbid")

    is_on: bool


class ReplayIn(BaseModel):
    """Which of the deliveries that were given up are to be sent again."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[Annotated[int, Field(ge=1, le=2**53)]], Field(max_length=1_000)] | None = Field(
        default=None, description="Left out: all of them"
    )


class WebhookOut(BaseModel):
    """A webhook, without its secret."""

    id: int
    url: str
    source: str | None
    categories: list[str]
    polarities: list[str]
    is_on: bool
    reason: str | None = Field(description="Why it is off")
    delivered: int = 0
    pending: int = 0
    dead: int = 0


class NewWebhookOut(WebhookOut):
    """A webhook with its secret, which is shown only now."""

    secret: str


class WebhooksOut(BaseModel):
    """Every webhook."""

    webhooks: list[WebhookOut]


class TestOut(BaseModel):
    """What became of a test event."""

    delivered: bool
    status: int | None
    error: str | None


class DeadOut(BaseModel):
    """A delivery that was given up after all attempts."""

    id: int
    target: int
    comment: int
    attempts: int
    status: int | None
    error: str | None
    created_at: datetime


class DeadPageOut(BaseModel):
    """Deliveries that were given up, the oldest first; `next` is `after` of the next page."""

    deliveries: list[DeadOut]
    next: int | None


class ReplayOut(BaseModel):
    """How many will be sent again."""

    replayed: int


@router.post(
    "/v1/webhooks", summary="Add a webhook", status_code=201, responses=problems(401, 403, 409, 422, 503)
)
def add_webhook(
    body: WebhookIn, key: Admin, database: DatabaseDep, settings: SettingsDep, predictor: PredictorDep
) -> NewWebhookOut:
    """Let a URL be told of each tagged comment from now on, signed by Standard Webhooks."""
    wanted = Filter(body.source, tuple(body.categories), tuple(body.polarities))
    try:
        if body.categories or body.polarities:
            wanted.check(predictor.tagger.taxonomy)
        target = webhook_admin.add(database, guard_of(settings), body.url, wanted)
    except WebhookError as error:
        raise Problem(422, str(error)) from None
    return _with_secret(target)


@router.get("/v1/webhooks", summary="List webhooks", responses=problems(401, 403, 503))
def list_webhooks(key: Admin, database: DatabaseDep) -> WebhooksOut:
    """Every webhook, and what became of its deliveries."""
    return WebhooksOut(webhooks=[_out(one.target, one.counts) for one in webhook_admin.list_all(database)])


@router.get("/v1/webhooks/dead", summary="List what was given up", responses=problems(401, 403, 422, 503))
def list_dead(
    key: Admin, database: DatabaseDep, after: Annotated[int, Query(ge=0, le=2**53)] = 0
) -> DeadPageOut:
    """Deliveries that no attempt of the schedule brought home, and tags that a platform did not take."""
    found = webhook_admin.list_dead(database, after=after)
    return DeadPageOut(deliveries=[_dead(one) for one in found], next=found[-1].id if found else None)


@router.post("/v1/webhooks/replay", summary="Send again", responses=problems(401, 403, 422, 503))
def replay(body: ReplayIn, key: Admin, database: DatabaseDep) -> ReplayOut:
    """Send again what was given up, with all attempts from the first."""
    return ReplayOut(replayed=webhook_admin.replay(database, body.ids))


@router.patch(
    "/v1/webhooks/{webhook_id}", summary="Switch a webhook", responses=problems(401, 403, 404, 422, 503)
)
def switch(webhook_id: WebhookId, body: SwitchIn, key: Admin, database: DatabaseDep) -> WebhookOut:
    """Switch a webhook off, or on again."""
    webhook_admin.switch(database, webhook_id, body.is_on)
    return _out(webhook_admin.get(database, webhook_id))


@router.delete(
    "/v1/webhooks/{webhook_id}",
    summary="Remove a webhook",
    status_code=204,
    responses=problems(401, 403, 404, 422, 503),
)
def remove(webhook_id: WebhookId, key: Admin, database: DatabaseDep) -> None:
    """Remove a webhook, with all that was still to be told to it."""
    webhook_admin.remove(database, webhook_id)


@router.post(
    "/v1/webhooks/{webhook_id}/rotate",
    summary="Change the secret",
    responses=problems(401, 403, 404, 422, 503),
)
def rotate(webhook_id: WebhookId, key: Admin, database: DatabaseDep) -> NewWebhookOut:
    """A new secret; for a day deliveries carry the signature of the old one too."""
    return _with_secret(webhook_admin.rotate(database, webhook_id))


@router.post(
    "/v1/webhooks/{webhook_id}/test", summary="Try a webhook", responses=problems(401, 403, 404, 422, 503)
)
def test(
    webhook_id: WebhookId, key: Admin, database: DatabaseDep, settings: SettingsDep, predictor: PredictorDep
) -> TestOut:
    """Send an event that says nothing, now, and tell what was answered."""
    target = webhook_admin.get(database, webhook_id)
    sender = WebhookSender.open(guard_of(settings), lambda: predictor.tagger.taxonomy)
    outcome = sender.test(target)
    sender.close()
    return TestOut(
        delivered=isinstance(outcome, Delivered),
        status=getattr(outcome, "status", None),
        error=getattr(outcome, "error", None),
    )


def _out(target: Target, counts: Mapping[State, int] | None = None) -> WebhookOut:
    states: tuple[State, ...] = ("delivered", "pending", "dead")
    figures = {state: (counts or {}).get(state, 0) for state in states}
    return WebhookOut.model_validate({**_fields(target), **figures})


def _with_secret(target: Target) -> NewWebhookOut:
    return NewWebhookOut.model_validate({**_fields(target), "secret": target.secret})


def _fields(target: Target) -> dict[str, object]:
    return {
        "id": target.id,
        "url": target.name,
        "source": target.source,
        "categories": list(target.categories),
        "polarities": list(target.polarities),
        "is_on": target.is_on,
        "reason": target.reason,
    }


def _dead(delivery: Delivery) -> DeadOut:
    return DeadOut(
        id=delivery.id,
        target=delivery.target_id,
        comment=delivery.comment_id,
        attempts=delivery.attempts,
        status=delivery.status,
        error=delivery.error,
        created_at=delivery.created_at,
    )
