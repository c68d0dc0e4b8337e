"""The pieces of a run on a Dask cluster that is there already.

Dask was measured beside Ray and Spark on this very job: it starts soonest, needs least to be installed, and
is the fastest of the three. The cluster only computes: pieces go to it, parts come back, and the run itself
commits them. So workers may come, die and go; a piece that was lost with one is done by another.
"""

from concurrent.futures import CancelledError, Future
from typing import Any

from service.backfill.tagging import Job, Part, Rows, Texts, work
from service.nlp.errors import OtklikError

_SECONDS_TO_CONNECT = 10
_SECONDS_FOR_WORKERS = 30


class DaskWorkers:
    """The workers of a scheduler. Each needs this version of Отклик and the same folder of models."""

    all_are_lost = False

    def __init__(self, job: Job, address: str | None) -> None:
        self._job = job
        self._client = _connect(address)
        self._executor = self._client.get_executor(pure=False)
        self.window = 2 * max(1, sum(self._client.nthreads().values()))
        from distributed import KilledWorker

        self.deaths: tuple[type[BaseException], ...] = (KilledWorker, CancelledError)

    def submit(self, piece: Texts | Rows) -> "Future[Part]":
        """Send a piece to the cluster."""
        future: Future[Part] = self._executor.submit(work, self._job, piece)
        return future

    def recover(self) -> None:
        """Pieces of dead workers go to others by themselves; one that outlived its tries is sent anew."""

    def close(self) -> None:
        """Leave the cluster; pieces under way are dropped."""
        self._executor.shutdown(wait=False)
        self._client.close()


def _connect(address: str | None) -> Any:  # noqa: ANN401  # distributed carries no types
    if address is None:
        raise OtklikError("--engine dask needs --address, that of a scheduler, such as tcp://scheduler:8786")
    try:
        from distributed import Client
    except ImportError:
        raise OtklikError("--engine dask needs the package distributed: pip install 'otklik[dask]'") from None
    try:
        client: Any = Client(  # type: ignore[no-untyped-call]
            address, timeout=_SECONDS_TO_CONNECT, set_as_default=False
        )
    except (OSError, ValueError) as error:
        raise OtklikError(f"{address}: found no Dask scheduler there ({error})") from None
    try:
        client.wait_for_workers(1, timeout=_SECONDS_FOR_WORKERS)
    except TimeoutError:
        client.close()
        raise OtklikError(f"{address}: the scheduler has no worker; start some with dask worker") from None
    return client
