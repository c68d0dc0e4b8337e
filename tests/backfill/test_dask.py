"""A real Dask cluster does the pieces; its workers may die."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from service.backfill.run import Outcome
from service.nlp.errors import OtklikError
from tests.backfill.conftest import Begin, wait_for_chunks

Run = Callable[..., Outcome]

WORKERS = 3


@pytest.fixture
def cluster(project: Path, tmp_path: Path) -> Iterator[tuple[str, list["subprocess.Popen[bytes]"]]]:
    """Address of a scheduler, and its workers: each a process of its own, as `dask` starts them."""
    told = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    scheduler = [
        "scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--no-dashboard",
        "--scheduler-file",
        str(told),
    ]
    worker = ["worker", "--scheduler-file", str(told), "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    with ExitStack() as stack:

        def start(words: list[str]) -> "subprocess.Popen[bytes]":
            process = subprocess.Popen([*dask, *words], cwd=project, stderr=subprocess.DEVNULL)
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        start(scheduler)
        while not told.exists() or not told.read_text():
            time.sleep(0.05)
        workers = [start([*worker, "--local-directory", str(tmp_path)]) for _ in range(WORKERS)]
        yield json.loads(told.read_text())["address"], workers


def test_a_cluster_whose_worker_is_killed(
    cluster: tuple[str, list["subprocess.Popen[bytes]"]],
    begin: Begin,
    run: Run,
    few: Path,
    tmp_path: Path,
) -> None:
    """The output is that of one process, to the byte, though a worker is killed in mid-run."""
    address, workers = cluster
    output = tmp_path / "out.csv"
    with begin(few, "--output", output, "--engine", "dask", "--address", address) as process:
        wait_for_chunks(output, 5)
        os.kill(workers[0].pid, signal.SIGKILL)
        _, told = process.communicate(timeout=240)
    assert process.returncode == 1, told
    assert workers[0].wait() == -signal.SIGKILL
    assert all(worker.poll() is None for worker in workers[1:])
    run(few, output=tmp_path / "expected.csv", chunk_rows=1)
    assert output.read_bytes() == (tmp_path / "expected.csv").read_bytes()


def test_no_cluster_there(run: Run, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address where nothing listens, and one that is not given, are told."""
    monkeypatch.setattr("service.backfill.dask_engine._SECONDS_TO_CONNECT", 1)
    with pytest.raises(OtklikError, match=r"tcp://127\.0\.0\.1:9: found no Dask scheduler there"):
        run(few, output=tmp_path / "out.csv", engine="dask", address="tcp://127.0.0.1:9")
    with pytest.raises(OtklikError, match="--engine dask needs --address"):
        run(few, output=tmp_path / "out.csv", engine="dask")
