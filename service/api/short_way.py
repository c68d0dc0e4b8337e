"""The short way of a prediction: what a good request from this machine needs, and nothing else.

The framework's way (routing, dependencies, validation to models, response) takes longer than tagging a
comment does. So a request for predictions that is plainly in order is answered here, at the app's door, with
the bytes that the framework's way would give. Whatever is not (another type, no length, too large, a wrong
field, a caller from elsewhere, no model yet) goes the framework's way, which judges it and knows the words.
"""

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from service.api.callers import is_local
from service.api.endpoints import check_limits, encode_answer
from service.api.schemas import PredictIn

PATH = "/v1/predict"

_JSON = b"application/json"


async def answer_shortly(app: FastAPI, scope: Scope, receive: Receive, send: Send) -> Receive | None:
    """Answer the request if that can be done; else what is left to receive of it."""
    if not _is_plain(scope, app.state.settings.max_body_bytes):
        return receive
    messages = await _read(receive)
    content = await _predict(app, b"".join(message.get("body", b"") for message in messages))
    if content is None:
        return _again(messages, receive)
    app.state.metrics.count_request(PATH, 200)
    length = str(len(content)).encode()
    headers = [(b"content-length", length), (b"content-type", _JSON)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})
    return None


def _is_plain(scope: Scope, max_bytes: int) -> bool:
    if scope["path"] != PATH or scope["method"] != "POST" or not is_local(scope):
        return False
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"")
    return headers.get(b"content-type") == _JSON and length.isdigit() and int(length) <= max_bytes


async def _read(receive: Receive) -> list[Message]:
    messages = [await receive()]
    while messages[-1].get("more_body", False):
        messages.append(await receive())
    return messages


def _again(messages: Sequence[Message], receive: Receive) -> Receive:
    """Gives what was received once more, then what is still to come."""
    waiting = iter(messages)

    async def receive_again() -> Message:
        return next(waiting, None) or await receive()

    return receive_again


async def _predict(app: FastAPI, body: bytes) -> bytes | None:
    """The answer, None where it is for the framework to say what is wrong."""
    try:
        comments = PredictIn.model_validate_json(body).comments
        check_limits(comments, app.state.settings)
        return await encode_answer(app.state.predictor, comments)
    except Exception:  # whatever it is, the framework's way comes upon it too, and says it as documented
        return None
