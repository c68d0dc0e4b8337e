"""The ablation table: what each part of the model brings, told by what is lost without it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tqdm import tqdm

from service.registry.gate import Difference
from training.paired import compare_macro_f1, compare_on
from training.scoring import Guess
from training.settings import Part, TrainingSettings
from training.trials import PLAIN, Exam, Reading, Trial, answers_of, judge


@dataclass(frozen=True)
class Variant:
    """The model with something left out."""

    name: str
    without: tuple[Part, ...] = ()
    """Left out of the fit."""
    reading: Reading = PLAIN
    """How what the fit says is read."""


WHOLE = Variant("the whole model")
VARIANTS = (
    WHOLE,
    Variant("linear half alone", reading=Reading(share=0.0)),
    Variant("network alone", reading=Reading(share=1.0)),
    Variant("without pairs of lemmas", ("pairs",)),
    Variant("without character n-grams", ("ngrams",)),
    Variant("without word vectors", ("vectors",)),
    Variant("without spelling repair", ("spelling",)),
    Variant("without weights for negated words", ("negations",)),
    Variant("without the lexicon's turns", ("turns",)),
    Variant("without clauses", ("clauses",)),
    Variant("without score and question", reading=Reading(heeds_context=False)),
    Variant("without the first-tag rule", reading=Reading(first_tag=0.0)),
)
_FIGURES = {"macro_f1": "macro-F1", "polarity": "polarity right", "left_empty": "no label left empty"}


@dataclass(frozen=True)
class Loss:
    """What a variant does worse or better than the whole model, by set and figure."""

    variant: Variant
    differences: dict[str, dict[str, Difference]]


def plan_ablation(exam: Exam, settings: TrainingSettings) -> dict[Variant, Trial]:
    """The fit of each variant; variants that only read otherwise share one."""
    return {
        variant: Trial(exam, exam.pool, replace(settings, without=variant.without)) for variant in VARIANTS
    }


def measure_losses(plan: dict[Variant, Trial]) -> list[Loss]:
    """Each variant beside the whole model, on the same comments; its fits have been made."""
    exam = plan[WHOLE].exam
    whole = _judge(WHOLE, plan)
    return [
        Loss(variant, {name: _differ(exam, name, whole[name], own) for name, own in judged.items()})
        for variant in tqdm(plan, desc="variants judged", unit="variant", disable=None)
        if (judged := whole if variant == WHOLE else _judge(variant, plan))
    ]


def _judge(variant: Variant, plan: dict[Variant, Trial]) -> dict[str, list[Guess]]:
    return judge(answers_of(plan[variant]), plan[variant].exam, variant.reading)


def _differ(exam: Exam, name: str, whole: Sequence[Guess], own: Sequence[Guess]) -> dict[str, Difference]:
    codes, examples = exam.taxonomy.category_codes, exam.sets[name]
    found = {"macro_f1": compare_macro_f1(examples, whole, own, codes)}
    further = compare_on(examples, whole, own, codes).figures
    return found | {figure: further[figure] for figure in _FIGURES if figure in further}


def format_losses(losses: Sequence[Loss]) -> str:
    """A Markdown table a set: each variant's figures, and by how many points they differ from the whole's."""
    parts = []
    for name in losses[0].differences:
        figures = losses[0].differences[name]
        heads = [_FIGURES[figure] for figure in figures]
        lines = ["| " + " | ".join([name, *heads]) + " |", "| --- |" + " ---: |" * len(heads)]
        for loss in losses:
            own = loss.differences[name]
            cells = [_format(own.get(figure), loss.variant == WHOLE) for figure in figures]
            lines.append(f"| {loss.variant.name} | " + " | ".join(cells) + " |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _format(difference: Difference | None, is_whole: bool) -> str:
    if difference is None:
        return "–"
    if is_whole:
        return f"{difference.new:.3f}"
    change, low, high = (100 * x for x in (difference.change, difference.low, difference.high))
    return f"{difference.new:.3f} ({change:+.1f} [{low:+.1f}, {high:+.1f}])"
