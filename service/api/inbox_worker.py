"""Works the inbox off beside the requests: what comes at once, and what an earlier process left behind."""

import asyncio
import contextlib
import logging
import time

from service.api.metrics import Metrics
from service.api.predictor import Predictor
from service.api.problems import Problem
from service.inbox.process import Worker, empty_old
from service.intake.installation import Installation
from service.settings import Settings
from service.store.database import Database
from service.store.errors import StoreError

_LOG = logging.getLogger(__name__)

_POLL_SECONDS = 1.0
"""How often to look for deliveries that another process took in, or left behind."""

_RETRY_SECONDS = 5.0
_STOP_SECONDS = 5.0
_CLEAN_SECONDS = 3_600.0


class InboxWorker:
    """The worker of one app; several of them on one database share the work."""

    def __init__(
        self,
        database: Database,
        installation: Installation,
        predictor: Predictor,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self.installation = installation
        self._database = database
        self._predictor = predictor
        self._settings = settings
        self._metrics = metrics
        self._woken = asyncio.Event()
        self._stopped = False
        self._cleaned = time.monotonic() - _CLEAN_SECONDS

    def wake(self) -> None:
        """Something has come."""
        self._woken.set()

    async def run(self) -> None:
        """Work until stopped; a failure is logged and tried again, nothing is lost by it."""
        while not self._stopped:
            self._woken.clear()
            try:
                busy = await self._work()
            except StoreError as error:
                _LOG.warning("the inbox waits: %s", error)
                busy = await self._rest(_RETRY_SECONDS)
            except Exception:
                _LOG.exception("a batch of the inbox failed; it is tried again")
                busy = await self._rest(_RETRY_SECONDS)
            if not busy:
                await self._rest(_POLL_SECONDS)

    async def stop(self, running: "asyncio.Task[None]") -> None:
        """End the task that runs the worker, once the batch in hand is whole."""
        self._stopped = True
        self.wake()
        await asyncio.wait([running], timeout=_STOP_SECONDS)
        running.cancel()

    async def _work(self) -> bool:
        """Work off one batch; whether there was any."""
        try:
            tagger = self._predictor.tagger
        except Problem:
            return False
        worker = Worker(self._database, self.installation, tagger, self._settings)
        done = await asyncio.to_thread(worker.process_waiting)
        self._metrics.count_processed(done)
        if time.monotonic() - self._cleaned >= _CLEAN_SECONDS:
            self._cleaned = time.monotonic()
            await asyncio.to_thread(empty_old, self._database, self._settings)
        return done > 0

    async def _rest(self, seconds: float) -> bool:
        """Wait until something comes, or so long; true."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)
        return True
