"""Errors as `application/problem+json` (RFC 9457), and what each kind of failure becomes."""

from collections.abc import Sequence
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from service.store.errors import (
    ConflictError,
    InvalidTagsError,
    InvalidValueError,
    MissingError,
    StoreError,
    StoreUnavailableError,
)

MEDIA_TYPE = "application/problem+json"

_TITLES = {
    400: "The request is not valid JSON",
    401: "The call needs an API key",
    403: "The API key does not allow this",
    404: "There is nothing at this address",
    405: "This method is not allowed here",
    409: "The request does not fit what is stored",
    413: "The request is too large",
    415: "The request is of the wrong type",
    422: "The request breaks a rule",
    500: "Something went wrong on our side",
    503: "The service is not ready",
}

_STORE_STATUSES = (
    (StoreUnavailableError, 503),
    (MissingError, 404),
    (ConflictError, 409),
    (InvalidTagsError, 422),
    (InvalidValueError, 422),
)


class Problem(Exception):  # noqa: N818  # RFC 9457 calls it a problem
    """A failure with its HTTP status; raised anywhere below an endpoint."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[dict[str, str]] = (),
        headers: dict[str, str] | None = None,
        title: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title or _TITLES.get(status, "The request failed")
        self.detail = detail
        self.errors = list(errors)
        self.headers = headers

    def response(self) -> Response:
        """The problem as an HTTP answer."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = self.errors
        return Response(orjson.dumps(body), self.status, self.headers, MEDIA_TYPE)


def body_too_large(limit: int) -> Problem:
    """The problem of a request with more than `limit` bytes."""
    return Problem(413, f"the limit is {limit} bytes a request; split it")


def add_problem_handlers(app: FastAPI) -> None:
    """Let every failure of `app` be answered as a problem."""

    async def on_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return error.response()

    async def on_http_exception(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 413:
            return body_too_large(request.app.state.settings.max_body_bytes).response()
        headers = dict(error.headers) if error.headers else None
        return Problem(error.status_code, str(error.detail), headers=headers).response()

    async def on_invalid_request(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return _from_validation(error).response()

    async def on_store_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, StoreError)
        return _from_store(error).response()

    async def on_any(request: Request, error: Exception) -> Response:
        return Problem(500, "the failure has been logged; nothing was stored").response()

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(HTTPException, on_http_exception)
    app.add_exception_handler(RequestValidationError, on_invalid_request)
    app.add_exception_handler(StoreError, on_store_error)
    app.add_exception_handler(Exception, on_any)


def _from_store(error: StoreError) -> Problem:
    status = next((status for kind, status in _STORE_STATUSES if isinstance(error, kind)), 500)
    headers = {"Retry-After": "5"} if status == 503 else None
    return Problem(status, str(error), headers=headers)


def _from_validation(error: RequestValidationError) -> Problem:
    """Names the fields and what is wrong, and never repeats the input: it may hold personal data."""
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        position = found[0]["loc"][-1]
        return Problem(400, f"the body is not valid JSON (at character {position})")
    errors = [
        {"field": _field(item["loc"]), "detail": str(item["msg"]).removeprefix("Value error, ")}
        for item in found
    ]
    first = errors[0]
    return Problem(422, f"{first['field']}: {first['detail']}", errors)


def _field(path: Sequence[str | int]) -> str:
    """`("body", "comments", 0, "text")` as `comments[0].text`."""
    name = ""
    for part in path[1:] if path and path[0] in ("body", "query", "path", "header") else path:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return name or "body"
