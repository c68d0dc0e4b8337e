"""The commands of the store, as the README shows them and as processes."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from openpyxl import load_workbook

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECTION = README.split("\n## Store and correct\n")[1].split("\n## ")[0]
OTKLIK = [sys.executable, "-m", "service.cli"]


@pytest.fixture
def environment(models: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of commands with a store of their own and the small model."""
    return os.environ | {
        "OTKLIK_DATABASE": f"sqlite:///{tmp_path}/new/otklik.db",
        "OTKLIK_MODELS": str(models),
        "OTKLIK_REPORTS": str(tmp_path / "reports"),
    }


def _run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*OTKLIK, *arguments], env=environment, capture_output=True, text=True, check=False)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_the_commands_of_the_readme(environment: dict[str, str], project: Path, tmp_path: Path) -> None:
    """Each shell block of the section works, one after the other, and prints what the README shows."""
    port = _free_port()
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL))
    script = blocks.replace("127.0.0.1:8000", f"127.0.0.1:{port}").replace(
        "queue.xlsx", f"{tmp_path}/queue.xlsx"
    )
    script = script.replace(".venv/bin/otklik", f"{sys.executable} -m service.cli")
    with subprocess.Popen(
        [*OTKLIK, "serve", "--port", str(port)], env=environment, stdout=subprocess.DEVNULL
    ) as server:
        try:
            _wait_until_ready(port)
            command = ["bash", "-ec", script]
            done = subprocess.run(
                command, cwd=project, env=environment, capture_output=True, text=True, check=False
            )
        finally:
            server.terminate()
    assert done.returncode == 0, done.stderr
    said = (done.stdout + done.stderr).replace(f"{tmp_path}/", "")
    [shown] = re.findall(r"```text\n(.*?)```", SECTION, re.DOTALL)
    assert all(
        re.sub(r"\d+ of them blind", "", line) in said for line in shown.splitlines() if "blind" not in line
    )
    assert re.search(r"queue.xlsx: 60 comments, \d+ of them blind", said)
    first = json.loads(re.findall(r"```json\n(.*?)```", SECTION, re.DOTALL)[0])
    answers = re.findall(
        r'\{"model":"[^"]*","results":\[\{"id":.*?"revision":\d+,"tags":\[\]\}\]\}', done.stdout
    )
    assert json.loads(answers[0]) | {"model": ""} == first | {"model": ""}
    assert re.search(r'"outcome":"updated","state":"tagged".*?"aspect":"deadlines"', done.stdout)
    assert "0 corrections stored, 0 known already, 60 not looked at, 0 with a problem" in done.stdout


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz"):
                return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"port {port} did not become ready")


def test_a_file_to_the_store_to_a_sheet_and_back(environment: dict[str, str], tmp_path: Path) -> None:
    """Bad rows are named and keep none out; the sheet's bad row is named; agreement is counted."""
    source = tmp_path / "a.csv"
    source.write_text(
        "id;score;Регион;comment\n1;12;Юг;цена\n2;9;Юг;цена высокая\n3;2;Север;дорого\n", encoding="utf-8"
    )
    added = _run(environment, "store", "add", str(source), "--source", "survey")
    assert (added.returncode, added.stdout) == (1, "2 comments stored and tagged, 0 known already\n")
    assert "row 2: found the score «12», expected 0 to 10" in added.stderr
    sheet = tmp_path / "q.xlsx"
    exported = _run(environment, "review", "export", str(sheet))
    assert exported.returncode == 0, exported.stderr
    assert (
        _run(environment, "review", "export", str(sheet)).stderr
        == f"otklik: {sheet}: is there already; --force replaces it\n"
    )
    book = load_workbook(sheet)
    cells = book.worksheets[0]
    columns = {cell.value: cell.column for cell in cells[1]}
    cells.cell(2, columns["Проверено"]).value = "да"
    cells.cell(3, columns["Качество продукции"]).value = "хорошо"
    book.save(sheet)
    back = _run(environment, "review", "import", str(sheet), "--author", "Анна")
    assert back.returncode == 1
    assert back.stdout == "1 corrections stored, 0 known already, 0 not looked at, 1 with a problem\n"
    expected = (
        "row 3: «Качество продукции»: found «хорошо», expected проблема, похвала, нейтрально, or nothing"
    )
    assert f"{sheet}: {expected}\n" in back.stderr
    agreement = _run(environment, "review", "agreement")
    assert re.search(
        r"agree with a proposal that they (do not )?see +[01]\.00 \[.*\] +[01] of 1", agreement.stdout
    )


def test_keys_on_the_command_line(environment: dict[str, str]) -> None:
    """A key is printed alone, listed without its secret, and revoked by its id."""
    created = _run(environment, "keys", "create", "crm", "--scope", "write")
    key = created.stdout.strip()
    assert re.fullmatch(r"otk_[0-9a-f]{8}_[\w-]{43}", key)
    listed = _run(environment, "keys", "list").stdout
    assert key.split("_")[1] in listed
    assert key.split("_", 2)[2] not in listed
    assert _run(environment, "keys", "revoke", key.split("_")[1]).returncode == 0
    again = _run(environment, "keys", "revoke", key.split("_")[1])
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "there is no key" in again.stderr


def test_an_upgrade_from_nothing(environment: dict[str, str]) -> None:
    """The file and its folder are made; a second time there is nothing to do."""
    assert "applied 0001_comments" in _run(environment, "store", "upgrade").stdout
    assert "nothing to do" in _run(environment, "store", "upgrade").stdout


def test_erasing_on_the_command_line(environment: dict[str, str]) -> None:
    """A respondent who is not there is told."""
    done = _run(environment, "store", "erase", "никто")
    assert (done.returncode, done.stderr) == (
        2,
        "otklik: nothing is stored of what the request names, or it is deleted already\n",
    )


def test_a_database_that_is_not_there(environment: dict[str, str]) -> None:
    """The command says in one line which database does not answer, and shows no password."""
    url = f"postgresql://otklik:secret@127.0.0.1:{_free_port()}/otklik"
    done = _run(environment | {"OTKLIK_DATABASE": url}, "store", "upgrade")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "does not answer" in done.stderr
    assert "secret" not in done.stderr
