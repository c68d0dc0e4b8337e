"""The model card: what a model was made of, how well it does, and where it fails."""

from collections import Counter
from collections.abc import Iterable, Sequence

from service.nlp.taxonomy import Taxonomy
from training.behaviour import Outcome, format_outcomes
from training.corpus import CORRECTIONS, Example
from training.evaluate import format_table
from training.run import Trained
from training.scoring import Guess

_WORST = 5
_QUOTED_CHARS = 160


def format_card(version: str, trained: Trained, outcomes: Sequence[Outcome]) -> str:
    """The card as Markdown: the run's figures, and `outcomes` of the behavioural cases."""
    taxonomy, examples, guesses = trained.taxonomy, trained.examples, trained.guesses
    authors = {example.author for example in examples}
    empty = sum(not example.labels for example in examples)
    parts = [
        f"# Model {version}",
        "",
        f"Trained on {len(examples)} comments by {len(authors)} authors, {empty} of them without a label, "
        f"and {trained.turns} plain turns of speech.",
        "",
        "## Figures",
        "",
        "Cross-validated: each author's comments are judged by a model that has not seen that author. "
        "95 % bootstrap intervals in brackets.",
        "",
        format_table(trained.reports),
        "",
        "## Behaviour",
        "",
        "Cases that ask for one ability each, and the share that fails.",
        "",
        format_outcomes(outcomes),
        "",
        "## What it learned from",
        "",
        _format_counts(taxonomy, examples),
        "",
        "## Where it fails",
        "",
        _format_worlds(examples, guesses, taxonomy),
        "",
        *_format_mistakes(examples, guesses, taxonomy),
    ]
    return "\n".join(parts) + "\n"


def _format_counts(taxonomy: Taxonomy, examples: Sequence[Example]) -> str:
    counts = Counter((x.category, x.aspect, x.polarity) for e in examples for x in e.labels)
    lines = ["| category | aspect | problem | praise | neutral |", "| --- | --- | ---: | ---: | ---: |"]
    for category in taxonomy.categories:
        for aspect in (*taxonomy.aspect_codes(category.code), None):
            row = [counts[category.code, aspect, polarity] for polarity in ("problem", "praise", "neutral")]
            cells = " | ".join(map(str, row))
            lines.append(f"| {category.code} | {aspect or '–'} | {cells} |")
    return "\n".join(lines)


def _format_worlds(examples: Sequence[Example], guesses: Sequence[Guess], taxonomy: Taxonomy) -> str:
    """Comments with a wrong category, world by world, worst first."""
    total: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for example, guess in zip(examples, guesses, strict=True):
        total[example.world] += 1
        wrong[example.world] += any(_is_wrong(example, guess, code) for code in taxonomy.category_codes)
    worlds = sorted(total, key=lambda world: (-wrong[world] / total[world], world))
    lines = ["| world | comments | with a wrong or missing category |", "| --- | ---: | ---: |"]
    lines += [f"| {world} | {total[world]} | {wrong[world] / total[world]:.0%} |" for world in worlds]
    return "\n".join(lines)


def _format_mistakes(
    examples: Sequence[Example], guesses: Sequence[Guess], taxonomy: Taxonomy
) -> Iterable[str]:
    """The surest mistakes of each category: either the model or the label is worth a look."""
    for number, category in enumerate(taxonomy.categories):
        wrong = [
            (abs(guess.probabilities[number] - (example.label(category.code) is not None)), example)
            for example, guess in zip(examples, guesses, strict=True)
            # A customer's words must not outlive their deletion from the store.
            if _is_wrong(example, guess, category.code) and example.author != CORRECTIONS
        ]
        wrong.sort(key=lambda pair: (-pair[0], pair[1].source))
        yield f"### {category.title}: the surest mistakes\n"
        for _, example in wrong[:_WORST]:
            what = "missed" if example.label(category.code) else "made up"
            quoted = " ".join(example.text.split())[:_QUOTED_CHARS]
            yield f"- {what}, {example.source}: «{quoted}»"
        yield ""


def _is_wrong(example: Example, guess: Guess, category: str) -> bool:
    if category in example.optional:
        return False
    return (example.label(category) is None) != (guess.label(category) is None)
