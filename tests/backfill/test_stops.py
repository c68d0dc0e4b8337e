"""What a user meets when a run is stopped, gone on with, or stands in the way of another."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from service.backfill.run import Outcome, StoppedError, backfill
from service.backfill.work_folder import WorkFolder, hold
from service.intake.rows import FileError
from service.nlp.errors import OtklikError
from tests.backfill.conftest import Begin, Command, wait_for_chunks

Run = Callable[..., Outcome]


@pytest.fixture
def expected(run: Run, few: Path, tmp_path: Path) -> bytes:
    """What a run left alone gives, in chunks of one row."""
    run(few, output=tmp_path / "expected.csv", chunk_rows=1)
    return (tmp_path / "expected.csv").read_bytes()


@pytest.fixture
def stopped(run: Run, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The output of a run that was stopped after ten pieces."""
    output = tmp_path / "out.csv"
    commit = WorkFolder.commit

    def commit_ten(self: WorkFolder, *piece: object) -> object:
        if len(self.entries()) == 10:
            raise KeyboardInterrupt
        return commit(self, *piece)  # type: ignore[arg-type]

    monkeypatch.setattr(WorkFolder, "commit", commit_ten)
    with pytest.raises(StoppedError, match=r"9 of 57 rows are done and kept in .*out\.csv\.work"):
        run(few, output=output, chunk_rows=1)
    monkeypatch.undo()
    return output


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_by_the_user(
    begin: Begin, command: Command, answers: Path, tmp_path: Path, stop: signal.Signals
) -> None:
    """Ctrl-C and `kill` end with exit code 130 and say what is kept; the same command then finishes."""
    output, undisturbed = tmp_path / "out.csv", tmp_path / "undisturbed.csv"
    command(answers, "--output", undisturbed, "--chunk-rows", 1)
    with begin(answers, "--output", output) as process:
        wait_for_chunks(output, 5)
        process.send_signal(stop)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from there" in told
    assert not output.exists()
    done = command(answers, "--output", output, "--chunk-rows", 1)
    assert "going on with the run in" in done.stderr
    assert output.read_bytes() == undisturbed.read_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason="SKIPPED: /proc is Linux's")
def test_workers_end_with_the_run(begin: Begin, answers: Path, tmp_path: Path) -> None:
    """SIGKILL of the run leaves no process of it behind."""
    output = tmp_path / "out.csv"
    with begin(answers, "--output", output, "--workers", 2) as process:
        wait_for_chunks(output, 5)
        children = _children(process.pid)
        assert len(children) >= 2
        process.kill()
    for child in children:
        for _ in range(500):
            if not Path(f"/proc/{child}").exists() or _is_zombie(child):
                break
            time.sleep(0.02)
        else:
            pytest.fail(f"process {child} lives on")


@pytest.mark.skipif(sys.platform != "linux", reason="SKIPPED: /proc is Linux's")
def test_a_worker_that_dies(begin: Begin, few: Path, expected: bytes, tmp_path: Path) -> None:
    """A worker killed in mid-run costs a piece's work and nothing else."""
    output = tmp_path / "out.csv"
    with begin(few, "--output", output, "--workers", 2) as process:
        wait_for_chunks(output, 2)
        os.kill(_children(process.pid)[-1], signal.SIGKILL)
        process.communicate(timeout=120)
    assert process.returncode == 1
    assert output.read_bytes() == expected


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_a_disk_that_is_full(
    run: Run, command: Command, few: Path, expected: bytes, tmp_path: Path, share: float
) -> None:
    """A write that fails half-way is told; nothing half-written counts, and the same command goes on."""
    output = tmp_path / "out.csv"
    limit = int(share * len(expected))

    def limit_file_size() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = command(few, "--output", output, "--chunk-rows", 1, preexec_fn=limit_file_size)
    assert done.returncode == 2
    assert "goes on from there" in done.stderr or "Nothing was written" in done.stderr
    assert os.strerror(errno.EFBIG) in done.stderr
    assert not output.exists()
    run(few, output=output, chunk_rows=1)
    assert output.read_bytes() == expected


