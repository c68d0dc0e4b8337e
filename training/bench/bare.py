"""A bare FastAPI app: the same body in, a constant body of the same shape out, and no work between."""

from fastapi import FastAPI
from pydantic import BaseModel


class _CommentIn(BaseModel):
    id: str
    text: str
    score: int | None = None
    question: str | None = None


class _PredictIn(BaseModel):
    comments: list[_CommentIn]


class _Evidence(BaseModel):
    start: int
    stop: int
    text: str


class _Titled(BaseModel):
    code: str
    title: str


class _Tag(BaseModel):
    category: str
    aspect: str | None
    polarity: str
    title: str
    probability: float
    evidence: list[_Evidence]
    departments: list[_Titled]
    kpis: list[_Titled]


class _Result(BaseModel):
    id: str
    nps_group: str | None
    needs_review: bool
    tags: list[_Tag]


class _PredictOut(BaseModel):
    model: str
    results: list[_Result]


_TAG = {
    "category": "logistics", "aspect": "deadlines", "polarity": "problem", "title": "Сроки и логистика",
    "probability": 0.9712, "evidence": [{"start": 0, "stop": 32, "text": "Задержали поставку на две недели"}],
    "departments": [{"code": "logistics", "title": "Отдел логистики"},
                    {"code": "planning", "title": "Производственно-диспетчерский отдел"}],
    "kpis": [{"code": "OTD", "title": "On-Time Delivery"}, {"code": "PCT", "title": "Production Cycle Time"}],
}  # fmt: skip
_RESULT = {"id": "1", "nps_group": "detractor", "needs_review": False, "tags": [_TAG]}

app = FastAPI()


@app.post("/v1/predict")
async def predict(body: _PredictIn) -> _PredictOut:
    """As many constant results as there are comments."""
    return {"model": "constant", "results": [_RESULT] * len(body.comments)}  # type: ignore[return-value]  # FastAPI validates it


@app.get("/readyz")
async def readyz() -> dict[str, str]:
    """Ready at once."""
    return {"status": "ready"}
