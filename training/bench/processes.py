"""Whole processes: commands on files, the service's start, and the memory they take."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from training.bench.comments import make_comments
from training.bench.measure import Measured, at_least, at_most, seconds

_FILE_BATCH = 25_000
_START_SECONDS = 60.0
_SECONDS_BETWEEN_LOOKS = 0.1


@dataclass(frozen=True)
class Server:
    """A process that answers on a port."""

    process: "subprocess.Popen[bytes]"
    port: int
    seconds: float
    """From its start to its first good answer."""

    def core_seconds(self) -> float:
        """How long it has kept a core busy."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mib(self) -> float:
        """Its memory now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


def pin(core: int) -> Callable[[], None]:
    """For a child: run on this core alone."""
    cores = sorted(os.sched_getaffinity(0))
    return lambda: os.sched_setaffinity(0, {cores[core % len(cores)]})


def start_on(
    core: int,
    command: Sequence[str],
    **options: Any,  # noqa: ANN401  # those of `Popen`
) -> subprocess.Popen[bytes]:
    """Start a process that is measured, on this core alone, with `options` of `Popen`.

    It is put there when it runs: a `preexec_fn` takes a fork, which is the slower the more memory we have.
    """
    process = subprocess.Popen(list(command), stderr=subprocess.DEVNULL, **options)
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(process.pid, {cores[core % len(cores)]})
    return process


def write_parquet(path: Path, texts: Sequence[str], n: int) -> None:
    """A file of `n` distinct comments."""
    comments = make_comments(texts, seed=3)
    schema = pa.schema([("id", pa.string()), ("comment", pa.string())])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for start in range(0, n, _FILE_BATCH):
            some = list(islice(comments, min(_FILE_BATCH, n - start)))
            ids = [str(start + i) for i in range(len(some))]
            writer.write_table(pa.Table.from_arrays([pa.array(ids), pa.array(some)], schema=schema))


def measure_parquet(models: Path, texts: Sequence[str], folder: Path, n: int) -> list[Measured]:
    """`otklik tag` of a Parquet file on one core, and of two such files on two."""
    large, half = folder / "large.parquet", folder / "half.parquet"
    write_parquet(large, texts, n)
    write_parquet(half, texts, n // 5)
    started = time.perf_counter()
    process = start_on(0, _tag_command(models, large))
    peak = _watch_peak(process)
    spent = time.perf_counter() - started
    if process.returncode:
        raise RuntimeError(f"otklik tag {large} ended with {process.returncode}")
    alone = seconds(_run_all, [_tag_command(models, half)])
    copy = folder / "other.parquet"
    copy.write_bytes(half.read_bytes())
    both = seconds(_run_all, [_tag_command(models, half), _tag_command(models, copy)])
    return [
        at_least(f"comments/s, Parquet to tagged Parquet, {n:,} comments, one core", [n / spent], 15_000),
        at_most("MiB, peak memory of that run", [peak], 600),
        at_least("ratio of two processes to one", [2 * alone / both], 1.8),
    ]


def _watch_peak(process: "subprocess.Popen[bytes]") -> float:
    """Wait for the end of a process; the most memory that it had, in MiB.

    Looked up while it runs: `ru_maxrss` begins at what the process had that started it (getrusage(2)).
    """
    peak = 0.0
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        peak = max([peak, *(int(kib) / 1024 for kib in re.findall(r"VmHWM:\s+(\d+)", status))])
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return peak


def measure_command(models: Path, folder: Path, rounds: int) -> list[Measured]:
    """`otklik tag` of one comment."""
    source = folder / "one.csv"
    source.write_text("comment\nЗадержали поставку на две недели\n", encoding="utf-8")
    command = _tag_command(models, source)
    spent = [seconds(_run_all, [command]) for _ in range(rounds)]
    return [at_most("seconds, `otklik tag` of one comment, whole process", spent, 0.5)]


@contextmanager
def serving(command: Sequence[str], port: int, path: str, folder: Path | None = None) -> Iterator[Server]:
    """A server on core 0, until the block ends; it is there once `path` answers 200."""
    started = time.perf_counter()
    environment = os.environ | {"OTKLIK_DATABASE": f"sqlite:///{folder}/bench.db"} if folder else None
    process = start_on(0, command, stdout=subprocess.DEVNULL, env=environment, cwd=folder)
    try:
        while not _answers(port, path):
            if process.poll() is not None or time.perf_counter() - started > _START_SECONDS:
                raise RuntimeError(f"{command} did not come to answer on port {port}")
            time.sleep(0.005)
        yield Server(process, port, time.perf_counter() - started)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port that no one listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, ValueError):
        return False


def _tag_command(models: Path, source: Path) -> list[str]:
    output = source.with_name(f"{source.stem}-tagged{source.suffix.replace('.csv', '.jsonl')}")
    command = [sys.executable, "-m", "service.cli", "tag", str(source), "--output", str(output), "--force"]
    return [*command, "--models", str(models)]


def _run_all(commands: Sequence[Sequence[str]]) -> None:
    """Run the commands at the same time, each on a core."""
    running = [start_on(core, command) for core, command in enumerate(commands)]
    if any(process.wait() for process in running):
        raise RuntimeError(f"a process failed: {json.dumps(commands)}")
