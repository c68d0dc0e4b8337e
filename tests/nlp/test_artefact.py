"""A model that is not as it was made, or not for this program, is refused before it is used."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from service.nlp.artefact import current_version, load_tagger, set_current
from service.nlp.errors import ArtefactError
from service.nlp.tagger import Comment
from tests.conftest import EXAMPLE


def _folder(models: Path) -> Path:
    return models / current_version(models)


def _edit_manifest(models: Path, **changes: object) -> None:
    path = _folder(models) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def _flip_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _set_library(models: Path, name: str, version: str) -> None:
    manifest = json.loads((_folder(models) / "manifest.json").read_text(encoding="utf-8"))
    _edit_manifest(models, libraries=manifest["libraries"] | {name: version})


def _link(models: Path) -> None:
    path = _folder(models) / "rule.json"
    path.rename(models / "elsewhere.json")
    path.symlink_to(models / "elsewhere.json")


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no current": (lambda models: (models / "current").unlink(), "found no current model"),
    "current is empty": (
        lambda models: (models / "current").write_text(""),
        "expected the name of a version",
    ),
    "current leads outside": (lambda models: (models / "current").write_text("../x"), "expected the name"),
    "current is not there": (lambda models: set_current(models, "2020-01-01-000000"), "found no such model"),
    "no manifest": (lambda models: (_folder(models) / "manifest.json").unlink(), "the model is incomplete"),
    "manifest is cut": (
        lambda models: (_folder(models) / "manifest.json").write_text('{"format": 1, "ver'),
        "not readable as JSON",
    ),
    "manifest is a list": (
        lambda models: (_folder(models) / "manifest.json").write_text("[]"),
        "found format",
    ),
    "a field of the manifest is gone": (
        lambda models: _edit_manifest(models, files="none"),
        "field «files» is wrong or missing",
    ),
    "other format": (
        lambda models: _edit_manifest(models, format=99),
        "found format 99, this program reads 5",
    ),
    "other scikit-learn": (
        lambda models: _set_library(models, "scikit-learn", "0.1"),
        "made with scikit-learn 0.1, found",
    ),
    "other dictionary": (
        lambda models: _set_library(models, "pymorphy3-dicts-ru", "1"),
        "made with pymorphy3-dicts-ru 1, found",
    ),
    "renamed folder": (
        lambda models: (_folder(models).rename(models / "other"), set_current(models, "other")),
        "its manifest is of version",
    ),
    "a bit of the weights": (
        lambda models: _flip_bit(_folder(models) / "arrays" / "ngram_rows.npy"),
        "ngram_rows.npy is not as it was made",
    ),
    "a bit of the pipeline": (
        lambda models: _flip_bit(_folder(models) / "pipeline.joblib"),
        "pipeline.joblib is not as it was made",
    ),
    "truncated weights": (
        lambda models: (_folder(models) / "arrays" / "biases.npy").write_bytes(b"\x93NUMPY"),
        "biases.npy is not as it was made",
    ),
    "missing weights": (
        lambda models: (_folder(models) / "arrays" / "biases.npy").unlink(),
        "biases.npy is missing",
    ),
    "a file too many": (
        lambda models: np.save(_folder(models) / "arrays" / "more.npy", np.zeros(1)),
        "found more.npy, which the manifest lacks",
    ),
    "a link instead of a file": (_link, "rule.json is missing or not a plain file"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES.keys())
def test_refusal(own_models: Path, damage: Callable[[Path], object], message: str) -> None:
    """One line says what was found and what to do."""
    damage(own_models)
    with pytest.raises(ArtefactError) as caught:
        load_tagger(own_models)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("run make train")


_FORKED = """
import os, signal, sys
from pathlib import Path
from service.nlp.artefact import load_tagger
load_tagger(Path(sys.argv[1]))
child = os.fork()
if child == 0:
    signal.alarm(30)
    load_tagger(Path(sys.argv[1]))
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_loads_a_model_too(models: Path) -> None:
    """Workers of a server that loads before it forks do not wait for threads that are not there."""
    assert subprocess.run([sys.executable, "-c", _FORKED, str(models)], check=False).returncode == 0


def test_every_file_is_guarded(own_models: Path) -> None:
    """A changed bit is found in whatever file the service loads."""
    for path in sorted(_folder(own_models).glob("arrays/*.npy")):
        _flip_bit(path)
        with pytest.raises(ArtefactError, match=path.name):
            load_tagger(own_models)
        _flip_bit(path)
    load_tagger(own_models)


def test_a_remark_in_the_card_does_no_harm(own_models: Path) -> None:
    """People may write into the card."""
    with (_folder(own_models) / "card.md").open("a") as card:
        card.write("\nremark\n")
    assert load_tagger(own_models).tag([Comment(EXAMPLE)])[0].tags


def test_a_copied_model_gives_the_same_tags(own_models: Path, models: Path) -> None:
    """A model is its folder: nothing of it depends on where it lies."""
    comments = [Comment(EXAMPLE), Comment("цены задрали, но менеджер вежливый")]
    assert load_tagger(own_models).tag(comments) == load_tagger(models).tag(comments)
