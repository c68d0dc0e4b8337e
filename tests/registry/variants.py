"""Further models for tests, made in milliseconds from a trained one."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

from service.nlp.artefact import current_version, hash_file, read_manifest, write_manifest
from service.registry.gate import ComparedSet, Comparison, Difference, hash_manifest, write_comparison


def add_variant(models: Path, version: str, shift: float) -> str:
    """A sound model whose first category is `shift` logits likelier than in the current one; its name."""
    source = models / current_version(models)
    folder = models / version
    shutil.copytree(source, folder, copy_function=os.link)
    for name in ("rule.json", "manifest.json"):
        (folder / name).unlink()
    rule = json.loads((source / "rule.json").read_text(encoding="utf-8"))
    rule["calibration"][0][0] += shift
    (folder / "rule.json").write_text(json.dumps(rule), encoding="utf-8")
    manifest = read_manifest(source)
    files = manifest.files | {"rule.json": hash_file(folder / "rule.json")}
    write_manifest(folder, replace(manifest, version=version, files=files))
    return version


def add_comparison(models: Path, new: str, old: str, change: float) -> Comparison:
    """A comparison in which `new` differs from `old` by `change` in one category, for certain."""
    price = Difference(
        old=0.8, new=0.8 + change, low=change - 0.01, high=change + 0.01, cases=90, gate_high=change + 0.015
    )
    comparison = Comparison(
        old=old,
        new=new,
        old_manifest=hash_manifest(models / old),
        new_manifest=hash_manifest(models / new),
        sets={"folds": ComparedSet(comments=900, sha256="0" * 64, figures={"f1 price": price})},
    )
    write_comparison(models, comparison)
    return comparison
