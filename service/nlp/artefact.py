"""A trained model as a folder of plain arrays and JSON, checked before anything of it is used.

models/
  current                     name of the version in use
  2026-11-21-3f9c2a/
    manifest.json             format, library versions, corpus, and the hash of every other file
    taxonomy.json  rule.json
    arrays/*.npy              memory-mapped by the service
    pipeline.joblib  card.md  for people; the service opens neither
"""

import gc
import hashlib
import importlib.metadata
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from service.nlp.decide import DecisionRule
from service.nlp.errors import ArtefactError, TaxonomyError
from service.nlp.features import KnownWords, Vocabulary, WordVectors
from service.nlp.lemmas import Lemmatizer
from service.nlp.network import Network
from service.nlp.scorer import Scorer, Weights
from service.nlp.spelling import Spelling
from service.nlp.tagger import Comment, Tagger
from service.nlp.taxonomy import Taxonomy, format_taxonomy, parse_taxonomy

FORMAT = 5
"""Number of the folder's layout; raised when older code could not read it."""

LIBRARIES = ("numpy", "pymorphy3", "pymorphy3-dicts-ru", "scikit-learn")
"""Their versions are recorded. A model is refused where one that shapes tags differs."""

_SHAPING = ("pymorphy3", "pymorphy3-dicts-ru", "scikit-learn")
_FOR_PEOPLE = frozenset({"card.md"})
"""Checked for presence by no one: a remark added to the card does no harm."""

_OBJECTS_A_COLLECTION = 50_000
"""Results are many small objects without cycles. After each 700 of them, as it does by default, the garbage
collector would look through ever more of the heap: a fifth of the time of tagging."""

_HASHERS = 4
"""Files hashed at once."""

_REMEDY = "run make train"


@dataclass(frozen=True)
class Manifest:
    """What a model is made of and made from."""

    format: int
    version: str
    created: str
    """Date, ISO 8601."""
    libraries: dict[str, str]
    corpus: dict[str, Any]
    """Hash, number of comments and of authors."""
    settings: dict[str, Any]
    figures: dict[str, Any]
    files: dict[str, str]
    """BLAKE3 of each file (`hash_file`), by path inside the folder."""


_FIELD_KINDS: dict[str, type] = {
    **dict.fromkeys(("libraries", "corpus", "settings", "figures", "files"), dict),
    **dict.fromkeys(("version", "created"), str),
    "format": int,
}


@dataclass(frozen=True)
class Model:
    """All that the service needs, in memory or memory-mapped."""

    taxonomy: Taxonomy
    rule: DecisionRule
    weights: Weights


