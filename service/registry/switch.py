"""Changing the model in use: one at a time, checked first, recorded, in one step that workers notice."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from service.nlp.artefact import check_manifest, current_version, load_tagger, read_manifest, set_current
from service.nlp.errors import ArtefactError
from service.nlp.lemmas import Lemmatizer
from service.registry.errors import RegistryError
from service.registry.gate import check_gate, hash_manifest
from service.registry.journal import Action, Entry, Journal, before_current

WAIT_SECONDS = 60.0
"""How long to wait for another process's promotion."""


def promote(models: Path, version: str, by: str, forced: str | None = None) -> Entry:
    """Put `version` into use, if it is sound and the gate lets it pass; `forced` says why to pass it anyway.

    Raises:
        ArtefactError: the model is missing, altered or incompatible.
        GateError: it is significantly worse than the model in use, or was not compared with it.
        RegistryError: it is in use already, another promotion takes too long, or the disk is full.
    """
    if Path(version).name != version:
        raise RegistryError(f"found «{version}», expected the name of a version in {models}")
    with _locked(models) as journal:
        replaced = _sound_current(models)
        if replaced == version:
            raise RegistryError(f"{version} is the model in use already")
        load_tagger(models, version, _lemmatizer())
        worse = check_gate(models, version, replaced, forced=forced is not None)
        return _switch(models, journal, version, "promote", by, reason=forced, worse=worse)


def rollback(models: Path, by: str, reason: str | None = None) -> Entry:
    """Put the model back into use that the current one replaced.

    Raises: ArtefactError, RegistryError as `promote`; RegistryError too where there is nothing to go back to.
    """
    with _locked(models) as journal:
        version = before_current(journal.read())
        if version is None:
            raise RegistryError(f"{models}: the journal knows no model before the one in use")
        load_tagger(models, version, _lemmatizer())
        return _switch(models, journal, version, "rollback", by, reason=reason)


def adopt(models: Path, version: str, action: Action, by: str) -> Entry | None:
    """Put a model into use that nothing need be compared with: the first, or one with new titles only.

    None where it is in use already.
    """
    with _locked(models) as journal:
        if _sound_current(models) == version:
            return None
        check_manifest(models / version, read_manifest(models / version))
        return _switch(models, journal, version, action, by)


def settle(models: Path) -> list[Entry]:
    """Bring the journal up to what `current` says, and return it; what `promote` does first, too."""
    with _locked(models) as journal:
        return journal.read()


@contextmanager
def _locked(models: Path) -> Iterator[Journal]:
    """The settled journal, for the one who may change what is in use; the lock falls with its process."""
    if not models.is_dir():
        raise ArtefactError(f"{models}: found no such folder; run make train")
    with (models / ".lock").open("a+") as file:
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise RegistryError(f"{models}: another promotion has not ended; try again") from None
                time.sleep(0.02)
        journal = Journal(models)
        _settle(models, journal)
        yield journal


def _settle(models: Path, journal: Journal) -> None:
    entries = journal.read()
    current = _named(models)
    if entries and entries[-1].step == "begin":
        open_entry = entries[-1]
        taken = current == open_entry.version
        at = _switched_at(models) if taken else datetime.now(UTC)
        step = "done" if taken else "abandoned"
        entries.append(journal.append(open_entry.model_copy(update={"step": step, "at": at})))
    in_use = next((entry.version for entry in reversed(entries) if entry.step == "done"), None)
    if current is not None and current != in_use:
        journal.append(
            _entry(models, current, "found", by="").model_copy(
                update={"replaces": in_use, "step": "done", "at": _switched_at(models)}
            )
        )


def _switch(
    models: Path,
    journal: Journal,
    version: str,
    action: Action,
    by: str,
    reason: str | None = None,
    worse: tuple[str, ...] = (),
) -> Entry:
    update = {"replaces": _named(models), "reason": reason, "worse": worse}
    begun = journal.append(_entry(models, version, action, by).model_copy(update=update))
    try:
        set_current(models, version)
    except OSError as error:
        with suppress(RegistryError):
            journal.append(begun.model_copy(update={"step": "abandoned", "at": datetime.now(UTC)}))
        raise RegistryError(
            f"{models / 'current'}: cannot be written ({error.strerror}); free some space"
        ) from None
    # If this line cannot be written, the next promotion writes it: the model is in use all the same.
    with suppress(RegistryError):
        return journal.append(begun.model_copy(update={"step": "done", "at": _switched_at(models)}))
    return begun


def _entry(models: Path, version: str, action: Action, by: str) -> Entry:
    """The entry that begins a change; where the manifest cannot be read it says less."""
    manifest, data = None, {}
    with suppress(ArtefactError, OSError):
        manifest = hash_manifest(models / version)
        data = read_manifest(models / version).corpus
    return Entry(
        number=0,
        at=datetime.now(UTC),
        step="begin",
        action=action,
        version=version,
        manifest=manifest,
        data=data,
        by=by,
    )


@cache
def _lemmatizer() -> Lemmatizer:
    """One for all the trials of a process."""
    return Lemmatizer()


def _named(models: Path) -> str | None:
    """What `current` names, sound or not."""
    try:
        return current_version(models)
    except ArtefactError:
        return None


def _sound_current(models: Path) -> str | None:
    """The version in use; None where it could not be served anyway."""
    try:
        version = current_version(models)
        check_manifest(models / version, read_manifest(models / version))
    except ArtefactError:
        return None
    return version


def _switched_at(models: Path) -> datetime:
    return datetime.fromtimestamp((models / "current").stat().st_mtime, UTC)
