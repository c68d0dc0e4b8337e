"""The README's examples do what it says."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SHELL = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
JSON = re.findall(r"```json\n(.*?)```", README, re.DOTALL)


def _fixed(result: dict[str, Any]) -> dict[str, Any]:
    """What does not depend on the training run: probabilities and the finer aspect do."""
    tags = [
        {name: value for name, value in tag.items() if name not in ("probability", "aspect")}
        for tag in result["tags"]
    ]
    return result | {"tags": tags}


def test_the_curl_example(client: TestClient) -> None:
    """The request of the README gets the answer of the README."""
    [curl] = [block for block in SHELL if block.startswith("curl")]
    words = shlex.split(curl)
    assert words[2] == "http://127.0.0.1:8000/v1/predict"
    content_type = words[words.index("-H") + 1].split(": ")
    answer = client.post("/v1/predict", content=words[words.index("-d") + 1], headers=[content_type])
    shown = json.loads(JSON[0])
    assert set(answer.json()) == set(shown)
    assert list(map(_fixed, answer.json()["results"])) == list(map(_fixed, shown["results"]))


def test_the_error_example(client: TestClient) -> None:
    """The problem shown is the problem sent."""
    answer = client.post("/v1/predict", json={"comments": [{"id": "1", "text": "а", "score": 11}]})
    assert answer.json() == json.loads(JSON[1])


@pytest.mark.parametrize("command", [b for b in SHELL if "otklik tag" in b], ids=str.strip)
def test_the_tag_examples(command: str, models: Path, project: Path, tmp_path: Path) -> None:
    """Each `otklik tag` line works from the project's folder and says what the README shows."""
    words = shlex.split(command)
    output = tmp_path / words[-1]
    run = [sys.executable, "-m", "service.cli", *words[1:-1], str(output), "--models", str(models)]
    done = subprocess.run(run, cwd=project, capture_output=True, text=True, check=True)
    assert output.exists()
    shown = re.search(r"```text\n(.*?), …\n```", README, re.DOTALL)
    assert shown
    assert shown[1] in done.stderr


def test_the_training_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """Each `python -m training …` line of the README is a command that has these options."""
    from training.__main__ import main

    lines = [line for block in SHELL for line in block.splitlines() if "-m training " in line]
    assert len(lines) >= 6
    for line in lines:
        words = shlex.split(line)
        command, options = words[3], [word for word in words[4:] if word.startswith("--")]
        with pytest.raises(SystemExit, match="0"):
            main([command, "--help"])
        told = capsys.readouterr().out
        assert all(option in told for option in options)


def test_every_target_is_there(project: Path) -> None:
    """Each `make …` of the README is a target, and `make` lists it."""
    named = set(re.findall(r"make ([a-z]+)", " ".join(re.findall(r"`[^`]*`|```.*?```", README, re.DOTALL))))
    listed = subprocess.run(["make"], cwd=project, capture_output=True, text=True, check=True).stdout
    assert {"run", "train", "evaluate", "test", "check", "bench"} <= named
    assert all(f"make {name} " in listed for name in named)


def test_every_endpoint_and_setting_is_named(client: TestClient) -> None:
    """A new endpoint or setting comes with its line in the README."""
    from dataclasses import fields

    from service.settings import PREFIX, Settings

    paths = client.get("/openapi.json").json()["paths"]
    assert all(path in README for path in paths)
    assert all(f"`{PREFIX}{field.name.upper()}`" in README for field in fields(Settings))
