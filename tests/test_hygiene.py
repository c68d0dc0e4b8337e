"""What is committed holds nothing that belongs to one machine."""

import re
import subprocess
import unicodedata
from itertools import chain
from pathlib import Path

MIXED_WORD = re.compile(r"\b(?=\w*[A-Za-z])(?=\w*[А-Яа-яЁё])[A-Za-zА-Яа-яЁё]+\b")


def _committed(project: Path, *endings: str) -> list[Path]:
    names = subprocess.run(["git", "ls-files"], cwd=project, capture_output=True, text=True, check=True)
    return [project / name for name in names.stdout.splitlines() if name.endswith(endings)]


def test_lock_files_name_no_address(project: Path) -> None:
    """Packages are named with versions and hashes, never with a host or an index."""
    for path in _committed(project, ".lock"):
        text = path.read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert not re.search(r"https?://|--(extra-)?index-url|file:", text), path


def test_locks_hold_every_dependency(project: Path) -> None:
    """Each package of pyproject.toml is locked."""
    import tomllib

    config = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = (project / "requirements-dev.lock").read_text(encoding="utf-8")
    wanted = [*config["dependencies"], *chain.from_iterable(config["optional-dependencies"].values())]
    for requirement in wanted:
        name = re.split(r"[\[>=<]", requirement)[0].lower().replace("_", "-")
        assert re.search(rf"^{re.escape(name)}==", locked, re.MULTILINE), name


def test_no_path_of_a_machine(project: Path) -> None:
    """No file names the folder that it happens to lie in."""
    for path in _committed(project, ".py", ".md", ".toml", ".yaml", "Makefile", "run", "newcomer"):
        assert str(project.parent) + "/" not in path.read_text(encoding="utf-8"), path


def test_lexicons_mix_no_alphabets(project: Path) -> None:
    """No word of the taxonomy or the keyword list has Latin letters among Cyrillic ones."""
    for path in _committed(project, ".yaml"):
        assert not MIXED_WORD.findall(path.read_text(encoding="utf-8")), path


def test_corpus_is_in_composed_letters(project: Path) -> None:
    """Corpus files are NFC, so that a search in an editor finds every й."""
    for path in _committed(project, ".txt"):
        text = path.read_text(encoding="utf-8")
        assert unicodedata.is_normalized("NFC", text), path
