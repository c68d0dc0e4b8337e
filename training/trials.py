"""Fits for tables: what a model says of comments held out, having learned from others in this or that way.

A fit takes minutes and a table needs many. What each one said is kept under `var/trials/` by a hash of
all that it depends on: comments, settings, turns of speech, and the code that fits. A run that was stopped
goes on where it was. Kept are logits, without a word of text; rules and figures are worked out anew.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from tqdm import tqdm

from service.nlp.decide import FIRST_TAG, DecisionRule, Scores
from service.nlp.errors import OtklikError
from service.nlp.features import Floats
from service.nlp.hashing import Rows
from service.nlp.heads import Heads
from service.nlp.scorer import NETWORK_SHARE
from service.nlp.taxonomy import Taxonomy
from training.corpus import Example, format_comment, read_set
from training.fit import mix_halves
from training.guess import decide_units
from training.lexicon import Turn, read_lexicon
from training.rule import HeldOut, choose_rule
from training.run import fit_model, read_inputs
from training.scoring import Guess
from training.settings import PROJECT, TrainingSettings
from training.split import make_folds
from training.units import UnitSet, as_one_clause, read_units

HELD_OUT = "held-out authors"
PARTS = 6
"""One part of the authors in so many is held out."""

_FITTING = ("features", "fit", "lemmas", "lexicon", "network", "units", "vectors")
"""The modules of training, beside all of `service.nlp`, that shape what a fit says."""


@dataclass(frozen=True)
class Exam:
    """What the fits of a table may learn from, and the comments that all of them judge."""

    taxonomy: Taxonomy
    turns: Sequence[Turn]
    pool: list[Example]
    """To learn from."""
    sets: dict[str, list[Example]]
    """To judge, by name: first comments of authors that are not in the pool, then sets of the user's."""

    @cached_property
    def heads(self) -> Heads:
        """Of the taxonomy."""
        return Heads(self.taxonomy)


@dataclass(frozen=True)
class Trial:
    """One fit: what it learns from, and how."""

    exam: Exam
    examples: Sequence[Example]
    settings: TrainingSettings

    @property
    def is_made(self) -> bool:
        """Whether what it said of every set is kept."""
        return all(self.path(examples).exists() for examples in self.exam.sets.values())

    def path(self, judged: Sequence[Example]) -> Path:
        """Where what it said of `judged` is kept."""
        return self.settings.trials / self._key / f"{_hash([example.text for example in judged])}.npz"

    @cached_property
    def _key(self) -> str:
        told = {name: value for name, value in asdict(self.settings).items() if not isinstance(value, Path)}
        learned = [(format_comment(e), sorted(map(str, e.labels))) for e in self.examples]
        turns = [(turn.text, str(turn.label)) for turn in self.exam.turns]
        heads = list(map(str, self.exam.heads.all))
        return _hash([told | {"jobs": 0}, learned, turns, heads, _code_hash()])


@dataclass(frozen=True)
class Reading:
    """How the logits of the two halves become tags."""

    share: float = NETWORK_SHARE
    """The network's."""
    first_tag: float = FIRST_TAG
    heeds_context: bool = True
    """Whether score and question lean on the sign."""


PLAIN = Reading()
"""As the service does."""


@dataclass(frozen=True)
class Answers:
    """What a fit said of some comments: the logits of both halves."""

    units: UnitSet
    linear: Floats
    network: Floats

    def scores(self, reading: Reading) -> Scores:
        """Both halves together."""
        logits = mix_halves(self.linear, self.network, reading.share)
        n, contexts = self.units.n_comments, self.units.contexts if reading.heeds_context else None
        return Scores(logits[:n], logits[n:], self.units.runs, contexts)


def set_exam(settings: TrainingSettings, data: Sequence[Path] = ()) -> Exam:
    """Hold out one author in `PARTS` of the corpus, and take the files of `data` beside them.

    Raises:
        OtklikError: when a file cannot be read, or there are too few authors to hold one out.
    """
    taxonomy, examples = read_inputs(settings)
    authors = len({example.author for example in examples})
    if authors < 2:
        raise OtklikError(f"{settings.corpus}: found {authors} author, expected 2 or more: one is held out")
    fold = make_folds(examples, min(PARTS, authors))[0]
    sets = {HELD_OUT: [examples[i] for i in fold.held_out]}
    for path in data:
        sets[path.stem] = read_set(path, taxonomy)
    return Exam(taxonomy, read_lexicon(settings.lexicon, taxonomy), [examples[i] for i in fold.train], sets)


