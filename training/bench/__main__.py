"""`make bench`: measure, print one table, write `var/bench.json` and `var/bench.svg`."""

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from threadpoolctl import threadpool_limits

from service.nlp.artefact import current_version, load_tagger
from training.bench import backfill, environments, http, processes, tagging
from training.bench.measure import Measured, at_least, ratios
from training.bench.plot import draw_bars
from training.bench.training_time import measure_training
from training.corpus import Example, read_corpus
from training.settings import PROJECT, TrainingSettings

VAR = PROJECT / "var"
_SEED = 5

_WARM = "comments/s, text to tags, words seen before, batches of 4,096"
_COLUMNS = "comments/s, the same as columns"
_PLAIN = "comments/s, the same by the plain pipeline"
_MANY = "requests/s, one comment a request, 32 connections"
_FASTTEXT = "comments/s, fastText, its Python call"
_SPACY = "comments/s, spaCy textcat"


def main() -> int:
    """Measure what the arguments ask for; everything by default."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # processes start from bytecode, as they do for users
    options = _parser().parse_args()
    settings = TrainingSettings()
    taxonomy = load_tagger(settings.models).taxonomy
    examples = read_corpus(settings.corpus, taxonomy)
    random.Random(_SEED).shuffle(examples)
    started = time.perf_counter()
    bench = _Bench(settings.models, examples, options.rounds, options.scale)
    for name, measure in bench.parts().items():
        if options.only and name not in options.only:
            continue
        print(f"— {name}, {time.perf_counter() - started:.0f} s", flush=True)
        for row in measure():
            bench.rows.append(row)
            print(row, flush=True)
    print(f"\nmodel {current_version(settings.models)}, {time.perf_counter() - started:.0f} s in all; goals:")
    for row in bench.rows:
        print(row)
    _write(bench.rows)
    return 0


class _Bench:
    """The parts of a run; later ones look at the figures of earlier ones."""

    def __init__(self, models: Path, examples: list[Example], rounds: int, scale: float) -> None:
        self.rows: list[Measured] = []
        self._models = models
        self._examples = examples
        self._texts = [example.text for example in examples]
        self._rounds = rounds
        self._scale = scale
        self._folder = VAR / "bench"
        self._folder.mkdir(parents=True, exist_ok=True)

    def parts(self) -> dict[str, Callable[[], list[Measured]]]:
        """By name, in the order of a run."""
        return {
            "tagging": self._on_one_core(
                lambda: tagging.measure_warm(self._models, self._texts, self._rounds)
            ),
            "stages": self._on_one_core(
                lambda: tagging.measure_stages(self._models, self._texts, self._rounds)
            ),
            "unseen": self._on_one_core(lambda: tagging.measure_unseen(self._models, self._texts, 3)),
            "peers": self._peers,
            "http": lambda: http.measure_requests(self._models, self._texts, self._folder, self._rounds),
            "mlserver": self._mlserver,
            "start": lambda: http.measure_start(self._models, self._folder, self._rounds),
            "command": lambda: processes.measure_command(self._models, self._folder, self._rounds),
            "growth": self._on_one_core(
                lambda: tagging.measure_growth(self._models, self._texts, self._size(1_000_000))
            ),
            "parquet": lambda: processes.measure_parquet(
                self._models, self._texts, self._folder, self._size(1_000_000)
            ),
            "backfill": lambda: backfill.measure_backfill(
                self._models, self._texts, self._folder, self._size(1_000_000)
            ),
            "memory": lambda: http.measure_memory(
                self._models, self._texts, self._folder, self._size(1_000_000)
            ),
            "equality": lambda: tagging.measure_equality(self._models, self._texts, self._size(100_000)),
            "training": self._on_one_core(self._training),
        }

    def _size(self, full: int) -> int:
        return max(2_000, int(full * self._scale))

    def _peers(self) -> list[Measured]:
        train = [(e.text, [label.category for label in e.labels]) for e in self._examples]
        texts = self._texts[: tagging.BATCH]
        found = {
            _FASTTEXT: environments.measure_fasttext(self._folder, train, texts, self._rounds),
            _SPACY: environments.measure_spacy(self._folder, train, texts, self._rounds),
        }
        rows = [at_least(name, rates, None) for name, rates in found.items()]
        if ours := self._values(_WARM):
            rows += [
                at_least(f"ratio to {name.removeprefix('comments/s, ')}", ratios(ours, rates), 1.0)
                for name, rates in found.items()
            ]
        return rows

    def _mlserver(self) -> list[Measured]:
        ours = self._values(_MANY)
        return environments.measure_mlserver(
            self._folder, self._models, self._texts[: tagging.PLAIN_BATCH], ours, len(ours) or self._rounds
        )

    def _training(self) -> list[Measured]:
        taxonomy = load_tagger(self._models).taxonomy
        return measure_training(taxonomy, self._examples, max(2_000, int(8_000 * self._scale)))

    def _values(self, goal: str) -> tuple[float, ...]:
        return next((row.values for row in self.rows if row.goal == goal), ())

    def _on_one_core(self, measure: Callable[[], list[Measured]]) -> Callable[[], list[Measured]]:
        def pinned() -> list[Measured]:
            with _one_core():
                return measure()

        return pinned


@contextmanager
def _one_core() -> Iterator[None]:
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        with threadpool_limits(1):
            yield
    finally:
        os.sched_setaffinity(0, cores)


def _write(rows: list[Measured]) -> None:
    fields = [
        {"goal": row.goal, "value": row.value, "target": row.target, "met": row.met, "spread": row.spread}
        for row in rows
    ]
    (VAR / "bench.json").write_text(json.dumps(fields, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    names = {_WARM: "Отклик", _COLUMNS: "Отклик, as columns", _PLAIN: "the same model in scikit-learn",
             _FASTTEXT: "fastText (categories only)", _SPACY: "spaCy textcat (categories only)"}  # fmt: skip
    rates = {names[row.goal]: row.value for row in rows if row.goal in names}
    if rates:
        title = "Comments tagged a second, one core, words seen before"
        (VAR / "bench.svg").write_text(draw_bars(title, rates), encoding="utf-8")
    print(f"written to {(VAR / 'bench.json').relative_to(PROJECT)} and bench.svg beside it")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.bench", description=__doc__)
    parser.add_argument("--only", nargs="*", metavar="PART", help="tagging, http, parquet, …")
    parser.add_argument("--rounds", type=int, default=5, help="of each comparison (%(default)s)")
    parser.add_argument("--scale", type=float, default=1.0, help="of the large runs (1,000,000 comments)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