def test_a_small_disk(run: Run, command: Command, few: Path, tmp_path: Path) -> None:
    """On a file system with no room left: the same, with «No space left on device»."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("SKIPPED: no right to mount a small disk; RLIMIT_FSIZE is tested instead")
    try:
        done = command(few, "--output", disk / "out.csv", "--chunk-rows", 1)
        assert done.returncode == 2
        assert os.strerror(errno.ENOSPC) in done.stderr
        subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
        assert command(few, "--output", disk / "out.csv", "--chunk-rows", 1).returncode == 1
        run(few, output=tmp_path / "whole.csv", chunk_rows=1)
        assert (disk / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_going_on_from_a_torn_journal(run: Run, few: Path, stopped: Path, expected: bytes) -> None:
    """Half a line, a lost part and an altered part, as a power cut leaves them, are done again."""
    folder = Path(f"{stopped}.work")
    with (folder / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"chunk": 11, "fil')
    parts = sorted((folder / "parts").glob("*.rows"))
    parts[0].unlink()
    parts[1].write_bytes(bytes(len(parts[1].read_bytes())))
    run(few, output=stopped, chunk_rows=1)
    assert stopped.read_bytes() == expected


def test_more_workers_on_resume(run: Run, few: Path, stopped: Path, expected: bytes) -> None:
    """Who does the work may change on the way."""
    run(few, output=stopped, chunk_rows=1, workers=2)
    assert stopped.read_bytes() == expected


def test_a_changed_input(run: Run, few: Path, tmp_path: Path, stopped: Path) -> None:
    """Going on over an input that has changed is refused and both sizes are told; --restart begins anew."""
    before = few.read_bytes()
    try:
        few.write_bytes(before + "58;5;цена\n".encode())
        with pytest.raises(FileError, match=r"few\.csv has changed: .* bytes then, .* --restart"):
            run(few, output=stopped, chunk_rows=1)
        outcome = run(few, output=stopped, chunk_rows=1, restart=True)
        assert outcome.totals.rows + outcome.totals.quarantined == 58
    finally:
        few.write_bytes(before)


def test_changed_options(run: Run, few: Path, answers: Path, stopped: Path) -> None:
    """Each option that shapes the output is named when it differs, and so is another input."""
    with pytest.raises(FileError, match="--chunk-rows was «1», now it is «2»"):
        run(few, output=stopped, chunk_rows=2)
    with pytest.raises(FileError, match=r"--question was not given, now it is «Почему\?»"):
        run(few, output=stopped, chunk_rows=1, question="Почему?")
    with pytest.raises(FileError, match=r"answers\.csv was not among the inputs, now it is"):
        run(few, answers, output=stopped, chunk_rows=1)


def test_a_changed_model(few: Path, own_models: Path, tmp_path: Path, stopped: Path, run: Run) -> None:
    """Going on with another model is refused; both are named."""
    from service.backfill.run import Request

    version = (own_models / "current").read_text().strip()
    shutil.copytree(own_models / version, own_models / "other")
    manifest = own_models / "other" / "manifest.json"
    manifest.write_text(
        manifest.read_text(encoding="utf-8").replace(f'"{version}"', '"other"'), encoding="utf-8"
    )
    request = Request((str(few),), str(stopped), own_models, model="other", chunk_rows=1)
    with pytest.raises(FileError, match=f"the model was {version}, now it is other"):
        backfill(request, tell=lambda line: None)


def test_two_runs_at_one_output(run: Run, few: Path, tmp_path: Path) -> None:
    """The second one is refused at once, and told who holds the output."""
    output = tmp_path / "out.csv"
    with hold(Path(f"{output}.work")), pytest.raises(FileError, match=f"another run .process {os.getpid()}"):
        run(few, output=output)
    run(few, output=output)
    assert not Path(f"{output}.work").exists()


def test_a_file_that_grows(run: Run, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An input that is written to meanwhile is told, before anything is tagged."""
    source = tmp_path / "growing.csv"
    shutil.copy(few, source)
    from service.backfill.repeats import Repeats

    add = Repeats.add

    def grow(self: Repeats, comments: object) -> None:
        with source.open("a", encoding="utf-8") as file:
            file.write("99;5;цена\n")
        add(self, comments)  # type: ignore[arg-type]

    monkeypatch.setattr(Repeats, "add", grow)
    with pytest.raises(FileError, match=r"growing\.csv was written to while it was read"):
        run(source, output=tmp_path / "out.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["growing.csv"]


def test_a_read_only_folder(run: Run, few: Path, tmp_path: Path) -> None:
    """A folder that may not be written to is told before anything is read."""
    if os.geteuid() == 0:
        folder = Path("/proc")  # root may write to all but such a folder
    else:
        folder = tmp_path / "locked"
        folder.mkdir(mode=0o500)
    with pytest.raises(FileError, match=r"out\.csv\.work: cannot be made .*that you may write to"):
        run(few, output=folder / "out.csv")


REFUSALS: dict[str, tuple[str, str]] = {
    "no such folder": ("none/out.csv", r"none/out\.csv\.work: cannot be made \(No such file or directory\)"),
    "a folder": ("", r"is a folder; name a file, such as .*/tagged\.csv"),
    "an unknown ending": ("out.doc", r"«\.doc» cannot be written"),
}


@pytest.mark.parametrize(("name", "message"), REFUSALS.values(), ids=REFUSALS.keys())
def test_outputs_that_cannot_be(run: Run, few: Path, tmp_path: Path, name: str, message: str) -> None:
    """Each is refused with the reason, and leaves nothing."""
    with pytest.raises(FileError, match=message):
        run(few, output=tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_an_output_that_is_there(run: Run, few: Path, tmp_path: Path) -> None:
    """It stays as it is until --force; an old quarantine does not stay beside a new output."""
    output, clean = tmp_path / "out.csv", tmp_path / "clean.csv"
    run(few, output=output)
    assert Path(f"{output}.quarantine.csv").exists()
    before = output.read_bytes()
    clean.write_text("comment\nцена высокая\n", encoding="utf-8")
    with pytest.raises(FileError, match="is there already"):
        run(clean, output=output)
    assert output.read_bytes() == before
    run(clean, output=output, force=True)
    assert not Path(f"{output}.quarantine.csv").exists()


def test_folders_without_tables(run: Run, tmp_path: Path) -> None:
    """An empty folder, and an input that is the output, are named."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="empty: found no table in this folder"):
        run(tmp_path / "empty", output=tmp_path / "out.csv")
    (tmp_path / "a.csv").write_text("comment\nцена\n", encoding="utf-8")
    with pytest.raises(FileError, match="input and output are one file"):
        run(tmp_path / "a.csv", output=tmp_path / "a.csv")


def test_a_plan_that_is_damaged(run: Run, few: Path, stopped: Path) -> None:
    """A plan that cannot be read is told, with the way out."""
    (Path(f"{stopped}.work") / "plan.json").write_text("{", encoding="utf-8")
    with pytest.raises(OtklikError, match=r"plan\.json is damaged; --restart begins anew"):
        run(few, output=stopped, chunk_rows=1)
