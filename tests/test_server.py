"""The real commands, as processes, with real clients."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import EXAMPLE

OTKLIK = [sys.executable, "-m", "service.cli"]


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def serving(models: Path) -> Iterator[str]:
    """The address of `otklik serve`, which ends with the block."""
    port = free_port()
    command = [*OTKLIK, "serve", "--port", str(port), "--models", str(models)]
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_until_ready(address)
            yield address
        finally:
            process.terminate()
            process.wait(10)


def wait_until_ready(address: str) -> None:
    """Return once the service at `address` can predict. Raises: TimeoutError."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/readyz"):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    raise TimeoutError(f"{address} did not become ready")


def _predict(address: str, comments: list[dict[str, object]]) -> dict[str, object]:
    request = urllib.request.Request(
        f"{address}/v1/predict",
        json.dumps({"comments": comments}, ensure_ascii=False).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return dict(json.load(answer))


def test_served_to_curl(models: Path) -> None:
    """The curl line that `otklik serve` prints works as it stands."""
    port = free_port()
    command = [*OTKLIK, "serve", "--port", str(port), "--models", str(models)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            curl = next(line.strip() for line in process.stdout if "curl" in line)
            wait_until_ready(f"http://127.0.0.1:{port}")
            answer = subprocess.run(curl, shell=True, capture_output=True, text=True, check=True)
        finally:
            process.terminate()
    [result] = json.loads(answer.stdout)["results"]
    assert [tag["category"] for tag in result["tags"]] == ["logistics", "quality"]


def test_short_requests_pass_long_ones(models: Path) -> None:
    """While 1,000 long comments are tagged, short requests are answered in between."""
    rows = [{"id": str(i), "text": f"{EXAMPLE} слово{i}а{i}б {EXAMPLE}" * 4} for i in range(1_000)]
    finished: list[float] = []

    with serving(models) as address:

        def post_long() -> None:
            _predict(address, rows)
            finished.append(time.monotonic())

        long_request = threading.Thread(target=post_long)
        long_request.start()
        answered = 0
        while long_request.is_alive():
            _predict(address, [{"id": "1", "text": EXAMPLE}])
            answered += 1
        long_request.join()
    assert finished
    assert answered >= 5


def test_refuses_to_start_without_a_model(tmp_path: Path) -> None:
    """One line says what was found and what to do; the exit code is 2."""
    command = [*OTKLIK, "serve", "--models", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == f"otklik: {tmp_path}: found no current model; run make train\n"


def test_refuses_to_start_with_an_altered_model(own_models: Path) -> None:
    """A changed byte keeps the service from starting."""
    version = (own_models / "current").read_text().strip()
    rule = own_models / version / "rule.json"
    rule.write_text(rule.read_text().replace("0.", "0.1", 1))
    command = [*OTKLIK, "serve", "--models", str(own_models)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "rule.json is not as it was made" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_serving_needs_no_training_libraries(models: Path, tmp_path: Path) -> None:
    """Loading the app and a model imports neither scikit-learn, scipy, pandas nor joblib."""
    program = (
        "import sys; from pathlib import Path; from service.api.app import create_app;"
        "from service.settings import Settings; from service.nlp.artefact import load_tagger;"
        f"create_app(Settings(models=Path({str(models)!r}))); load_tagger(Path({str(models)!r}));"
        "print(sorted({'sklearn', 'scipy', 'pandas', 'joblib', 'navec', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_tag_command(models: Path, project: Path, tmp_path: Path) -> None:
    """`otklik tag` tags the shipped export, tells what it found, and opens in a spreadsheet's reader."""
    output = tmp_path / "tagged.xlsx"
    source = project / "data" / "examples" / "answers.csv"
    command = [*OTKLIK, "tag", str(source), "--output", str(output), "--models", str(models)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "cp1251, separated by «;»" in done.stderr
    assert "comments in «Почему вы поставили такую оценку?»; scores in «Оценка»; ids in «№»" in done.stderr
    assert "200 rows tagged" in done.stderr
    assert output.exists()


def test_tag_command_with_bad_rows(models: Path, tmp_path: Path) -> None:
    """The exit code 1 says that some rows have no tags, and which."""
    source = tmp_path / "a.csv"
    source.write_text("id;score;comment\n1;12;цена\n2;9;цена высокая\n", encoding="utf-8")
    command = [*OTKLIK, "tag", str(source), "-o", str(tmp_path / "b.jsonl"), "--models", str(models)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "row 2: found the score «12», expected 0 to 10" in done.stderr


def test_settings_from_the_environment(models: Path, tmp_path: Path) -> None:
    """`OTKLIK_` variables reach the command; a wrong one is named."""
    source = tmp_path / "a.csv"
    source.write_text("id;comment\n1;цена высокая\n", encoding="utf-8")
    environment = os.environ | {"OTKLIK_MODELS": str(models)}
    command = [*OTKLIK, "tag", str(source), "-o", str(tmp_path / "b.csv")]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    environment["OTKLIK_MAX_COMMENTS"] = "many"
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert re.search(r"OTKLIK_MAX_COMMENTS: found «many», expected a whole number", done.stderr)


@pytest.mark.parametrize("port", ["99999", "0", "http"])
def test_a_port_that_is_none(port: str) -> None:
    """A port out of range is refused at once, with what is expected."""
    command = [*OTKLIK, "serve", "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 2
    assert f"found «{port}», expected a whole number from 1 to 65535" in done.stderr


@pytest.mark.parametrize("command", [[], ["serve"], ["tag"]])
def test_help_teaches(command: list[str]) -> None:
    """Each command explains itself."""
    done = subprocess.run([*OTKLIK, *command, "--help"], capture_output=True, text=True, check=True)
    assert "usage: otklik" in done.stdout
