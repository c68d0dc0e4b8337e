"""A model comes into use checked, one at a time, and never by halves."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.cli import main
from service.nlp.artefact import current_version, load_tagger, set_current
from service.nlp.errors import ArtefactError, OtklikError
from service.registry.errors import GateError, RegistryError
from service.registry.journal import Journal, reigns
from service.registry.switch import adopt, promote, rollback, settle
from tests.registry.variants import add_comparison, add_variant

OTKLIK = [sys.executable, "-m", "service.cli", "models"]


@pytest.fixture
def first(own_models: Path) -> str:
    """The model in use."""
    return current_version(own_models)


@pytest.fixture
def second(own_models: Path, first: str) -> str:
    """A candidate that is a little better."""
    version = add_variant(own_models, "2026-12-01-bbbbbb", 0.1)
    add_comparison(own_models, version, first, 0.02)
    return version


def test_promote_and_roll_back(own_models: Path, first: str, second: str) -> None:
    """The candidate serves, then the old one again; the journal tells both, with who and from which data."""
    promote(own_models, second, "anna")
    assert load_tagger(own_models).version == second
    rollback(own_models, "boris", "fewer praises than people see")
    assert current_version(own_models) == first
    replayed = reigns(Journal(own_models).read())
    assert [reign.version for reign in replayed] == [first, second, first]
    assert [reign.entry.by for reign in replayed] == ["tests", "anna", "boris"]
    assert all(reign.entry.data["comments"] for reign in replayed)
    with pytest.raises(RegistryError, match="knows no model before"):
        rollback(own_models, "boris")


def test_a_worse_candidate_is_refused(own_models: Path, first: str, second: str) -> None:
    """The gate names the category; force passes it, and the journal keeps why."""
    add_comparison(own_models, second, first, -0.1)
    with pytest.raises(GateError, match=r"significantly worse .* folds: f1 price"):
        promote(own_models, second, "anna")
    assert current_version(own_models) == first
    entry = promote(own_models, second, "anna", forced="the new price list")
    assert (entry.worse, entry.reason) == (("folds: f1 price",), "the new price list")
    assert current_version(own_models) == second


def test_a_candidate_without_a_comparison_is_refused(own_models: Path, first: str) -> None:
    """What was not measured beside the model in use is not promoted; the message says what to run."""
    version = add_variant(own_models, "2026-12-01-cccccc", 0.2)
    with pytest.raises(GateError, match=r"was not compared .* make compare VERSION=2026-12-01-cccccc"):
        promote(own_models, version, "anna")
    other = add_variant(own_models, "2026-12-01-dddddd", 0.3)
    comparison = add_comparison(own_models, other, first, 0.1)
    path = own_models / version / "comparisons" / f"{first}.json"
    path.parent.mkdir()
    path.write_text(comparison.model_dump_json(), encoding="utf-8")
    with pytest.raises(GateError, match="about other models"):
        promote(own_models, version, "anna")
    assert promote(own_models, version, "anna", forced="urgent").worse == ("not compared",)


@pytest.mark.parametrize("damage", ["flip", "missing", "extra", "manifest", "half", "dictionary", "format"])
def test_a_damaged_candidate_is_refused(own_models: Path, first: str, second: str, damage: str) -> None:
    """Altered, half-written or incompatible, force or not: the old model stays in use."""
    folder = own_models / second
    array = folder / "arrays" / "biases.npy"
    if damage == "flip":
        content = bytearray(array.read_bytes())
        content[-1] ^= 1
        array.unlink()
        array.write_bytes(bytes(content))
    elif damage == "missing":
        array.unlink()
    elif damage == "extra":
        (folder / "arrays" / "more.npy").write_bytes(b"")
    elif damage == "half":
        (folder / "manifest.json").unlink()
    else:
        fields = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if damage == "manifest":
            fields["files"].pop("rule.json")
            fields["version"] = "other"
        elif damage == "dictionary":
            fields["libraries"]["pymorphy3-dicts-ru"] = "1.0"
        else:
            fields["format"] = 99
        (folder / "manifest.json").write_text(json.dumps(fields), encoding="utf-8")
    before = Journal(own_models).read()
    for forced in (None, "urgent"):
        with pytest.raises(ArtefactError):
            promote(own_models, second, "anna", forced)
    assert current_version(own_models) == first
    assert Journal(own_models).read() == before


@pytest.mark.parametrize("version", ["../elsewhere", "", "nowhere"])
def test_a_name_that_is_none(own_models: Path, version: str) -> None:
    """What is no version of the folder is refused."""
    with pytest.raises(OtklikError):
        promote(own_models, version, "anna")


def test_what_is_in_use_is_not_promoted_again(own_models: Path, first: str) -> None:
    """Nothing is recorded when nothing changes."""
    with pytest.raises(RegistryError, match="in use already"):
        promote(own_models, first, "anna")
    assert adopt(own_models, first, "first", "anna") is None
    assert len(reigns(Journal(own_models).read())) == 1


def test_a_change_by_hand_is_found(own_models: Path, first: str, second: str) -> None:
    """Whoever writes `current` himself finds it in the journal, with the time of the file."""
    set_current(own_models, second)
    entry = settle(own_models)[-1]
    assert (entry.action, entry.version, entry.replaces) == ("found", second, first)
    assert entry.at.timestamp() == pytest.approx((own_models / "current").stat().st_mtime, abs=1e-3)
    assert rollback(own_models, "anna").version == first


def test_two_promotions_at_once(own_models: Path, first: str) -> None:
    """They follow one another: each entry replaces what the one before it put into use."""
    versions = [add_variant(own_models, f"2026-12-01-{i}{i}{i}", i / 10) for i in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda version: promote(own_models, version, "t", forced="race"), versions))
    replayed = reigns(Journal(own_models).read())
    assert sorted(reign.version for reign in replayed[1:]) == versions
    assert [r.entry.replaces for r in replayed[1:]] == [r.version for r in replayed[:-1]]
    assert current_version(own_models) == replayed[-1].version


def test_the_second_of_two_needs_a_comparison_with_the_first(
    own_models: Path, first: str, second: str
) -> None:
    """Two candidates compared with the same old model: as processes at once, one wins and one is told."""
    third = add_variant(own_models, "2026-12-01-eeeeee", 0.2)
    add_comparison(own_models, third, first, 0.01)
    processes = [
        subprocess.Popen(
            [*OTKLIK, "promote", version, "--models", str(own_models)], stderr=subprocess.PIPE, text=True
        )
        for version in (second, third)
    ]
    told = [process.communicate(timeout=60)[1] for process in processes]
    assert sorted(process.returncode for process in processes) == [0, 2]
    assert any("was not compared with" in text for text in told)


_SWITCH_FOREVER = """
import sys
from pathlib import Path
from service.registry.switch import adopt
models, versions = Path(sys.argv[1]), sys.argv[2:]
print("ready", flush=True)
while True:
    for version in versions:
        adopt(models, version, "promote", by="killed")
