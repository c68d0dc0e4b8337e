"""`otklik intake`: looking after deliveries from the command line."""

import subprocess
import sys
from pathlib import Path

import pytest

from service.cli import main
from service.intake import adapters
from service.intake.captures import read_capture
from service.store import inbox
from service.store.database import Database
from service.store.inbox import NewDelivery
from training.settings import PROJECT

EXAMPLES = PROJECT / "data" / "examples"


@pytest.fixture
def store(sqlite_store: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A store with one delivery that could not be read and one that was worked off."""
    monkeypatch.setenv("OTKLIK_DATABASE", str(sqlite_store.url))
    monkeypatch.setenv("OTKLIK_INTAKE", str(EXAMPLES / "intake.yaml"))
    body = '{"id": "1", "comment": "Дорого"}'.encode()
    with sqlite_store.write() as connection:
        for key, state, problem in (("a", "unreadable", "no JSON"), ("b", "done", None)):
            headers = {"content-type": "application/json"}
            inbox.add(connection, NewDelivery("webask", key, "POST", "x=1", headers, body, state, problem))
    return sqlite_store


def test_list_and_filter(store: Database, capsys: pytest.CaptureFixture[str]) -> None:
    """The newest delivery comes first, with its state and what was wrong."""
    assert main(["intake", "list"]) == 0
    second, first = capsys.readouterr().out.splitlines()
    assert second.startswith("2  ")
    assert second.endswith("  webask  done")
    assert first.endswith("  webask  unreadable: no JSON")
    assert main(["intake", "list", "--state", "unreadable", "--source", "webask"]) == 0
    assert capsys.readouterr().out.splitlines() == [first]


def test_what_is_shown_can_be_tried(
    store: Database, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    """`show` prints a request that `try` reads."""
    assert main(["intake", "show", "1"]) == 0
    shown = capfdbinary.readouterr().out
    assert read_capture(shown).query == "x=1"
    (tmp_path / "a.http").write_bytes(shown)
    assert main(["intake", "try", "webask", str(tmp_path / "a.http")]) == 0
    assert '"text": "Дорого"'.encode() in capfdbinary.readouterr().out


def test_replay(store: Database, capsys: pytest.CaptureFixture[str]) -> None:
    """What came to nothing waits again; what was worked off only when that is asked for."""
    assert main(["intake", "replay"]) == 0
    assert capsys.readouterr().out.startswith("1 deliveries")
    assert main(["intake", "replay", "--all", "--source", "webask"]) == 0
    with store.read() as connection:
        assert inbox.count_waiting(connection) == 2


def test_sources(store: Database, capsys: pytest.CaptureFixture[str]) -> None:
    """Each source is listed with what it demands, each other adapter with what it needs."""
    assert main(["intake", "sources"]) == 0
    out = capsys.readouterr().out
    assert "typeform        Typeform: lets in what has a signature" in out
    assert "shop-survey     WebAsk: lets in what has a token" in out
    assert "bitrix24        Битрикс24: not in intake.yaml; needs tokens" in out
    assert all(name in out for name in adapters.names())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["try", "nobody", "x"], "found no source «nobody»; otklik intake sources lists them"),
        (["try", "tally", "none.json"], "none.json: cannot be read"),
        (["show", "99"], "found no delivery 99"),
        (["file", "none.csv", "--source", "tally"], "found no"),
    ],
)
def test_mistakes(
    store: Database, arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake is one line and the exit code 2."""
    assert main(["intake", *arguments]) == 2
    assert expected in capsys.readouterr().err


def test_body_that_cannot_be_read(
    store: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`try` says of a broken body what is wrong with it."""
    (tmp_path / "a.json").write_bytes(b'{"id": ')
    assert main(["intake", "try", "webask", str(tmp_path / "a.json")]) == 2
    assert "the body is not valid JSON" in capsys.readouterr().err


def test_output_that_nobody_reads_on(store: Database) -> None:
    """A reader that has seen enough, such as `head`, is no error."""
    command = f"{sys.executable} -m service.cli intake sources | head -1"
    done = subprocess.run(["bash", "-c", command], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


@pytest.mark.parametrize("action", [[], ["try"], ["file"], ["sources"], ["list"], ["show"], ["replay"]])
def test_help_teaches(action: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Each action explains itself."""
    with pytest.raises(SystemExit):
        main(["intake", *action, "--help"])
    assert "usage: otklik intake" in capsys.readouterr().out
