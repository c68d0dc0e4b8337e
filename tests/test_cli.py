"""The command line knows its commands, and loads only the one that is asked for."""

import subprocess
import sys

import pytest

from service.cli import COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_its_help(command: str) -> None:
    """Asked for by name, a command explains itself as it does among all others."""
    told = subprocess.run([sys.executable, "-m", "service.cli", command, "--help"], capture_output=True)
    assert told.returncode == 0
    assert told.stdout.decode().startswith(f"usage: otklik {command} ")


@pytest.mark.parametrize("words", [["--help"], [], ["tags"]])
def test_without_a_command_all_are_told(words: list[str]) -> None:
    """Help lists all commands; so does the error where there is none, or none of that name."""
    told = subprocess.run([sys.executable, "-m", "service.cli", *words], capture_output=True)
    assert told.returncode == (0 if words == ["--help"] else 2)
    text = (told.stdout + told.stderr).decode()
    if words:
        assert all(command in text for command in COMMANDS)
    else:
        assert "COMMAND" in text


def test_a_command_loads_no_other() -> None:
    """What the others need does not slow the start of one."""
    code = (
        "import sys; from service.cli import _parser; _parser(['tag']);"
        "print(*(name for name in sys.modules if name.startswith('service.commands.')))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    loaded = set(told.stdout.decode().split())
    assert loaded == {"service.commands.tag", "service.commands.options", "service.commands.reading"}