"""


def test_killed_while_switching(own_models: Path, first: str, second: str) -> None:
    """kill -9 at any moment of a promotion leaves a model in use that loads, and a journal that agrees."""
    for round_number in range(6):
        command = [sys.executable, "-c", _SWITCH_FOREVER, str(own_models), first, second]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.02 * round_number)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        in_use = current_version(own_models)
        assert in_use in (first, second)
        entries = settle(own_models)
        assert entries[-1].step in ("done", "abandoned")
        assert reigns(entries)[-1].version == in_use
        times = [reign.since for reign in reigns(entries)]
        assert times == sorted(times)
    assert load_tagger(own_models).version == in_use


def test_killed_between_the_journal_and_the_pointer(own_models: Path, first: str, second: str) -> None:
    """A promotion that was begun and not done is told as abandoned; one done and not told is told as done."""
    journal = Journal(own_models)
    promote(own_models, second, "anna")
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(b"".join(lines[:-1]))
    assert [entry.step for entry in settle(own_models)[-2:]] == ["begin", "done"]
    rollback(own_models, "anna")
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(b"".join(lines[:-1]))
    set_current(own_models, second)
    assert [entry.step for entry in settle(own_models)[-2:]] == ["begin", "abandoned"]
    assert reigns(settle(own_models))[-1].version == current_version(own_models) == second


_PROMOTE_ON_A_FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from service.registry.errors import RegistryError
from service.registry.switch import promote
models, version, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    promote(models, version, "anna")
except RegistryError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("room", [0, 40])
def test_no_room_for_the_journal(own_models: Path, first: str, second: str, room: int) -> None:
    """When the journal can take no line, or a part of one, nothing changes and the message says why."""
    journal = Journal(own_models)
    before = journal.path.read_bytes()
    command = [sys.executable, "-c", _PROMOTE_ON_A_FULL_DISK, str(own_models), second]
    done = subprocess.run([*command, str(len(before) + room)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "promotions.jsonl: cannot be written (File too large); free some space" in done.stderr
    assert journal.path.read_bytes() == before
    assert current_version(own_models) == first
    assert promote(own_models, second, "anna").version == second


def test_a_really_full_disk(models: Path, tmp_path: Path) -> None:
    """With no room on the file system a promotion changes nothing; with room again it passes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no small file system can be mounted here (needs root)")
    try:
        own = disk / "models"
        shutil.copytree(models, own)
        first = current_version(own)
        second = add_variant(own, "2026-12-01-bbbbbb", 0.1)
        add_comparison(own, second, first, 0.02)
        _fill(disk / "filler")
        with pytest.raises(RegistryError, match="No space left on device"):
            promote(own, second, "anna")
        assert current_version(own) == first
        (disk / "filler").unlink()
        assert promote(own, second, "anna").version == second
        assert reigns(settle(own))[-1].version == second
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


def test_the_commands(own_models: Path, first: str, second: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`list`, `diff`, `promote`, `show`, `rollback` and `journal` tell what an analyst asks."""

    def run(*words: str) -> str:
        assert main(["models", *words, "--models", str(own_models)]) == 0
        return capsys.readouterr().out

    assert f"{second:<24} candidate" in run("list")
    assert "+0.020  [+0.010, +0.030]" in run("diff", second)
    assert "gate: passed" in run("diff", second)
    promoted = run("promote", second, "--by", "anna")
    assert promoted == f"{second} is in use in place of {first}; recorded as entry 4\n"
    assert "in use" in run("show")
    assert "was in use" in run("show", first)
    assert f"{first} is in use in place of {second}" in run("rollback", "--reason", "test")
    assert "6 entries, each follows from the one before it" in run("journal")
    assert "no model was in use then" in run("journal", "--at", "2020-01-01")
    assert first in run("journal", "--at", "2100-01-01")


def test_force_needs_a_reason(own_models: Path, second: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--force` alone is refused."""
    assert main(["models", "promote", second, "--force", "--models", str(own_models)]) == 2
    assert "--force needs --reason" in capsys.readouterr().err