def run_trials(trials: Sequence[Trial], jobs: int, most: int | None = None) -> int:
    """Make at most `most` of the fits that are not kept yet (all by default); how many are still missing.

    `jobs` of them are under way at once, which does not change what they say.
    """
    missing = [trial for trial in trials if not trial.is_made]
    now = missing[:most]
    work = Parallel(n_jobs=jobs, return_as="generator_unordered")(delayed(_make)(trial) for trial in now)
    for _ in tqdm(work, desc="models fitted", total=len(now), unit="fit", disable=None if now else True):
        pass
    return len(missing) - len(now)


def answers_of(trial: Trial) -> dict[str, Answers]:
    """What a fit that was made said of each set of its exam."""
    found = {}
    for name, examples in trial.exam.sets.items():
        with np.load(trial.path(examples), allow_pickle=False) as kept:
            units = _read(examples, trial.settings)
            found[name] = Answers(units, kept["linear"], kept["network"])
    return found


def judge(answers: dict[str, Answers], exam: Exam, reading: Reading) -> dict[str, list[Guess]]:
    """What the fit tags in each set.

    The rule is chosen on the held-out authors; for each half of them on the other half.
    """
    own = answers[HELD_OUT]
    rule = _choose(own, exam.sets[HELD_OUT], exam, reading)
    found = {name: _decide(further, rule, exam, reading) for name, further in answers.items()}
    everything = np.arange(own.units.n_comments)
    for side in make_folds(exam.sets[HELD_OUT], 2):
        other = np.setdiff1d(everything, side.held_out)
        rule = _choose(_select(own, other), [exam.sets[HELD_OUT][i] for i in other], exam, reading)
        judged = _decide(_select(own, side.held_out), rule, exam, reading)
        for row, guess in zip(side.held_out.tolist(), judged, strict=True):
            found[HELD_OUT][row] = guess
    return found


def _choose(answers: Answers, examples: Sequence[Example], exam: Exam, reading: Reading) -> DecisionRule:
    """The rule that is best for `examples`."""
    return choose_rule(HeldOut(examples, answers.units, answers.scores(reading)), exam.heads)


def _decide(answers: Answers, rule: DecisionRule, exam: Exam, reading: Reading) -> list[Guess]:
    return decide_units(answers.scores(reading), answers.units, exam.heads, rule, reading.first_tag)


def _select(answers: Answers, rows: Rows) -> Answers:
    """Only the comments `rows` (ascending)."""
    units = answers.units
    at = np.concatenate([rows, units.n_comments + np.flatnonzero(np.isin(units.owners, rows))])
    return Answers(units.select(rows), answers.linear[at], answers.network[at])


def _make(trial: Trial) -> None:
    """Fit, let the model judge every set of the exam, and keep what it says."""
    exam, settings = trial.exam, trial.settings
    turns = () if "turns" in settings.without else exam.turns
    model = fit_model(_read(trial.examples, settings), turns, exam.heads, settings)
    for examples in exam.sets.values():
        linear, network = model.halves(_read(examples, settings).units)
        path = trial.path(examples)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".part.npz")
        np.savez_compressed(beside, linear=linear.astype(np.float32), network=network.astype(np.float32))
        beside.replace(path)


def _read(examples: Sequence[Example], settings: TrainingSettings) -> UnitSet:
    units = read_units(examples)
    return as_one_clause(units) if "clauses" in settings.without else units


@lru_cache(maxsize=1)
def _code_hash() -> str:
    files = sorted((PROJECT / "service" / "nlp").glob("*.py"))
    files += [PROJECT / "training" / f"{name}.py" for name in _FITTING]
    return _hash([path.read_text(encoding="utf-8") for path in files])


def _hash(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
