"""Whatever stops a run, the same command goes on, and the output is the same to the byte."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.backfill.run import Outcome

Run = Callable[..., Outcome]
Kill = Callable[..., int]

KILLS = 50


@pytest.fixture(scope="module")
def kill_after(project: Path, models: Path) -> Iterator[Kill]:
    """Runs the real command, and kills it by SIGKILL after some seconds: its status."""
    line = [sys.executable, "-m", "tests.backfill.kill_server"]
    with subprocess.Popen(
        line, cwd=project, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as server:
        assert server.stdin
        assert server.stdout

        def run_and_kill(*words: object, seconds: float | None) -> int:
            request = {"words": ["backfill", *map(str, words), "--models", str(models)], "seconds": seconds}
            server.stdin.write(json.dumps(request) + "\n")
            server.stdin.flush()
            status: int = json.loads(server.stdout.readline())["status"]
            return status

        yield run_and_kill
        server.stdin.close()


def _outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_killed_at_fifty_random_moments(kill_after: Kill, few: Path, tmp_path: Path) -> None:
    """SIGKILL, again and again, at any moment from the first to the last: the same bytes each time."""
    moments = random.Random(5)
    kills = sum(
        _kill_again_and_again(kill_after, few, tmp_path / ending, ending, moments)
        for ending in ("csv", "parquet", "xlsx")
    )
    assert kills >= KILLS


def _kill_again_and_again(
    kill_after: Kill, source: Path, folder: Path, ending: str, moments: random.Random
) -> int:
    """How often a run was killed; each time one came to its end, its files were those of one left alone."""
    (folder / "whole").mkdir(parents=True)
    words = [source, "--chunk-rows", 5, "--workers", 1, "--output"]
    assert kill_after(*words, folder / "whole" / f"out.{ending}", seconds=None) == 1
    started = time.monotonic()
    assert kill_after(*words, folder / "whole" / f"out.{ending}", "--force", seconds=None) == 1
    duration = time.monotonic() - started
    expected = _outputs(folder / "whole")
    kills = 0
    while kills < KILLS // 3 + 1:
        killed = folder / "killed"
        killed.mkdir(exist_ok=True)
        status = kill_after(*words, killed / f"out.{ending}", seconds=moments.uniform(0, duration))
        kills += status == -signal.SIGKILL
        if (killed / f"out.{ending}").exists() and not (killed / f"out.{ending}.work").exists():
            assert _outputs(killed) == expected
            shutil.rmtree(killed)
    if kill_after(*words, killed / f"out.{ending}", seconds=None) == 1:
        assert _outputs(killed) == expected
        assert not [path.name for path in killed.iterdir() if path.name not in expected]
    return kills
