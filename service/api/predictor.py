"""Predictions beside the event loop: short ones on it, long ones in a thread.

Handing a short prediction to a thread costs more than the prediction; a long one would keep all
others waiting. So requests up to a size are answered on the loop, all that have come in together as
one batch, which costs a fraction of as many single ones. Longer ones go, in pieces, to one worker
thread, with a bound on how many may wait.

The predictor follows `models/current`: another model is loaded in a thread of its own beside the one
that serves, and takes its place with one assignment. A request keeps the model that it began with.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from service.api.metrics import Metrics
from service.api.problems import Problem
from service.nlp.artefact import current_version, load_tagger
from service.nlp.errors import ArtefactError
from service.nlp.lemmas import Lemmatizer
from service.nlp.said import Said
from service.nlp.tagger import Comment, Result, Tagger
from service.settings import Settings

_PIECE = 1_024
"""Comments that are tagged before the next request has its turn."""

_COMMENT_CHARS = 100
"""What a comment costs beside its text, in characters: many short ones are a long request too."""


_LOOK_SECONDS = 0.25
"""How often to look which model is the current one."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Short:
    """A short request that waits for the loop's next turn."""

    tagger: Tagger
    comments: Sequence[Comment]
    said: "asyncio.Future[list[Said]]"


class Predictor:
    """The model of one app, and the way to it."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="otklik-predict")
        self._loader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="otklik-load")
        self._lemmatizer = Lemmatizer()
        self._waiting = 0
        self._short: list[_Short] = []
        self._tagger: Tagger | None = None
        self._failure = "the model is being loaded"
        self._seen: object = self
        """What the current model looked like when it was last loaded."""
        self.tried = asyncio.Event()
        """Set once it is known whether there is a model to begin with."""

    @property
    def tagger(self) -> Tagger:
        """The loaded model. Raises: Problem 503 until it is in."""
        if self._tagger is None:
            raise Problem(503, self._failure, headers={"Retry-After": "1"})
        return self._tagger

    @property
    def refused(self) -> str | None:
        """Why the model that `current` names is not the one that serves; None while it is."""
        return self._failure or None

    def load(self) -> None:
        """Load the current model now. Raises: ArtefactError."""
        self._seen = _look(self._settings.models)
        self._use(load_tagger(self._settings.models, lemmatizer=self._lemmatizer))

    async def follow(self) -> None:
        """Load the current model, and each one that becomes current later, until cancelled.

        One that is not sound is refused: the one before it serves on, or the service stays not ready.
        """
        while True:
            found = _look(self._settings.models)
            if found != self._seen:
                self._seen = found
                await self._load()
            if not self.tried.is_set():
                self.tried.set()
                asyncio.get_running_loop().run_in_executor(self._loader, self._lemmatizer.load)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _load(self) -> None:
        loop = asyncio.get_running_loop()
        models = self._settings.models
        try:
            tagger = await loop.run_in_executor(self._loader, load_tagger, models, None, self._lemmatizer)
        except Exception as error:  # whatever is wrong with it, the model that serves must serve on
            self._failure = str(error) if isinstance(error, ArtefactError) else f"{models}: {error!r}"
            if self._tagger is not None:
                _log.warning("refused, %s serves on: %s", self._tagger.version, self._failure)
                self._metrics.count_refused()
        else:
            self._use(tagger)

    def _use(self, tagger: Tagger) -> None:
        self._tagger, self._failure = tagger, ""
        self._metrics.set_model(tagger.version)

    async def predict(self, comments: Sequence[Comment]) -> tuple[str, list[Result]]:
        """The version of the model and the results of `comments`, in order.

        Raises:
            Problem: 503 while no model is in, or when too many long requests wait.
        """
        tagger, said = await self.say(comments)
        results = [tagger.result(comment, own) for comment, own in zip(comments, said, strict=True)]
        return tagger.version, results

    async def say(self, comments: Sequence[Comment]) -> tuple[Tagger, list[Said]]:
        """The model, and what it says of `comments`, in order.

        Raises:
            Problem: 503 while no model is in, or when too many long requests wait.
        """
        tagger = self.tagger
        started = time.perf_counter()
        chars = sum(len(comment.text) + _COMMENT_CHARS for comment in comments)
        if chars <= self._settings.max_inline_chars:
            said = await self._say_together(tagger, comments)
        else:
            said = await self._say_in_pieces(tagger, comments)
        self._metrics.count_said(tagger.taxonomy.category_codes, said, time.perf_counter() - started)
        return tagger, said

    def close(self) -> None:
        """Let the threads end."""
        self._worker.shutdown(wait=False, cancel_futures=True)
        self._loader.shutdown(wait=False, cancel_futures=True)

    async def _say_together(self, tagger: Tagger, comments: Sequence[Comment]) -> list[Said]:
        """Wait until all requests that have come in are read, and be answered with them."""
        loop = asyncio.get_running_loop()
        if not self._short:
            loop.call_soon(self._answer_short)
        request = _Short(tagger, comments, loop.create_future())
        self._short.append(request)
        return await request.said

    def _answer_short(self) -> None:
        """Tag the comments of the requests that wait, up to a piece; the others have the next turn."""
        batch: list[_Short] = []
        size = 0
        while self._short and size < _PIECE and (not batch or self._short[0].tagger is batch[0].tagger):
            batch.append(self._short.pop(0))
            size += len(batch[-1].comments)
        if self._short:
            asyncio.get_running_loop().call_soon(self._answer_short)
        waiting = [request for request in batch if not request.said.done()]
        try:
            said = batch[0].tagger.say([comment for own in waiting for comment in own.comments])
        except Exception as error:  # each of the callers is to hear of it
            for request in waiting:
                request.said.set_exception(error)
            return
        for request in waiting:
            request.said.set_result(said[: len(request.comments)])
            said = said[len(request.comments) :]

    async def _say_in_pieces(self, tagger: Tagger, comments: Sequence[Comment]) -> list[Said]:
        if self._waiting >= self._settings.max_waiting:
            raise Problem(
                503,
                f"{self._waiting} long requests are waiting already (the limit); send it again",
                headers={"Retry-After": "1"},
            )
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            said: list[Said] = []
            for start in range(0, len(comments), _PIECE):
                piece = comments[start : start + _PIECE]
                said += await loop.run_in_executor(self._worker, tagger.say, piece)
            return said
        finally:
            self._waiting -= 1


def _look(models: Path) -> tuple[str, int] | None:
    """What tells one current model from another: its name, and when its manifest was written."""
    try:
        version = current_version(models)
        return version, (models / version / "manifest.json").stat().st_mtime_ns
    except (ArtefactError, OSError):
        return None
