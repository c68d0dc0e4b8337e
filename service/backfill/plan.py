"""What a run is about. A run that was stopped goes on only with the same plan."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from service.intake.rows import FileError
from service.nlp.artefact import write_durably

FORMAT = 3
"""Number of the plan's and the parts' layout; raised when older runs cannot be gone on with."""

TEXTS_A_PIECE = 1_000
"""Repeated texts that are tagged and committed together."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PlannedInput(_Frozen):
    """One input as it was when the run was planned."""

    name: str
    bytes: int
    sha256: str
    layout: dict[str, Any]
    """How it is read: encoding, separator, header, which column holds what."""


class Task(_Frozen):
    """What must be the same for two runs to give the same output."""

    format: int = FORMAT
    inputs: tuple[PlannedInput, ...]
    model: str
    model_hash: str
    options: dict[str, Any]


class Plan(_Frozen):
    """A task, and what one reading of its inputs found."""

    task: Task
    chunks: tuple[tuple[int, int, int, int], ...]
    """Of each chunk: number of the input, the mark where it starts (row, byte), and its rows."""
    repeats: tuple[tuple[str, int], ...]
    """Texts that occur more than once, each with its context (`service.nlp.context`); tagged beforehand."""

    @property
    def rows(self) -> int:
        """Rows of all inputs."""
        return sum(chunk[3] for chunk in self.chunks)

    @property
    def text_pieces(self) -> int:
        """How many pieces the repeated texts make; those of the chunks are numbered after them."""
        return -(-len(self.repeats) // TEXTS_A_PIECE)

    @property
    def chunk_rows(self) -> int:
        """Rows that are tagged and committed together."""
        return int(self.task.options["--chunk-rows"])

    def rows_done(self, pieces: Iterable[int]) -> int:
        """Rows that the finished `pieces` account for."""
        return sum(self.chunks[i - self.text_pieces][3] for i in pieces if i >= self.text_pieces)


def write_plan(path: Path, plan: Plan) -> None:
    """Write the plan, whole or not at all."""
    write_durably(path, json.dumps(plan.model_dump(mode="json"), ensure_ascii=False) + "\n")


def read_plan(path: Path) -> Plan | None:
    """The plan of an earlier run, or None. Raises: FileError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        fields = json.loads(text)
        found = fields["task"]["format"]
        if found != FORMAT:
            raise FileError(
                f"{path}: found format {found}, this program reads {FORMAT}; --restart begins anew"
            )
        return Plan.model_validate(fields)
    except (ValueError, KeyError, TypeError, ValidationError):
        raise FileError(f"{path} is damaged; --restart begins anew") from None


def differences(begun: Task, wanted: Task) -> list[str]:
    """What has changed since a run was begun, in the user's words."""
    lines = _input_differences(begun, wanted)
    if (begun.model, begun.model_hash) != (wanted.model, wanted.model_hash):
        altered = " (altered)" if begun.model == wanted.model else ""
        lines.append(f"the model was {begun.model}, now it is {wanted.model}{altered}")
    for name in sorted(begun.options.keys() | wanted.options.keys()):
        was, now = begun.options.get(name), wanted.options.get(name)
        if was != now:
            lines.append(f"{name} was {_tell(was)}, now it is {_tell(now)}")
    return lines


def _input_differences(begun: Task, wanted: Task) -> list[str]:
    was = {own.name: own for own in begun.inputs}
    now = {own.name: own for own in wanted.inputs}
    lines = [f"{name} was among the inputs, now it is not" for name in was if name not in now]
    lines += [f"{name} was not among the inputs, now it is" for name in now if name not in was]
    for name in was.keys() & now.keys():
        before, after = was[name], now[name]
        if before.sha256 != after.sha256:
            lines.append(f"{name} has changed: {before.bytes:,} bytes then, {after.bytes:,} bytes now")
        elif before.layout != after.layout:
            lines.append(f"{name} is read otherwise: {_layout_difference(before, after)}")
    if not lines and list(was) != list(now):
        lines.append("the inputs are given in another order")
    return sorted(lines)


def _layout_difference(before: PlannedInput, after: PlannedInput) -> str:
    names = sorted(n for n in before.layout if before.layout[n] != after.layout.get(n))
    return ", ".join(f"{n} {_tell(before.layout[n])} then, {_tell(after.layout.get(n))} now" for n in names)


def _tell(value: object) -> str:
    return "not given" if value is None else f"«{value}»"
