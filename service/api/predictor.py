"""Predictions beside the event loop: short ones on it, long ones in a thread.

Handing a short prediction to a thread costs more than the prediction; a long one would keep all
others waiting. So requests up to a size are answered at once, and longer ones go, in pieces, to
one worker thread, with a bound on how many may wait.
"""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from service.api.metrics import Metrics
from service.api.problems import Problem
from service.nlp.artefact import load_tagger
from service.nlp.errors import ArtefactError
from service.nlp.tagger import Comment, Result, Tagger
from service.settings import Settings

_PIECE = 64
"""Comments that the worker thread tags before it takes the next request's piece."""

_COMMENT_CHARS = 100
"""What a comment costs beside its text, in characters: many short ones are a long request too."""


class Predictor:
    """The model of one app, and the way to it."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="otklik-predict")
        self._waiting = 0
        self._tagger: Tagger | None = None
        self._failure = "the model is being loaded"

    @property
    def tagger(self) -> Tagger:
        """The loaded model. Raises: Problem 503 until it is in."""
        if self._tagger is None:
            raise Problem(503, self._failure, headers={"Retry-After": "1"})
        return self._tagger

    async def load(self) -> None:
        """Load the current model in the worker thread; on failure the service stays not ready."""
        loop = asyncio.get_running_loop()
        try:
            self._tagger = await loop.run_in_executor(self._worker, load_tagger, self._settings.models)
        except ArtefactError as error:
            self._failure = str(error)
        else:
            self._metrics.set_model(self._tagger.version)

    async def predict(self, comments: Sequence[Comment]) -> tuple[str, list[Result]]:
        """The version of the model and the results of `comments`, in order.

        Raises:
            Problem: 503 while no model is in, or when too many long requests wait.
        """
        tagger = self.tagger
        started = time.perf_counter()
        if sum(len(c.text) + _COMMENT_CHARS for c in comments) <= self._settings.max_inline_chars:
            results = tagger.tag(comments)
        else:
            results = await self._predict_in_pieces(tagger, comments)
        self._metrics.count_results(results, time.perf_counter() - started)
        return tagger.version, results

    def close(self) -> None:
        """Let the worker thread end."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def _predict_in_pieces(self, tagger: Tagger, comments: Sequence[Comment]) -> list[Result]:
        if self._waiting >= self._settings.max_waiting:
            raise Problem(
                503,
                f"{self._waiting} long requests are waiting already (the limit); send it again",
                headers={"Retry-After": "1"},
            )
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            results: list[Result] = []
            for start in range(0, len(comments), _PIECE):
                piece = comments[start : start + _PIECE]
                results += await loop.run_in_executor(self._worker, tagger.tag, piece)
            return results
        finally:
            self._waiting -= 1
