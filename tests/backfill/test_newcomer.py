"""The README's example: tag the export, kill the run half-way, go on, open the result in a spreadsheet."""

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from service.nlp.tagger import Comment, Tagger

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)


def _office() -> str:
    """LibreOffice; without it the test skips aloud, and fails in CI, which installs it."""
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        if os.environ.get("OTKLIK_CI") or os.environ.get("CI"):
            pytest.fail("found no LibreOffice; .ci/run installs it")
        pytest.skip("SKIPPED: found no LibreOffice (apt-get install libreoffice-calc-nogui)")
    return office


def _opened(workbook: Path, folder: Path) -> list[dict[str, str]]:
    """The rows of a workbook as LibreOffice shows them: opened there, and saved as CSV in UTF-8."""
    command = [_office(), f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to"]
    command += ["csv:Text - txt - csv (StarCalc):59,34,76", "--outdir", str(folder), str(workbook)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    with (folder / f"{workbook.stem}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


@pytest.fixture
def words_of_the_readme(models: Path, tmp_path: Path) -> dict[str, str]:
    """What differs between the README and a test: where the command, the model and the output are."""
    return {
        ".venv/bin/otklik backfill": f"{sys.executable} -m service.cli backfill --models {models}",
        "tagged.xlsx": str(tmp_path / "tagged.xlsx"),
    }


def test_killed_half_way_and_opened(
    words_of_the_readme: dict[str, str], project: Path, tagger: Tagger, tmp_path: Path
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
    rows = _opened(tmp_path / "tagged.xlsx", tmp_path)
    with (project / "data/examples/answers.csv").open(encoding="cp1251", newline="") as file:
        source = list(csv.DictReader(file, delimiter=";"))
    assert [{name: row[name] for name in source[0]} for row in rows] == source
    for row in rows:
        [result] = tagger.tag([Comment(row["Почему вы поставили такую оценку?"])])
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
