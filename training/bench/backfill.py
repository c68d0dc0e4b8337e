"""A backfill of a million rows: its speed, the memory of all its processes, and what it costs."""

import csv
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from training.bench.comments import make_comments
from training.bench.measure import Measured, at_least, at_most

_SECONDS_BETWEEN_LOOKS = 0.5
_SEED = 7


@dataclass(frozen=True)
class _Run:
    """What one run took."""

    seconds: float
    core_seconds: float
    """Of the processor, over all its processes."""
    peak_mib: float
    """Of all its processes at once; memory that they share counts once."""


def measure_backfill(models: Path, texts: Sequence[str], folder: Path, n: int) -> list[Measured]:
    """`otklik backfill` of a CSV file with a worker a core; of a fifth of it with one worker and two."""
    whole, fifth = folder / "years.csv", folder / "year.csv"
    write_answers(whole, texts, n)
    write_answers(fifth, texts, n // 5)
    cores = len(os.sched_getaffinity(0))
    run = _run(models, whole, cores)
    one, two = _run(models, fifth, 1), _run(models, fifth, 2)
    return [
        at_least(
            f"rows/s, CSV to CSV, {n:,} rows, otklik backfill on {cores} cores", [n / run.seconds], None
        ),
        at_most("MiB, peak memory of that run, all processes", [run.peak_mib], 600),
        at_most("core hours a million comments", [run.core_seconds / 3_600 * 1_000_000 / n], None),
        at_least("ratio of two workers to one", [one.seconds / two.seconds], 1.8),
    ]


def write_answers(path: Path, texts: Sequence[str], n: int) -> None:
    """An export of `n` distinct comments with scores."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["№", "Оценка", "Комментарий"])
        for number, comment in enumerate(islice(make_comments(texts, _SEED), n), 1):
            writer.writerow([number, number % 11, comment])


def _run(models: Path, source: Path, workers: int) -> _Run:
    words = [
        "backfill",
        str(source),
        "--output",
        str(source.with_suffix(".tagged.csv")),
        "--force",
        "--restart",
    ]
    command = [
        sys.executable,
        "-m",
        "service.cli",
        *words,
        "--workers",
        str(workers),
        "--models",
        str(models),
    ]
    started, before = time.perf_counter(), os.times()
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, tree_mib(process.pid))
            time.sleep(_SECONDS_BETWEEN_LOOKS)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return _Run(time.perf_counter() - started, spent, peak)


def tree_mib(pid: int) -> float:
    """Proportional set size of a process and its descendants (proc(5)): shared pages are shared out."""
    total = 0.0
    with suppress(OSError):
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        total += int(re.findall(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[0]) / 1024
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        total += sum(tree_mib(int(child)) for child in children.split())
    return total
