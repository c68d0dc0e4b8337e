"""The NPS funnel's figures over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import BaseModel

from service.api.comments import DatabaseDep
from service.api.endpoints import problems
from service.api.keys import Reader
from service.api.problems import Problem
from service.reports.funnel import Quarter, by_quarter
from service.store import cases

router = APIRouter(tags=["closing the loop"])

_FIRST = datetime(2000, 1, 1, tzinfo=UTC)


class QuarterOut(BaseModel):
    """One quarter, by the day on which the customer was asked."""

    quarter: str
    asked: int
    satisfied: int
    passive: int
    dissatisfied: int
    no_answer: int
    waiting: int
    reviewed: int
    response_rate: float | None
    nps: int | None


class FiguresOut(BaseModel):
    """The quarters in which anybody was asked."""

    quarters: list[QuarterOut]


@router.get("/v1/cases/figures", summary="Show the funnel by quarter", responses=problems(401, 403, 422, 503))
def figures(
    key: Reader, database: DatabaseDep, zone: Annotated[str, Query(max_length=60)] = "Europe/Moscow"
) -> FiguresOut:
    """Satisfied, passive, dissatisfied, without an answer, and how many left a public review."""
    try:
        where = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise Problem(422, f"zone: found «{zone}», expected a zone such as Europe/Moscow") from None
    with database.read() as connection:
        found = cases.asked_between(connection, _FIRST, datetime.now(UTC) + timedelta(days=1))
    return FiguresOut(quarters=[_out(quarter) for quarter in by_quarter(found, where)])


def _out(quarter: Quarter) -> QuarterOut:
    return QuarterOut(
        quarter=quarter.name,
        asked=quarter.asked,
        satisfied=quarter.satisfied,
        passive=quarter.passive,
        dissatisfied=quarter.dissatisfied,
        no_answer=quarter.no_answer,
        waiting=quarter.waiting,
        reviewed=quarter.reviewed,
        response_rate=quarter.response_rate,
        nps=quarter.nps,
    )
