"""Whether a candidate may come into use: not when it is significantly worse in any category.

`python -m training compare` measures old and new on the same comments and leaves the outcome beside the
candidate, in `models/<new>/comparisons/<old>.json`; here it is read, and held to.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.nlp.artefact import write_durably
from service.registry.errors import GateError

SetName = Literal["folds", "corrections", "gold"]


_SET_TITLES: dict[SetName, str] = {
    "folds": "held-out folds",
    "corrections": "the corrected comments among them",
    "gold": "gold set",
}


class Difference(BaseModel):
    """One figure of two models on the same comments."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    old: float
    new: float
    low: float
    """Lower bound of the 95 % interval of new − old, by paired bootstrap."""
    high: float
    cases: int
    gate_high: float | None = None
    """Upper bound of new − old at the gate's level, which all gated figures share; None where not gated."""

    @property
    def change(self) -> float:
        """New − old."""
        return self.new - self.old

    @property
    def is_better(self) -> bool:
        """Whether the 95 % interval lies above zero."""
        return self.low > 0

    @property
    def is_worse(self) -> bool:
        """Whether the gate holds the new model to be significantly worse."""
        return self.gate_high is not None and self.gate_high < 0


class ComparedSet(BaseModel):
    """The figures of two models on one set of comments."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    comments: int
    sha256: str
    """Of the set's texts and labels."""
    figures: dict[str, Difference]


class Comparison(BaseModel):
    """What the gate goes by."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    old: str
    new: str
    old_manifest: str
    """SHA-256: the comparison holds for exactly these two models."""
    new_manifest: str
    sets: Annotated[dict[SetName, ComparedSet], Field(min_length=1)]

    @property
    def worse(self) -> tuple[str, ...]:
        """The figures in which the new model is significantly worse, such as `gold: f1 price`."""
        return tuple(
            f"{name}: {figure}"
            for name, compared in self.sets.items()
            for figure, difference in compared.figures.items()
            if difference.is_worse
        )


def hash_manifest(folder: Path) -> str:
    """SHA-256 of a model's manifest."""
    return hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()


def write_comparison(models: Path, comparison: Comparison) -> Path:
    """Leave the comparison beside the candidate."""
    path = _path(models, comparison.new, comparison.old)
    path.parent.mkdir(exist_ok=True)
    write_durably(path, comparison.model_dump_json(indent=1) + "\n")
    return path


def read_comparison(models: Path, new: str, old: str) -> Comparison:
    """The comparison of two models. Raises: GateError where there is none that holds for them."""
    path = _path(models, new, old)
    remedy = f"run make compare VERSION={new}"
    try:
        comparison = Comparison.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise GateError(f"{new} was not compared with {old}, which is in use; {remedy}") from None
    except (OSError, ValidationError):
        raise GateError(f"{path}: cannot be read; {remedy}") from None
    made_for = comparison.old, comparison.new, comparison.old_manifest, comparison.new_manifest
    if made_for != (old, new, hash_manifest(models / old), hash_manifest(models / new)):
        raise GateError(f"{path}: is about other models than those that are there now; {remedy}")
    return comparison


def check_gate(models: Path, new: str, old: str | None, forced: bool = False) -> tuple[str, ...]:
    """In which figures `new` is significantly worse than `old`; empty without an old model to compare with.

    Raises: GateError if it is worse, or was not compared, unless `forced`.
    """
    if old is None:
        return ()
    try:
        worse = read_comparison(models, new, old).worse
    except GateError:
        if forced:
            return ("not compared",)
        raise
    if worse and not forced:
        raise GateError(
            f"{new} is significantly worse than {old} in {len(worse)} figure(s): {', '.join(worse)}; "
            'mend its data, or insist with --force --reason "…", which is recorded'
        )
    return worse


def format_comparison(comparison: Comparison) -> str:
    """The comparison as a table for a terminal."""
    lines = [f"{comparison.new} beside {comparison.old}"]
    for name, compared in comparison.sets.items():
        where = _SET_TITLES[name]
        lines += ["", f"{where}, {compared.comments} comments", ""]
        lines.append(f"{'figure':<22} {'cases':>6} {'old':>6} {'new':>6}  {'change':>7}  95 % interval")
        for figure, own in compared.figures.items():
            bounds = f"[{own.low:+.3f}, {own.high:+.3f}]"
            worse = "  WORSE" if own.is_worse else ""
            values = f"{own.cases:>6} {own.old:>6.3f} {own.new:>6.3f}  {own.change:>+7.3f}"
            lines.append(f"{figure:<22} {values}  {bounds}{worse}")
    lines += ["", f"gate: {'refused, ' + ', '.join(comparison.worse) if comparison.worse else 'passed'}"]
    return "\n".join(lines)


def _path(models: Path, new: str, old: str) -> Path:
    return models / new / "comparisons" / f"{old}.json"
