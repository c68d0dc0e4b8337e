"""Where the pieces of a run are worked on: in this process, in several, or on a cluster."""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from typing import Protocol

from service.backfill.tagging import Job, Part, Rows, Texts, load_model, work


class Engine(Protocol):
    """Does pieces; what it gives back is committed by the run itself."""

    window: int
    """Pieces that may be under way or waiting: enough to keep all workers busy, and no more."""

    deaths: tuple[type[BaseException], ...]
    """What is raised for a piece whose worker has died."""
    all_are_lost: bool
    """Whether all pieces under way are lost when one is."""

    def submit(self, piece: Texts | Rows) -> "Future[Part]":
        """Begin a piece. Raises: one of `deaths`."""

    def recover(self) -> None:
        """Make ready again after workers have died."""

    def close(self) -> None:
        """Stop, without waiting for pieces under way."""


def start_engine(
    job: Job, workers: int | None, engine: str | None, address: str | None, small: bool
) -> Engine:
    """The engine that the caller wants; by default this process for a small run, else one worker a core.

    Raises:
        OtklikError: when the engine is not installed, or there is none at the address.
    """
    if engine is not None:
        from service.backfill.dask_engine import DaskWorkers

        return DaskWorkers(job, address)
    width = workers or (1 if small else os.cpu_count() or 1)
    return LocalWorkers(job, width) if width > 1 else InProcess(job)


class InProcess:
    """Does each piece at once, in this process."""

    window = 1
    deaths: tuple[type[BaseException], ...] = ()
    all_are_lost = False

    def __init__(self, job: Job) -> None:
        self._job = job

    def submit(self, piece: Texts | Rows) -> "Future[Part]":
        """Do a piece."""
        future: Future[Part] = Future()
        try:
            future.set_result(work(self._job, piece))
        except Exception as error:
            future.set_exception(error)
        return future

    def recover(self) -> None:
        """Nothing can have died."""

    def close(self) -> None:
        """Nothing is under way."""


class LocalWorkers:
    """Processes of this machine. Each maps the model's arrays, so that they are in memory once."""

    deaths: tuple[type[BaseException], ...] = (BrokenExecutor,)
    all_are_lost = True

    def __init__(self, job: Job, width: int) -> None:
        self.window = 2 * width
        self._width = width
        self._job = job
        self._pool = self._start()

    def submit(self, piece: Texts | Rows) -> "Future[Part]":
        """Send a piece to the next free process."""
        return self._pool.submit(_work_here, piece)

    def recover(self) -> None:
        """Start all processes anew."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._start()

    def close(self) -> None:
        """End the processes, each after its piece."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _start(self) -> ProcessPoolExecutor:
        # «spawn» works alike everywhere and shares no half-copied threads; fork would save half a second
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(self._width, context, _start_worker, (self._job,))
        for _ in range(self._width):
            pool.submit(_make_ready)  # whatever is wrong, the first piece meets it too
        return pool


_job: Job | None = None


def _start_worker(job: Job) -> None:
    global _job  # what a process of the pool was started with
    _job = job
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that commits
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _make_ready() -> None:
    assert _job is not None
    load_model(_job.models, _job.model, _job.model_hash)


def _end_with_parent() -> None:
    """End at once when the process that commits is gone, even by SIGKILL."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work_here(piece: Texts | Rows) -> Part:
    assert _job is not None
    return work(_job, piece)