def current_version(models: Path) -> str:
    """The version that `models/current` names. Raises: ArtefactError."""
    pointer = models / "current"
    try:
        version = pointer.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise ArtefactError(f"{models}: found no current model; {_REMEDY}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ArtefactError(f"{pointer}: cannot be read ({error}); {_REMEDY}") from None
    if not version or Path(version).name != version:
        raise ArtefactError(f"{pointer}: found «{version[:80]}», expected the name of a version; {_REMEDY}")
    return version


def load_tagger(models: Path, version: str | None = None, lemmatizer: Lemmatizer | None = None) -> Tagger:
    """The tagger of `version`, or of the current one, ready to serve.

    A `lemmatizer` that has read its dictionary already saves reading it again. The process's garbage
    collector is told to look less often.

    Raises:
        ArtefactError: when the model is missing, altered or incompatible; one line, with the remedy.
    """
    folder = models / (version or current_version(models))
    manifest = read_manifest(folder)
    check_manifest(folder, manifest)
    model = _read_model(folder)
    lemmatizer = lemmatizer or Lemmatizer()
    gc.set_threshold(max(_OBJECTS_A_COLLECTION, gc.get_threshold()[0]), *gc.get_threshold()[1:])
    tagger = Tagger(manifest.version, model.taxonomy, model.rule, Scorer(model.weights, lemmatizer))
    tagger.tag([Comment("Задержали поставку, станок отличный")])  # proves that it works
    return tagger


def load_taxonomy(models: Path) -> tuple[str, Taxonomy]:
    """The version of the current model and its taxonomy, without its weights. Raises: ArtefactError."""
    version = current_version(models)
    check_manifest(models / version, read_manifest(models / version))
    return version, parse_taxonomy((models / version / "taxonomy.json").read_text(encoding="utf-8"))


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the model in `folder`. Raises: ArtefactError."""
    path = folder / "manifest.json"
    if not folder.is_dir():
        raise ArtefactError(f"{folder}: found no such model; {_REMEDY}")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtefactError(f"{path} is missing: the model is incomplete; {_REMEDY}") from None
    except (OSError, ValueError) as error:
        raise ArtefactError(f"{path}: not readable as JSON ({error}); {_REMEDY}") from None
    found = raw.get("format") if isinstance(raw, dict) else None
    if found != FORMAT:
        raise ArtefactError(f"{path}: found format {found!r}, this program reads {FORMAT}; {_REMEDY}")
    wrong = [name for name, kind in _FIELD_KINDS.items() if not isinstance(raw.get(name), kind)]
    if wrong := [*wrong, *(raw.keys() - _FIELD_KINDS.keys())]:
        raise ArtefactError(f"{path}: field «{wrong[0]}» is wrong or missing; {_REMEDY}")
    return Manifest(**raw)


def check_manifest(folder: Path, manifest: Manifest) -> None:
    """Compare the manifest with the folder and with this program's libraries. Raises: ArtefactError."""
    if manifest.version != folder.name:
        raise ArtefactError(f"{folder}: its manifest is of version {manifest.version}; {_REMEDY}")
    installed = library_versions()
    for name in _SHAPING:
        made, here = manifest.libraries.get(name), installed.get(name)
        if here is not None and made != here:
            raise ArtefactError(f"{folder}: made with {name} {made}, found {here} here; {_REMEDY}")
    files = {folder / name: expected for name, expected in manifest.files.items() if name not in _FOR_PEOPLE}
    for path in files:
        if path.is_symlink() or not path.is_file():
            raise ArtefactError(f"{path} is missing or not a plain file; {_REMEDY}")
    with ThreadPoolExecutor(_HASHERS) as pool:  # hashing lets go of the interpreter
        hashes = list(pool.map(hash_file, files))
    for (path, expected), found in zip(files.items(), hashes, strict=True):
        if found != expected:
            raise ArtefactError(f"{path} is not as it was made (its BLAKE3 differs); {_REMEDY}")
    unknown = {p.name for p in (folder / "arrays").iterdir()} - {Path(name).name for name in manifest.files}
    if unknown:
        raise ArtefactError(f"{folder / 'arrays'}: found {min(unknown)}, which the manifest lacks; {_REMEDY}")


def write_model(folder: Path, model: Model) -> None:
    """Write what the service loads into the empty `folder`; the same bytes for the same model."""
    (folder / "arrays").mkdir()
    for name, array in _arrays(model.weights).items():
        np.save(folder / "arrays" / f"{name}.npy", array, allow_pickle=False)
    (folder / "taxonomy.json").write_text(format_taxonomy(model.taxonomy), encoding="utf-8")
    (folder / "rule.json").write_text(json.dumps(asdict(model.rule), indent=1) + "\n", encoding="utf-8")


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest: the last file, which makes the model whole."""
    text = json.dumps(asdict(manifest), ensure_ascii=False, indent=1) + "\n"
    write_durably(folder / "manifest.json", text)


def set_current(models: Path, version: str) -> None:
    """Make `version` the one in use, in one step that leaves the old one or the new one."""
    write_durably(models / "current", version + "\n")


def write_durably(path: Path, text: str) -> None:
    """Replace `path` so that a crash leaves the old text or the new one, never a part."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    sync_to_disk(path.parent)


def sync_to_disk(path: Path) -> None:
    """Return once a file's content, or a folder's list of names, survives a power cut."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def library_versions() -> dict[str, str]:
    """Installed versions of `LIBRARIES`, without importing them; those not installed are left out."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def hash_file(path: Path) -> str:
    """BLAKE3 of a file, 32 bytes in hex: as safe as SHA-256, and some times as fast without a chip for it.

    One thread a file: the library's own ones would stay, and a fork of this process wait for them for ever.
    """
    return blake3(max_threads=1).update_mmap(path).hexdigest()


def hash_model(folder: Path) -> str:
    """One hash over the names and bytes of all that the service loads from `folder`."""
    total = hashlib.sha256()
    for path in sorted([*(folder / "arrays").iterdir(), folder / "taxonomy.json", folder / "rule.json"]):
        total.update(f"{path.name} {hash_file(path)}\n".encode())
    return total.hexdigest()


def _read_model(folder: Path) -> Model:
    try:
        taxonomy = parse_taxonomy((folder / "taxonomy.json").read_text(encoding="utf-8"))
        rule = parse_rule((folder / "rule.json").read_text(encoding="utf-8"))
        return Model(taxonomy, rule, _read_weights(folder / "arrays"))
    except (OSError, ValueError, TypeError, KeyError, TaxonomyError) as error:
        raise ArtefactError(f"{folder}: cannot be read ({error}); {_REMEDY}") from None


def parse_rule(text: str) -> DecisionRule:
    """The rule in the JSON `text` of `rule.json`. Raises: ValueError, TypeError, KeyError."""
    fields = json.loads(text)
    return DecisionRule(
        calibration=tuple(tuple(weights) for weights in fields["calibration"]),
        thresholds=tuple(fields["thresholds"]),
        evidence_cuts=tuple(fields["evidence_cuts"]),
        aspect_cuts=tuple(fields["aspect_cuts"]),
        whole_weight=fields["whole_weight"],
        tone_shifts=tuple(tuple(shifts) for shifts in fields["tone_shifts"]),
        review_cut=fields["review_cut"],
    )


def _arrays(weights: Weights) -> dict[str, NDArray[Any]]:
    vocabulary, vectors = weights.vocabulary, weights.vectors
    return {
        "lemma_keys": vocabulary.lemma_keys,
        "lemma_rows": weights.lemma_rows,
        "ngram_keys": vocabulary.ngram_keys,
        "ngram_rows": weights.ngram_rows,
        "pair_keys": vocabulary.pair_keys,
        "pair_adds": weights.pair_adds,
        "vector_keys": vectors.keys,
        "vector_codes": vectors.codes,
        "vector_lemma_rows": vectors.lemma_rows,
        "biases": weights.biases,
        **{f"word_{field.name}": getattr(weights.words, field.name) for field in fields(KnownWords)},
        **{f"spelling_{field.name}": getattr(weights.spelling, field.name) for field in fields(Spelling)},
        **{f"network_{field.name}": getattr(weights.network, field.name) for field in fields(Network)},
    }


def _read_weights(folder: Path) -> Weights:
    def read(name: str) -> NDArray[Any]:
        return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))

    vocabulary = Vocabulary(
        lemma_keys=read("lemma_keys"),
        ngram_keys=read("ngram_keys"),
        pair_keys=read("pair_keys"),
    )
    return Weights(
        vocabulary=vocabulary,
        vectors=WordVectors(read("vector_keys"), read("vector_codes"), read("vector_lemma_rows")),
        words=KnownWords(**{field.name: read(f"word_{field.name}") for field in fields(KnownWords)}),
        spelling=Spelling(**{field.name: read(f"spelling_{field.name}") for field in fields(Spelling)}),
        lemma_rows=read("lemma_rows"),
        ngram_rows=read("ngram_rows"),
        pair_adds=read("pair_adds"),
        biases=read("biases"),
        network=Network(**{field.name: read(f"network_{field.name}") for field in fields(Network)}),
    )
