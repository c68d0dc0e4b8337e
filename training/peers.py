"""Programs of others that learn the same task, each in an environment of its own.

fastText and spaCy weigh half a gigabyte, bring numpy and pydantic in versions of their own, and nothing that
serves or trains needs them: so pip puts them, pinned, under `var/bench`, once.
"""

import hashlib
import json
import subprocess
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from service.nlp.heads import POLARITIES
from service.nlp.taxonomy import Taxonomy
from training.baselines import Beliefs, Measured, choose_thresholds, cut, judge_held_out
from training.corpus import Example
from training.paired import hash_examples
from training.scoring import Report, score
from training.settings import TrainingSettings
from training.split import make_folds

_SCRIPTS = Path(__file__).parent / "bench" / "peers"

Answers = tuple[str, dict[str, bool]]
"""A text, and of each label whether it applies; labels that are left out teach nothing."""


@dataclass(frozen=True)
class Peer:
    """A program that learns labels of texts."""

    name: str
    script: Path
    """Reads a task as JSON and prints the probability of each label for each text."""
    packages: tuple[str, ...]
    options: dict[str, float]
    """How it learns, where accuracy counts."""

    def environment(self, folder: Path) -> Path:
        """The interpreter of the peer's environment under `folder`."""
        return make_environment(folder / self.script.stem.removesuffix("_peer"), self.packages)


FASTTEXT = Peer(
    "fastText",
    _SCRIPTS / "fasttext_peer.py",
    ("fasttext-numpy2==0.10.4",),
    {"epoch": 15, "lr": 0.5, "wordNgrams": 2, "bucket": 400_000},
)
"""The fork that is kept: fasttext-wheel has no wheel for Python 3.13, and its `predict` fails on numpy 2."""
SPACY = Peer(
    "spaCy textcat", _SCRIPTS / "spacy_peer.py", ("spacy==3.8.18",), {"epochs": 6, "batch": 128, "rate": 0.01}
)
PEERS = (FASTTEXT, SPACY)


def make_environment(folder: Path, packages: Sequence[str]) -> Path:
    """The interpreter of an environment with `packages`; the one of an earlier run, if they are the same."""
    wanted = "\n".join(packages) + "\n"
    stamp, python = folder / "packages.txt", folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        tqdm.write(f"making {folder} of {', '.join(packages)} …")
        venv.create(folder, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, *packages], check=True)
        stamp.write_text(wanted, encoding="utf-8")
    return python


def run_peer(
    peer: Peer, folder: Path, task: dict[str, Any], prepare: Callable[[], None] | None = None
) -> list[Any]:
    """What the peer's script tells of `task`, in an environment and with a task file under `folder`."""
    python = peer.environment(folder)
    path = folder / f"{peer.script.stem}.json"
    path.write_text(json.dumps({"options": peer.options, **task}, ensure_ascii=False), encoding="utf-8")
    try:
        command = [str(python), str(peer.script), str(path)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, preexec_fn=prepare)
    finally:
        path.unlink()
    told: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@dataclass(frozen=True)
class PeerLearner:
    """A peer as a baseline: each category is a label, and so is each category with each polarity.

    What it told is kept under `kept` by a hash of all that it was told, so that a run that was stopped
    goes on where it was.
    """

    peer: Peer
    folder: Path
    kept: Path

    def __call__(self, train: Sequence[Example], judged: Sequence[Example], taxonomy: Taxonomy) -> Beliefs:
        codes = taxonomy.category_codes
        labels = [*codes, *(f"{code}/{polarity}" for code in codes for polarity in POLARITIES)]
        task = {
            "labels": labels,
            "train": [(example.text, _answers(example, taxonomy)) for example in train],
            "texts": [example.text for example in judged],
        }
        path = self.kept / f"{self.peer.script.stem}-{self._key(task)}.npy"
        if not path.exists():
            self.kept.mkdir(parents=True, exist_ok=True)
            told = np.array(run_peer(self.peer, self.folder, task), dtype=np.float32)
            np.save(path, told)
        categories, pairs = np.split(np.load(path), [len(codes)], axis=1)
        pairs = pairs.reshape(len(judged), len(codes), len(POLARITIES))
        return Beliefs(categories, pairs.argmax(axis=2))

    def _key(self, task: dict[str, Any]) -> str:
        fixed = [self.peer.packages, self.peer.options, self.peer.script.read_text(encoding="utf-8"), task]
        return hashlib.sha256(json.dumps(fixed).encode()).hexdigest()[:16]


def _answers(example: Example, taxonomy: Taxonomy) -> dict[str, bool]:
    answers = {}
    for code in taxonomy.category_codes:
        if code not in example.optional:
            label = example.label(code)
            answers[code] = label is not None
            answers |= {f"{code}/{p}": label is not None and label.polarity == p for p in POLARITIES}
    return answers


def measure_peers(
    examples: Sequence[Example],
    sets: Sequence[Sequence[Example]],
    taxonomy: Taxonomy,
    settings: TrainingSettings,
) -> Measured:
    """The figures of `PEERS` on the folds of `examples`; and, having learned all of them, on `sets`."""
    folds = make_folds(examples, settings.folds)
    measured = Measured({}, {hash_examples(own): {} for own in sets})
    for peer in PEERS:
        learner = PeerLearner(peer, settings.environments, settings.trials)
        progress = tqdm(folds, desc=peer.name, unit="fold", disable=None)
        held_out = judge_held_out(learner, examples, progress, taxonomy)
        thresholds = choose_thresholds(examples, held_out, taxonomy)
        measured.folds[peer.name] = _score(examples, held_out, thresholds, taxonomy)
        for own in tqdm(sets, desc=f"{peer.name}, further sets", unit="set", disable=None if sets else True):
            beliefs = learner(examples, own, taxonomy)
            measured.sets[hash_examples(own)][peer.name] = _score(own, beliefs, thresholds, taxonomy)
    return measured


def _score(
    examples: Sequence[Example], beliefs: Beliefs, thresholds: Sequence[float], taxonomy: Taxonomy
) -> Report:
    return score(examples, cut(beliefs, thresholds, taxonomy), taxonomy.category_codes)
