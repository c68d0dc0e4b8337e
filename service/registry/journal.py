"""The promotion journal: one JSON object a line, each with the hash of the line before it.

A change of model is two lines: `begin`, written before `models/current` is replaced, says what is to happen
and why; `done` (or `abandoned`), written after it, says since when it holds. Whoever is killed in between
leaves a `begin` that the next one settles by looking at `current`: so the journal is never wrong about what
was in use.
"""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from service.registry.errors import JournalError, RegistryError

NAME = "promotions.jsonl"
_FIRST = "0" * 64

Action = Literal["first", "promote", "rollback", "taxonomy", "found"]
"""`found`: `current` was changed by other means than the registry's."""


class Entry(BaseModel):
    """One line of the journal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    at: datetime
    step: Literal["begin", "done", "abandoned"]
    action: Action
    version: str
    """The model that comes into use."""
    replaces: str | None = None
    manifest: str | None = None
    """SHA-256 of the model's manifest, which holds the hash of every file of it."""
    data: dict[str, Any] = {}
    """What the model was made from, as its manifest says."""
    worse: tuple[str, ...] = ()
    """Figures in which the gate found it significantly worse; not empty only where it was forced."""
    reason: str | None = None
    by: str = ""
    chain: str = _FIRST
    """SHA-256 of the line before."""


@dataclass(frozen=True)
class Reign:
    """A time in which one model was in use."""

    entry: Entry
    since: datetime
    until: datetime | None
    """None while it goes on."""

    @property
    def version(self) -> str:
        """The model in use."""
        return self.entry.version


class Journal:
    """The journal of one models folder. Appending needs the registry's lock; reading does not."""

    def __init__(self, models: Path) -> None:
        self.path = models / NAME

    def read(self) -> list[Entry]:
        """All entries; a last line that a crash cut short is left out.

        Raises: JournalError naming the line that was altered, removed or added by hand.
        """
        entries: list[Entry] = []
        chain = _FIRST
        for number, line in enumerate(self._whole_lines(), 1):
            try:
                entry = Entry.model_validate_json(line)
            except ValidationError as error:
                what = f"is not an entry ({error.errors()[0]['msg']})"
                raise JournalError(f"{self.path}:{number}: {what}; restore it from a copy") from None
            if (entry.number, entry.chain) != (number, chain):
                raise JournalError(
                    f"{self.path}:{number}: does not follow from the line before it: a line was altered, "
                    "removed or added; restore the file from a copy"
                )
            entries.append(entry)
            chain = hashlib.sha256(line).hexdigest()
        return entries

    def append(self, entry: Entry) -> Entry:
        """Write `entry`, numbered and chained, so that it survives a power cut; or leave the file as it was.

        Raises: RegistryError when the disk takes no more.
        """
        lines = self._whole_lines()
        chain = hashlib.sha256(lines[-1]).hexdigest() if lines else _FIRST
        entry = entry.model_copy(update={"number": len(lines) + 1, "chain": chain})
        size = sum(len(line) + 1 for line in lines)
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.ftruncate(file, size)  # a line that a crash cut short was never promised to anyone
            try:
                _write_all(file, size, entry.model_dump_json().encode() + b"\n")
            except OSError as error:
                os.ftruncate(file, size)
                raise RegistryError(
                    f"{self.path}: cannot be written ({error.strerror}); free some space"
                ) from None
        finally:
            os.close(file)
        return entry

    def _whole_lines(self) -> list[bytes]:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        return content.split(b"\n")[:-1]


def reigns(entries: Iterable[Entry]) -> list[Reign]:
    """Which model was in use when: the journal replayed, the first first."""
    done = [entry for entry in entries if entry.step == "done"]
    ends = [*(entry.at for entry in done[1:]), None]
    return [Reign(entry, entry.at, end) for entry, end in zip(done, ends, strict=False)]


def model_at(entries: Iterable[Entry], moment: datetime) -> Reign | None:
    """The reign that `moment` falls into; None before the first."""
    return next((reign for reign in reversed(reigns(entries)) if reign.since <= moment), None)


def before_current(entries: Sequence[Entry]) -> str | None:
    """What a rollback leads to: promotions pile up, a rollback takes the topmost off.

    So two rollbacks in a row lead two promotions back, and not to and fro.
    """
    pile: list[str] = []
    for entry in entries:
        if entry.step != "done":
            continue
        if entry.action == "rollback" and entry.version in pile:
            del pile[_last_index(pile, entry.version) :]
        pile.append(entry.version)
    below = [version for version in pile if version != pile[-1]]
    return below[-1] if below else None


def _last_index(items: Sequence[str], wanted: str) -> int:
    return len(items) - 1 - list(reversed(items)).index(wanted)


def _write_all(file: int, offset: int, data: bytes) -> None:
    while data:
        written = os.pwrite(file, data, offset)
        data, offset = data[written:], offset + written
    os.fsync(file)
