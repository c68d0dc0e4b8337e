"""A candidate beside the model in use: what it does better or worse, and what it would change."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from service.nlp.artefact import load_tagger
from service.nlp.errors import OtklikError
from service.nlp.tagger import Tagger
from service.registry.gate import ComparedSet, Comparison, SetName, hash_manifest
from training.agreement import Agreement, Dispute, find_agreements, find_disputes, read_readings
from training.calibration import Calibration, measure_calibration
from training.corpus import CORRECTIONS, Example
from training.corrections import read_gold
from training.drift import Drift, measure_drift
from training.guess import tag_examples
from training.held_out import read_held_out
from training.paired import compare_on
from training.retag import KINDS, Retagged, diff_results, read_comments, tag_stored
from training.run import read_inputs
from training.scoring import Guess
from training.settings import TrainingSettings
from training.split import text_key
from training.suspects import Suspect, find_suspects

_STEPS = 6


@dataclass(frozen=True)
class Compared:
    """All that the page shows."""

    comparison: Comparison
    titles: dict[str, str]
    """Of the categories that either model knows, by code."""
    aspects: dict[tuple[str, str], str]
    """Titles of the aspects, by codes of category and aspect."""
    calibrations: dict[str, Calibration]
    """By model."""
    suspects: list[Suspect]
    agreements: list[Agreement]
    disputes: list[Dispute]
    retagged: Retagged | None
    """None without stored comments."""
    drift: Drift | None


@dataclass(frozen=True)
class _Judged:
    """The comments that both models have judged without having seen them, and what each said."""

    examples: list[Example]
    old: list[Guess]
    new: list[Guess]

    def select(self, rows: Sequence[int]) -> "_Judged":
        """Only these comments."""
        return _Judged(
            [self.examples[i] for i in rows], [self.old[i] for i in rows], [self.new[i] for i in rows]
        )


def compare(new: str, old: str, settings: TrainingSettings, comments: Path | None = None) -> Compared:
    """Measure `new` beside `old`; `comments` are the stored ones that both shall tag.

    Raises: OtklikError where the two have nothing that both can be measured on.
    """
    steps = tqdm(total=_STEPS, desc="comparison", unit="step", disable=None)
    before, after = load_tagger(settings.models, old), load_tagger(settings.models, new)
    _, examples = read_inputs(settings)
    steps.update()
    judged = _judge(examples, before, after, settings.models)
    codes = [c for c in after.taxonomy.category_codes if c in before.taxonomy.category_codes]
    comparison = Comparison(
        old=old,
        new=new,
        old_manifest=hash_manifest(settings.models / old),
        new_manifest=hash_manifest(settings.models / new),
        sets=_compare_sets(judged, before, after, codes, settings),
    )
    steps.update()
    suspects = find_suspects(judged.examples, judged.new, after.taxonomy.category_codes)
    steps.update()
    readings = read_readings(settings.corrections) if settings.corrections else []
    calibrations = {
        old: measure_calibration(judged.examples, judged.old, before.taxonomy.category_codes),
        new: measure_calibration(judged.examples, judged.new, after.taxonomy.category_codes),
    }
    steps.update()
    retagged, drift = _look_at_stored(comments, before, after, judged)
    categories = [*before.taxonomy.categories, *after.taxonomy.categories]  # the new titles win
    steps.update(2)
    steps.close()
    return Compared(
        comparison,
        {category.code: category.title for category in categories},
        {(category.code, own.code): own.title for category in categories for own in category.aspects},
        calibrations,
        suspects,
        find_agreements(readings, codes),
        find_disputes(readings),
        retagged,
        drift,
    )


def summarize(compared: Compared) -> str:
    """The rest of the page in a few lines, for a terminal."""
    lines = []
    if compared.retagged:
        own = compared.retagged
        kinds = ", ".join(
            f"{kind} {sum(n for (_, k), n in own.counts.items() if k == kind)}" for kind in KINDS
        )
        lines.append(f"stored comments: tags of {own.changed} of {own.comments} would change ({kinds})")
    if compared.drift:
        unknown, usual = compared.drift.unknown_words[1], compared.drift.unknown_words[0]
        lines.append(f"drift: {unknown:.1%} of words unknown in stored comments, {usual:.1%} is usual")
    lines.append(f"probably wrong labels: {len(compared.suspects)} on the page")
    for pair in compared.agreements:
        known = [kappa for kappa in pair.kappas.values() if kappa is not None]
        mean = f"{sum(known) / len(known):.2f}" if known else "–"
        lines.append(f"{pair.first} and {pair.second}: mean kappa {mean} over {pair.comments} comments")
    return "\n".join(lines)


def _judge(examples: Sequence[Example], before: Tagger, after: Tagger, models: Path) -> _Judged:
    """Each comment by the fold that held it out; by the old model itself where it was made without it."""
    old_guesses = read_held_out(models / before.version, before.taxonomy)
    new_guesses = read_held_out(models / after.version, after.taxonomy)
    if not old_guesses:  # made before held-out guesses were kept: what it has seen is not known
        return _Judged([], [], [])
    known = [example for example in examples if text_key(example.text) in new_guesses]
    unseen = [example for example in known if text_key(example.text) not in old_guesses]
    of_unseen = zip(unseen, tag_examples(before, unseen), strict=True)
    old_guesses |= {text_key(example.text): guess for example, guess in of_unseen}
    keys = [text_key(example.text) for example in known]
    return _Judged(known, [old_guesses[key] for key in keys], [new_guesses[key] for key in keys])


def _compare_sets(
    judged: _Judged, before: Tagger, after: Tagger, codes: Sequence[str], settings: TrainingSettings
) -> dict[SetName, ComparedSet]:
    gold = read_gold(settings.gold, after.taxonomy)
    gated = len(codes) * (bool(judged.examples) + bool(gold))
    sets: dict[SetName, ComparedSet] = {}
    if judged.examples:
        sets["folds"] = compare_on(judged.examples, judged.old, judged.new, codes, gated)
    corrected = [i for i, example in enumerate(judged.examples) if example.author == CORRECTIONS]
    if corrected:
        part = judged.select(corrected)
        sets["corrections"] = compare_on(part.examples, part.old, part.new, codes)
    if gold:
        sets["gold"] = compare_on(gold, tag_examples(before, gold), tag_examples(after, gold), codes, gated)
    if not gated:
        raise OtklikError(
            f"{before.version} kept no held-out guesses and {settings.gold} has no gold comments: there is "
            "nothing to compare on; add gold comments, or promote with --force --reason"
        )
    return sets


def _look_at_stored(
    path: Path | None, before: Tagger, after: Tagger, judged: _Judged
) -> tuple[Retagged | None, Drift | None]:
    comments = read_comments(path) if path else []
    if not comments:
        return None, None
    old, new = tag_stored(before, comments), tag_stored(after, comments)
    retagged = diff_results(comments, old, new)
    if not judged.examples:
        return retagged, None
    learned = {text_key(example.text) for example in judged.examples}
    fresh = [i for i, comment in enumerate(comments) if text_key(comment.text) not in learned]
    return retagged, measure_drift(
        judged.examples,
        judged.new,
        [comments[i] for i in fresh],
        [new[i] for i in fresh],
        after.taxonomy.category_codes,
    )
