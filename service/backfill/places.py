"""Where an output goes: a folder of this machine, or anything that fsspec reaches."""

import os
import re
from pathlib import Path
from typing import Any

from service.backfill.work_folder import sync_folder
from service.intake.rows import FileError
from service.intake.sources import is_url, of_storage

_WORK = Path("var/backfill")


def work_path(output: str) -> Path:
    """The work folder of a run: beside its output, or in `var/` when that is not on this machine.

    >>> work_path("years/tagged.csv").as_posix(), work_path("s3://bucket/tagged.csv").as_posix()
    ('years/tagged.csv.work', 'var/backfill/s3_bucket_tagged.csv.work')
    """
    if not is_url(output):
        return Path(f"{output}.work")
    _WORK.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]+", "_", output)
    return _WORK / f"{name}.work"


def refuse_folder(output: str) -> None:
    """Refuse an output that is a folder. Raises: FileError."""
    if not is_url(output) and Path(output).is_dir():
        raise FileError(f"{output} is a folder; name a file, such as {output.rstrip('/')}/tagged.csv")


def refuse_taken(output: str, replace: bool) -> None:
    """Refuse an output that is there, unless it may be replaced. Raises: FileError."""
    if replace:
        return
    if _exists_far(output) if is_url(output) else Path(output).exists():
        raise FileError(f"{output} is there already; give another name, or --force to replace it")


def put(ready: Path | None, output: str) -> None:
    """Move a file into place; where there is none, one of an earlier run must not stay. Raises: OSError."""
    if is_url(output):
        _put_far(ready, output)
    elif ready is None:
        Path(output).unlink(missing_ok=True)
    else:
        with ready.open("rb") as file:
            os.fsync(file.fileno())
        ready.replace(output)
        sync_folder(Path(output).absolute().parent)


def _put_far(ready: Path | None, output: str) -> None:
    files, path = _find(output)
    try:
        with of_storage():
            if ready is None:
                if files.exists(path):
                    files.rm_file(path)
                return
            if path.startswith("/"):  # without it a path begins with a bucket, which is not ours to make
                files.makedirs(files._parent(path), exist_ok=True)
            files.put_file(str(ready), path)
    except OSError as error:
        raise OSError(f"{output}: cannot be written ({error})") from None


def _exists_far(output: str) -> bool:
    files, path = _find(output)
    try:
        with of_storage():
            return bool(files.exists(path))
    except OSError as error:
        raise FileError(f"{output}: cannot be reached ({error})") from None


def _find(output: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it. Raises: FileError."""
    try:
        from fsspec.core import url_to_fs

        files, path = url_to_fs(output)
    except (ImportError, ValueError, OSError) as error:
        raise FileError(
            f"{output}: cannot be written ({error}); URLs need pip install 'otklik[cloud]'"
        ) from None
    return files, path
