"""What lies in the models folder: each version with its state, its making and its times in use."""

from dataclasses import dataclass
from pathlib import Path

from service.nlp.artefact import Manifest, check_manifest, current_version, read_manifest
from service.nlp.errors import ArtefactError
from service.registry.errors import RegistryError
from service.registry.journal import Entry, Reign, reigns


@dataclass(frozen=True)
class Version:
    """One model of the folder."""

    name: str
    manifest: Manifest | None
    flaw: str | None
    """Why it cannot be served; None for a sound one."""
    is_current: bool
    reigns: tuple[Reign, ...]

    @property
    def state(self) -> str:
        """`in use`, `was in use`, `candidate` or `unusable`."""
        if self.is_current:
            return "in use"
        if self.flaw:
            return "unusable"
        return "was in use" if self.reigns else "candidate"


def find_versions(models: Path, entries: list[Entry]) -> list[Version]:
    """The versions of the folder, the newest last."""
    names = [path.name for path in models.iterdir() if path.is_dir() and not path.name.startswith(".")]
    found = [describe(models, name, entries) for name in names]
    return sorted(found, key=lambda v: (v.manifest.created if v.manifest else "", _made_at(models, v.name)))


def newest_candidate(models: Path, entries: list[Entry]) -> str:
    """The sound version that was made last of those that never were in use. Raises: RegistryError."""
    candidates = [version for version in find_versions(models, entries) if version.state == "candidate"]
    if not candidates:
        raise RegistryError(f"{models}: found no candidate; make train makes one")
    return candidates[-1].name


def describe(models: Path, name: str, entries: list[Entry]) -> Version:
    """The version `name`, sound or not."""
    manifest, flaw = None, None
    try:
        manifest = read_manifest(models / name)
        check_manifest(models / name, manifest)
    except ArtefactError as error:
        flaw = str(error)
    own = tuple(reign for reign in reigns(entries) if reign.version == name)
    return Version(name, manifest, flaw, _is_current(models, name), own)


def _made_at(models: Path, name: str) -> float:
    return (models / name).stat().st_mtime


def _is_current(models: Path, name: str) -> bool:
    try:
        return current_version(models) == name
    except ArtefactError:
        return False
