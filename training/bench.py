"""`make bench`: speed and memory of the current model, beside the plain pipeline on the same comments.

Figures are medians over interleaved rounds of one run, on one core; ratios travel between machines,
absolute figures do not. Writes `var/bench.json`, a list of {"goal", "value", "target", "met"}.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import joblib
from sklearn.pipeline import Pipeline

from service.nlp.artefact import current_version, load_tagger
from service.nlp.tagger import Comment, Tagger
from training.corpus import Example, read_corpus
from training.settings import PROJECT, TrainingSettings
from training.units import read_units

ROUNDS = 5
BATCH = 4_096
PLAIN_BATCH = 512


@dataclass(frozen=True)
class Measured:
    """A figure beside its goal; `target` is the least (or, for costs, the most) that is wanted."""

    goal: str
    value: float
    target: float
    met: bool
    spread: str
    """Lowest and highest over the rounds."""


def main() -> int:
    """Measure, print a table, write `var/bench.json`."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    settings = TrainingSettings()
    tagger = load_tagger(settings.models)
    examples = read_corpus(settings.corpus, tagger.taxonomy)
    pipeline = joblib.load(settings.models / current_version(settings.models) / "pipeline.joblib")
    measured = [*_measure_tagging(tagger, pipeline, examples), *_measure_commands(settings)]
    for row in measured:
        verdict = "met" if row.met else "NOT MET"
        print(f"{row.goal:<64} {row.value:>10.2f}  {row.spread:<22} goal {row.target:g}: {verdict}")
    output = PROJECT / "var" / "bench.json"
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps([asdict(row) for row in measured], indent=1) + "\n", encoding="utf-8")
    print(f"written to {output.relative_to(PROJECT)}")
    return 0


def _measure_tagging(tagger: Tagger, pipeline: Pipeline, examples: Sequence[Example]) -> list[Measured]:
    """Text to tags, seen words, in batches; and the plain pipeline's scores of the same comments."""
    comments = [Comment(example.text) for example in examples[:BATCH]]
    plain = examples[:PLAIN_BATCH]
    tagger.tag(comments)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(len(comments) / _seconds(lambda: tagger.tag(comments)))
        theirs.append(len(plain) / _seconds(lambda: pipeline.decision_function(read_units(plain).units)))
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return [
        _at_least("comments/s, text to tags, words seen before, batches of 4096", ours, 20_000),
        _at_least("the same beside the plain scikit-learn pipeline (ratio)", ratios, 15),
    ]


def _measure_commands(settings: TrainingSettings) -> list[Measured]:
    """Whole processes: `otklik tag` of one comment, and the memory of a loaded model."""
    source = PROJECT / "var" / "one.csv"
    source.parent.mkdir(exist_ok=True)
    source.write_text("comment\nЗадержали поставку на две недели\n", encoding="utf-8")
    command = [sys.executable, "-m", "service.cli", "tag", str(source), "--force", "-o"]
    command += [str(source.with_suffix(".jsonl")), "--models", str(settings.models)]
    seconds = [
        _seconds(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(ROUNDS)
    ]
    return [
        _at_most("seconds, `otklik tag` of one comment, whole process", seconds, 0.5),
        _at_most(
            "MiB, resident memory of a process with the model loaded", [_loaded_mib(settings.models)], 180
        ),
    ]


def _loaded_mib(models: Path) -> float:
    """Resident memory from /proc: getrusage would report the peak of the process that started it."""
    program = (
        "import re, sys; from pathlib import Path; from service.nlp.artefact import load_tagger;"
        "tagger = load_tagger(Path(sys.argv[1])); status = Path('/proc/self/status').read_text();"
        "print(re.search(r'VmRSS:\\s+(\\d+)', status)[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(models)], check=True, capture_output=True, text=True
    )
    return int(done.stdout) / 1024


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _at_least(goal: str, values: Sequence[float], target: float) -> Measured:
    value = statistics.median(values)
    return Measured(goal, value, target, value >= target, _spread(values))


def _at_most(goal: str, values: Sequence[float], target: float) -> Measured:
    value = statistics.median(values)
    return Measured(goal, value, target, value <= target, _spread(values))


def _spread(values: Sequence[float]) -> str:
    return f"[{min(values):.2f}–{max(values):.2f}]"


if __name__ == "__main__":
    sys.exit(main())
