"""Which files a run reads: those named, and all tables in the folders named."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from service.intake.rows import FileError
from service.intake.sources import Source, is_url, of_storage
from service.intake.tables import READERS

COMPANIONS = (".quarantine.csv", ".changes.csv", ".report.html")
"""Endings of what a run writes beside its output."""

_BLOCK = 1 << 20
_SELDOM_TABLES = frozenset((".txt", ".htm", ".html", ".json"))
"""Read when named, but not looked for in a folder."""


def find_inputs(names: Iterable[str], output: str) -> list[str]:
    """The files that `names` stand for, each once, those of a folder in the order of their names.

    Raises:
        FileError: when a folder holds no table, or an input is the output.
    """
    found: dict[str, str] = {}
    for name in names:
        for file in _files_of(name, output):
            found.setdefault(_identity(file), file)
    if _identity(output) in found:
        raise FileError(f"{output}: input and output are one file; give another name to --output")
    return list(found.values())


def hash_source(source: Source) -> str:
    """SHA-256 of what the file holds, in hex."""
    total = hashlib.sha256()
    with source.open() as file:
        while block := file.read(_BLOCK):
            total.update(block)
    return total.hexdigest()


def stamp(source: Source) -> tuple[int, int]:
    """Size and time of the last change: enough to see that a file is being written to."""
    if is_url(source.name):
        return source.size(), 0
    status = Path(source.name).stat()
    return status.st_size, status.st_mtime_ns


def _files_of(name: str, output: str) -> Iterable[str]:
    if is_url(name):
        return _files_of_url(name)
    if not Path(name).is_dir():
        return [name]
    files = [str(path) for path in sorted(Path(name).rglob("*")) if _is_table(path) and path.is_file()]
    files = [file for file in files if _identity(file) != _identity(output)]
    if not files:
        raise FileError(f"{name}: found no table in this folder; readable are {', '.join(READERS)}")
    return files


def _files_of_url(name: str) -> Iterator[str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        yield name  # whoever opens it says what is missing
        return
    try:
        with of_storage():
            files, path = url_to_fs(name)
            listed = sorted(files.find(path)) if files.isdir(path) else None
    except (ImportError, ValueError, OSError) as error:
        raise FileError(f"{name}: cannot be read ({error})") from None
    if listed is None:
        yield name
        return
    tables = [found for found in listed if _is_table(Path(found))]
    if not tables:
        raise FileError(f"{name}: found no table in this folder; readable are {', '.join(READERS)}")
    yield from map(files.unstrip_protocol, tables)


def _is_table(path: Path) -> bool:
    """Whether a file in a folder is one to be read: by its ending, and not hidden, locked or in work.

    >>> [_is_table(Path(name)) for name in ("a.csv", "a.csv.gz", "~$a.xlsx", ".a.csv", "a.pdf", "a.txt")]
    [True, True, False, False, False, False]
    """
    suffix = Path(path.stem).suffix if path.suffix.lower() == ".gz" else path.suffix
    in_work = any(part.endswith(".work") for part in path.parts)
    own = path.name.endswith(COMPANIONS)
    readable = suffix.lower() in READERS and suffix.lower() not in _SELDOM_TABLES
    return readable and not in_work and not own and path.name[0] not in "~."


def _identity(name: str) -> str:
    return name if is_url(name) else str(Path(name).resolve())
