"""A real spreadsheet program. Without LibreOffice Calc its tests skip aloud, and in CI fail."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

AS_CSV = "csv:Text - txt - csv (StarCalc):59,34,76,1"
"""UTF-8 with semicolons, each cell as it is shown."""


@pytest.fixture(scope="session")
def soffice() -> str:
    """The program."""
    found = shutil.which("soffice")
    if found is None:
        if os.environ.get("CI") or os.environ.get("OTKLIK_CI"):
            pytest.fail("soffice is not here; install libreoffice-calc")
        pytest.skip("needs LibreOffice: apt-get install libreoffice-calc --no-install-recommends")
    return found


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A user's folder for the program, so that one that is open elsewhere is in nobody's way."""
    return f"-env:UserInstallation={tmp_path_factory.mktemp('libreoffice').as_uri()}"


@pytest.fixture
def convert(soffice: str, profile: str) -> Any:
    """Let it open a file and save it in another format."""

    def run(path: Path, target: str, *options: str) -> Path:
        command = [soffice, "--headless", profile, *options, "--convert-to", target]
        command += ["--outdir", str(path.parent / "converted"), str(path)]
        subprocess.run(command, capture_output=True, timeout=120, check=True)
        return path.parent / "converted" / f"{path.stem}.{target.split(':')[0]}"

    return run
