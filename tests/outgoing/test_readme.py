"""The README's commands of the outgoing side do what it shows."""

import re
import shlex
from pathlib import Path

import pytest

from service.cli import main
from service.delivery.schedule import SCHEDULE

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
_BLOCKS = "".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
COMMANDS = re.findall(r"^\.venv/bin/otklik ((?:webhooks|collect|cases) .*)$", _BLOCKS, re.MULTILINE)


def test_the_commands_of_the_readme_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """In their order, in an empty installation; each line that is shown for webhooks is printed."""
    assert COMMANDS
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OTKLIK_DATABASE", f"sqlite:///{tmp_path / 'otklik.db'}")
    for command in COMMANDS:
        assert main(shlex.split(command)) == 0, command
    printed = capsys.readouterr().out
    for block in re.findall(r"```text\n((?:webhook 1 added|квартал).*?)```", README, re.DOTALL):
        for line in block.splitlines():
            assert line.partition("…")[0] in printed


def test_the_schedule_of_the_readme_is_the_one_that_is_kept():
    """What receivers are promised is what the sender does."""
    units = {"s": 1, "min": 60, "h": 3600}
    promised = re.search(r"at once, then after (.*?) \(each", README, re.DOTALL)
    assert promised
    waits, unit = [], ""
    for number, name in reversed(re.findall(r"(\d+)(?: (s|min|h))?", promised[1])):
        unit = name or unit
        waits.append(int(number) * units[unit])
    assert waits[::-1] == [int(wait.total_seconds()) for wait in SCHEDULE]
