"""What a run has done so far, in a folder beside its output: a plan, finished parts, and a journal of them.

OUT.work/
  lock            held by the run under way
  plan.json       what is tagged, with which model and options
  journal.jsonl   one line a finished chunk: its files with their hashes, and its totals
  parts/          what the chunks came to

A chunk counts from the moment its line is in the journal; its files are on the disk before that. So at each
moment a chunk is done or not done, and one that is not is done again, to the same bytes.
"""

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson

from service.intake.rows import FileError


@dataclass(frozen=True)
class Entry:
    """A line of the journal."""

    chunk: int
    files: dict[str, tuple[int, str]]
    """Size and SHA-256 of each file of the chunk, by kind."""
    totals: dict[str, Any]


class WorkFolder:
    """A work folder that this process holds; nobody else writes in it meanwhile."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.plan = path / "plan.json"
        self._parts = path / "parts"
        self._journal = path / "journal.jsonl"

    def entries(self) -> dict[int, Entry]:
        """The finished chunks. A torn end of the journal and parts that are not whole count as not done."""
        if not self._journal.exists():
            return {}
        entries, good_bytes = _read_journal(self._journal)
        if good_bytes < self._journal.stat().st_size:
            os.truncate(self._journal, good_bytes)
        return {entry.chunk: entry for entry in entries if self._is_whole(entry)}

    def commit(self, chunk: int, files: Mapping[str, bytes], totals: Mapping[str, Any]) -> Entry:
        """Keep the files of a finished chunk for good. Raises: OSError, with nothing counted as done."""
        self._parts.mkdir(exist_ok=True)
        kept = {kind: body for kind, body in files.items() if body}
        for kind, body in kept.items():
            self._write_part(self.part(chunk, kind), body)
        sync_folder(self._parts)
        sizes = {kind: (len(body), hashlib.sha256(body).hexdigest()) for kind, body in kept.items()}
        entry = Entry(chunk, sizes, dict(totals))
        self._append(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
        return entry

    def part(self, chunk: int, kind: str) -> Path:
        """Where a chunk's file of `kind` is."""
        return self._parts / f"{chunk:08d}.{kind}"

    def clear(self) -> None:
        """Forget everything done so far; the lock stays."""
        for path in (self.plan, self._journal):  # without a plan, what is left counts for nothing
            path.unlink(missing_ok=True)
        shutil.rmtree(self._parts, ignore_errors=True)

    def remove(self) -> None:
        """Take the folder away: nothing in it is of use any more."""
        self.clear()
        shutil.rmtree(self.path, ignore_errors=True)

    def _write_part(self, path: Path, body: bytes) -> None:
        beside = path.with_suffix(path.suffix + ".new")
        with beside.open("wb") as file:
            file.write(body)
            sync_file(file)
        beside.replace(path)

    def _append(self, line: bytes) -> None:
        size = self._journal.stat().st_size if self._journal.exists() else 0
        try:
            with self._journal.open("ab") as file:
                file.write(line)
                sync_file(file)
        except OSError:
            if self._journal.exists():
                os.truncate(self._journal, size)  # half a line would hide those that follow
            raise

    def _is_whole(self, entry: Entry) -> bool:
        return all(
            _is_file_of(self.part(entry.chunk, kind), size, digest)
            for kind, (size, digest) in entry.files.items()
        )


@contextmanager
def hold(path: Path) -> Iterator[WorkFolder]:
    """The work folder at `path`, made if it is not there, locked for this process.

    The lock is the kernel's (flock): it goes with the process, however that ends.

    Raises:
        FileError: when another run holds it, or it cannot be made.
    """
    try:
        lock = _lock(path)
    except OSError as error:
        raise FileError(
            f"{path}: cannot be made ({error.strerror}); the folder of the output must be one that you may "
            "write to, on a disk with room"
        ) from None
    with lock:
        yield WorkFolder(path)


def sync_file(file: IO[Any]) -> None:
    """Wait until what was written is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def _lock(path: Path) -> IO[str]:
    while True:
        path.mkdir(exist_ok=True)
        lock = (path / "lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _read_holder(lock)
            lock.close()
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            raise FileError(
                f"{path} is held by another run ({holder}); let it end, or give another --output"
            ) from None
        if _is_still_there(lock, path / "lock"):
            lock.truncate(0)
            lock.write(f"process {os.getpid()}")
            lock.flush()
            return lock
        lock.close()  # the run that held it has ended and removed the folder: make it anew


def _read_holder(lock: IO[str]) -> str:
    lock.seek(0)
    return lock.read().strip() or "just started"


def _is_still_there(lock: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _read_journal(path: Path) -> tuple[list[Entry], int]:
    """The lines up to the first that is not whole, and their length in bytes."""
    entries, good_bytes = [], 0
    with path.open("rb") as file:
        for line in file:
            try:
                fields = orjson.loads(line) if line.endswith(b"\n") else {}
                files = {kind: (int(size), str(digest)) for kind, (size, digest) in fields["files"].items()}
                entries.append(Entry(int(fields["chunk"]), files, fields["totals"]))
            except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
                break
            good_bytes += len(line)
    return entries, good_bytes


def _is_file_of(path: Path, size: int, digest: str) -> bool:
    if not path.is_file() or path.stat().st_size != size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
