"""A command that is stopped leaves nothing half done."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_PATIENCE = 60.0


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_stopped_tagging_leaves_no_file(
    stop: signal.Signals, ending: str, models: Path, tmp_path: Path
) -> None:
    """Stopped while it writes, `otklik tag` says so in one line, and leaves no output, nor half of one."""
    source, output = tmp_path / "a.csv", tmp_path / f"out.{ending}"
    with source.open("w", encoding="utf-8") as file:
        file.write("comment\n")
        file.writelines(f"Везли долго, ответа ждали {number} дней\n" for number in range(400_000))
    command = [sys.executable, "-m", "service.cli", "tag", str(source), "--output", str(output)]
    # A shell that runs tests in the background has its children ignore Ctrl-C; a user's does not.
    with subprocess.Popen(
        [*command, "--models", str(models)],
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        deadline = time.monotonic() + _PATIENCE
        while not list(tmp_path.glob(".out.*")) and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(stop)
        _, told = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 130
    assert told.decode().splitlines()[-1] == "otklik: stopped; nothing was written"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
