"""Putting a model into `models/`: whole or not at all, and current in one step."""

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import joblib

from service.nlp.artefact import (
    FORMAT,
    Manifest,
    Model,
    check_manifest,
    current_version,
    hash_file,
    hash_model,
    library_versions,
    read_manifest,
    sync_to_disk,
    write_manifest,
    write_model,
)
from service.nlp.errors import ArtefactError, OtklikError
from service.nlp.lemmas import Lemmatizer
from service.nlp.scorer import Scorer
from service.nlp.tagger import Tagger
from service.nlp.taxonomy import Taxonomy, format_taxonomy, parse_taxonomy
from service.registry.switch import adopt
from training.behaviour import read_capabilities, run_capabilities
from training.card import format_card
from training.compile import compile_weights
from training.corpus import CORRECTIONS, Example, format_comment
from training.held_out import write_held_out
from training.run import Trained
from training.settings import TrainingSettings


def publish(trained: Trained, settings: TrainingSettings) -> Path:
    """Write the model beside the others, as a candidate: what is in use stays in use."""
    with _scratch(settings.models) as folder:
        weights = compile_weights(trained.model, trained.lemma_keys, trained.words)
        write_model(folder, Model(trained.taxonomy, trained.rule, weights))
        version = _new_version(folder)
        joblib.dump(trained.model, folder / "pipeline.joblib", compress=3)
        tagger = Tagger(version, trained.taxonomy, trained.rule, Scorer(weights, Lemmatizer()))
        outcomes = run_capabilities(tagger, read_capabilities(settings.checklist, trained.taxonomy))
        (folder / "card.md").write_text(format_card(version, trained, outcomes), encoding="utf-8")
        write_held_out(folder, trained.taxonomy, trained.examples, trained.guesses)
        write_manifest(folder, _manifest(version, folder, trained, settings))
        return _move(folder, settings.models / version)


def hash_corpus(examples: Sequence[Example]) -> str:
    """What a manifest says of the comments that a model was made of."""
    corpus = [(e.author, e.question, format_comment(e), sorted(map(str, e.labels))) for e in examples]
    return hashlib.sha256(json.dumps(corpus).encode()).hexdigest()


def refresh_taxonomy(taxonomy: Taxonomy, models: Path) -> str | None:
    """Give the current model the titles, departments and KPIs of `taxonomy`, without training.

    The model with them is a new version beside the old one, and becomes the current one. Returns
    what was done, or what `make train` is needed for; None where nothing differs.
    """
    current = models / current_version(models)
    old = parse_taxonomy((current / "taxonomy.json").read_text(encoding="utf-8"))
    if taxonomy == old:
        return None
    if _codes(taxonomy) != _codes(old):
        return (
            "the taxonomy has other categories or aspects than the model; run make train to use them "
            "(until then the model goes on with those that it knows)"
        )
    manifest = read_manifest(current)
    with _scratch(models) as folder:
        skipped = shutil.ignore_patterns("comparisons")
        shutil.copytree(current, folder, copy_function=_link_or_copy, dirs_exist_ok=True, ignore=skipped)
        (folder / "manifest.json").unlink()
        _replace_text(folder / "taxonomy.json", format_taxonomy(taxonomy))
        version = _new_version(folder)
        files = manifest.files | {"taxonomy.json": hash_file(folder / "taxonomy.json")}
        write_manifest(folder, replace(manifest, version=version, files=files))
        _move(folder, models / version)
    adopt(models, version, "taxonomy", by="")
    return f"model {version}: titles, departments and KPIs now as in the taxonomy file"


@contextmanager
def _scratch(models: Path) -> Iterator[Path]:
    """An empty folder among the models that is gone afterwards; what a killed run left goes with it."""
    for left in models.glob(".training-*"):
        if not _is_running(left.name.removeprefix(".training-")):
            shutil.rmtree(left, ignore_errors=True)
    folder = models / f".training-{os.getpid()}"
    folder.mkdir(parents=True)
    try:
        yield folder
    except OSError as error:
        raise OtklikError(
            f"{models}: the model cannot be written ({error}); free some space and try again; "
            "what is in use stays in use"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_running(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return int(process) != os.getpid()


def _new_version(folder: Path) -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}-{hash_model(folder)[:6]}"


def _move(folder: Path, target: Path) -> Path:
    """Make `folder` the version `target`, unless a sound model with the same content is there.

    It appears whole, and survives a power cut from then on.
    """
    try:
        check_manifest(target, read_manifest(target))
    except ArtefactError:
        for path in (*folder.rglob("*"), folder):
            sync_to_disk(path)
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)
        sync_to_disk(target.parent)
    return target


def _codes(taxonomy: Taxonomy) -> list[tuple[str, tuple[str, ...]]]:
    return [(code, taxonomy.aspect_codes(code)) for code in taxonomy.category_codes]


def _link_or_copy(source: str, target: str) -> None:
    """A second name for the same file where the disk allows; models never change in place."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _replace_text(path: Path, text: str) -> None:
    path.unlink()  # the name only: another model may share the file
    path.write_text(text, encoding="utf-8")


def _manifest(version: str, folder: Path, trained: Trained, settings: TrainingSettings) -> Manifest:
    authors = Counter(example.author for example in trained.examples)
    corrections = authors.pop(CORRECTIONS, 0)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return Manifest(
        format=FORMAT,
        version=version,
        created=f"{datetime.now(UTC):%Y-%m-%d}",
        libraries=library_versions(),
        corpus={
            "sha256": hash_corpus(trained.examples),
            "comments": len(trained.examples),
            "authors": len(authors),
            "corrections": corrections,
        },
        settings={name: value for name, value in asdict(settings).items() if not isinstance(value, Path)},
        figures={name: asdict(report) for name, report in trained.reports.items()},
        files={path.relative_to(folder).as_posix(): hash_file(path) for path in files},
    )
