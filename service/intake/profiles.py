"""Profiles: what the exports of one survey system look like, in a small YAML file each.

Those that come with Отклик lie in `profiles/` and are recognised by themselves; anyone can write one more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from service.intake.columns import Hints, fold
from service.intake.rows import FileError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""By libyaml where PyYAML was built with it: seventeen profiles are read at every start of a command."""

_OWN = Path(__file__).parent / "profiles"
_LISTS = frozenset(name.name for name in fields(Hints))


@dataclass(frozen=True)
class Profile:
    """What is known of the exports of one system. What is not said is found out."""

    name: str
    title: str
    recognised_by: tuple[tuple[str, ...], ...] = ()
    """Sets of column names; a table that has all of one set is an export of this system."""
    encoding: str | None = None
    separator: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    header_rows: int | None = None
    columns: Hints = field(default_factory=Hints)


def load_profile(name: str) -> Profile:
    """The profile `name`: one of ours, or a YAML file. Raises: FileError, naming the file and the fault."""
    own = _OWN / f"{name}.yaml"
    if own.parent == _OWN and own.is_file():
        return _read(own)
    if Path(name).suffix in (".yaml", ".yml"):
        return _read(Path(name))
    known = ", ".join(profile.name for profile in own_profiles())
    raise FileError(f"found no profile «{name}»; use one of {known}, or the path of a YAML file")


@lru_cache(maxsize=1)
def own_profiles() -> tuple[Profile, ...]:
    """The profiles that come with Отклик, by name."""
    return tuple(_read(path) for path in sorted(_OWN.glob("*.yaml")))


def recognise(columns: Sequence[str]) -> Profile | None:
    """The profile of ours that most of the columns speak for; None where none does."""
    parts = {fold(part) for column in columns for part in (column, *column.split(" - "))}
    matches = [
        (len(names), profile)
        for profile in own_profiles()
        for names in profile.recognised_by
        if all(fold(name) in parts for name in names)
    ]
    return max(matches, key=lambda match: match[0], default=(0, None))[1]


def _read(path: Path) -> Profile:
    try:
        with path.open(encoding="utf-8") as file:
            content = yaml.load(file, _LOADER)  # a safe loader either way
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FileError(f"{path}: not readable as a profile ({error})") from None
    values = _checked(path, content, {name.name for name in fields(Profile)} - {"name"}, "the profile")
    hints = _checked(path, values.pop("columns", {}), _LISTS, "columns")
    for name in ("header_row", "header_rows"):
        if not isinstance(values.get(name, 1), int):
            raise FileError(f"{path}: {name}: found «{values[name]}», expected a whole number")
    sets = tuple(_names(path, "recognised_by", names) for names in values.pop("recognised_by", ()))
    columns = Hints(**{name: _names(path, name, given) for name, given in hints.items()})
    return Profile(**{"title": path.stem, **values}, name=path.stem, recognised_by=sets, columns=columns)


def _checked(path: Path, content: object, known: set[str] | frozenset[str], where: str) -> dict[str, Any]:
    """The fields of a part of a profile. Raises: FileError, at one that is not known."""
    if not isinstance(content, Mapping):
        raise FileError(
            f"{path}: {where}: found «{content}», expected fields such as {', '.join(sorted(known))}"
        )
    for name in content:
        if name not in known:
            raise FileError(f"{path}: {where}: found «{name}», expected one of {', '.join(sorted(known))}")
    return dict(content)


def _names(path: Path, where: str, given: object) -> tuple[str, ...]:
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise FileError(f"{path}: {where}: found «{given}», expected a name of a column, or a list of them")
    return tuple(names)
