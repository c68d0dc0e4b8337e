"""Inputs of a few hundred rows, and runs of the real command."""

import csv
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from service.backfill.run import Outcome, Request, backfill
from training.corpus import read_corpus
from training.settings import TrainingSettings

Command = Callable[..., "subprocess.CompletedProcess[str]"]
Begin = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="session")
def comments(small_settings: TrainingSettings, taxonomy: object) -> list[str]:
    """Comments of the corpus, as they were typed."""
    return [example.text for example in read_corpus(small_settings.corpus, taxonomy)][:400]  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def answers(comments: Sequence[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A survey export of 240 rows: some texts twice, four rows that cannot be tagged."""
    path = tmp_path_factory.mktemp("answers") / "answers.csv"
    texts = [*comments[:200], *comments[:30], "нет", "нет", "нет", "нет", "нет", "ё" * 10_001]
    rows = [[str(i), str(i % 11), text] for i, text in enumerate(texts, 1)]
    rows += [["237", "11", "цена высокая"], ["238", "пять", "долго"], ["239", "5"], ["240", "5", "а", "б"]]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows([["№", "Оценка", "Комментарий"], *rows])
    return path


@pytest.fixture(scope="session")
def few(answers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every fifth of the answers: repeats, and rows that cannot be tagged, among them."""
    path = tmp_path_factory.mktemp("few") / "few.csv"
    header, *lines = answers.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([header, *lines[::5], *lines[200:205], *lines[-4:]]), encoding="utf-8")
    return path


@pytest.fixture
def run(models: Path) -> Callable[..., Outcome]:
    """A run in this process, in chunks of 20 rows, with what it tells left out."""

    def run_here(*names: object, output: object, **options: object) -> Outcome:
        given = {"models": models, "chunk_rows": 20, "workers": 1, **options}
        request = Request(tuple(map(str, names)), str(output), **given)  # type: ignore[arg-type]
        return backfill(request, tell=lambda line: None)

    return run_here


@pytest.fixture
def command(models: Path, project: Path) -> Command:
    """The real command, as a process of its own."""

    def run_command(*words: object, **options: object) -> "subprocess.CompletedProcess[str]":
        line = [sys.executable, "-m", "service.cli", "backfill", *map(str, words), "--models", str(models)]
        return subprocess.run(line, cwd=project, capture_output=True, text=True, **options)  # type: ignore[call-overload, no-any-return]

    return run_command


@pytest.fixture
def begin(models: Path, project: Path) -> Begin:
    """Begins the real command as a process of its own, in chunks of one row, to be stopped by the test."""

    def begin_command(*words: object, **options: object) -> "subprocess.Popen[str]":
        line = [sys.executable, "-m", "service.cli", "backfill", *map(str, words), "--chunk-rows", "1"]
        return subprocess.Popen(
            [*line, "--models", str(models)], cwd=project, text=True, stderr=subprocess.PIPE, **options
        )  # type: ignore[call-overload, no-any-return]

    return begin_command


def wait_for_chunks(output: Path, number: int) -> None:
    """Wait until a run has committed `number` pieces."""
    journal = output.with_name(output.name + ".work") / "journal.jsonl"
    while not journal.exists() or journal.read_bytes().count(b"\n") < number:
        time.sleep(0.01)


@pytest.fixture
def unprivileged() -> dict[str, int]:
    """What subprocess needs so that permissions bind even where tests run as root."""
    return {"user": 65_534, "group": 65_534} if os.geteuid() == 0 else {}
