"""The README's example: tag the export, kill the run half-way, go on, open the result in a spreadsheet."""

import csv
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from service.nlp.tagger import Comment, Tagger
from tests.libreoffice import AS_CSV

Convert = Callable[..., Path]

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def words_of_the_readme(models: Path, tmp_path: Path) -> dict[str, str]:
    """What differs between the README and a test: where the command, the model and the output are."""
    return {
        ".venv/bin/otklik backfill": f"{sys.executable} -m service.cli backfill --models {models}",
        "tagged.xlsx": str(tmp_path / "tagged.xlsx"),
    }


def test_killed_half_way_and_opened(
    words_of_the_readme: dict[str, str], project: Path, tagger: Tagger, tmp_path: Path, convert: Convert
) -> None:
    """The commands of the README end with a workbook in which every letter is right."""
    [block] = [block for block in BLOCKS if "kill -9" in block]
    for shown, real in words_of_the_readme.items():
        block = block.replace(shown, real)
    done = subprocess.run(["bash", "-c", block], cwd=project, capture_output=True, text=True, check=True)
    going_on = re.search(r"going on with the run in .*: (\d+) of 200 rows are done", done.stderr)
    assert going_on
    assert 100 <= int(going_on[1]) < 200
    assert re.search(
        r"^going on with the run in tagged.xlsx.work: \d+ of 200 rows are done$", README, re.MULTILINE
    )
    with convert(tmp_path / "tagged.xlsx", AS_CSV).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    with (project / "data/examples/answers.csv").open(encoding="cp1251", newline="") as file:
        source = list(csv.DictReader(file, delimiter=";"))
    assert [{name: row[name] for name in source[0]} for row in rows] == source
    for row in rows:
        typed = re.match(r"\d+", row["Оценка"])  # «9,0», «10 - очень вероятно», or nothing
        score = int(typed[0]) if typed else None
        [result] = tagger.tag([Comment(row["Почему вы поставили такую оценку?"], score)])
        assert {code: row[code] for code in tagger.taxonomy.category_codes if row[code]} == {
            tag.category: tag.polarity for tag in result.tags
        }


def test_every_option_of_the_readme_is_there(project: Path) -> None:
    """Each option that the section names is one of the command."""
    section = README.partition("## Years of answers at once")[2].partition("\n## ")[0]
    command = [sys.executable, "-m", "service.cli", "backfill", "--help"]
    listed = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True).stdout
    named = set(re.findall(r"--[a-z][a-z-]+", section))
    assert {"--output", "--workers", "--retag", "--restart"} <= named
    assert all(option in listed for option in named)
