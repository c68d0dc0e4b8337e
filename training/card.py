"""The model card: what a model was made of, how well it does, and where it fails."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from service.nlp.taxonomy import Taxonomy
from training.behaviour import Outcome, format_outcomes
from training.corpus import CORRECTIONS, Example
from training.corpus_report import count_labels
from training.evaluate import format_table
from training.run import Trained
from training.scoring import Guess, Report

_FIGURES = "## Figures"
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
        _FIGURES,
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
        count_labels(taxonomy, examples),
        "",
        "## Where it fails",
        "",
        _format_worlds(examples, guesses, taxonomy),
        "",
        *_format_mistakes(examples, guesses, taxonomy),
    ]
    return "\n".join(parts) + "\n"


def put_figures(card: str, reports: Mapping[str, Report]) -> str:
    """`card` with a table of `reports` in place of the one that it has under «Figures»."""
    before, heading, after = card.partition(_FIGURES)
    table = re.compile(r"^\|.*?(?=^$)", re.MULTILINE | re.DOTALL)
    return before + heading + table.sub(lambda _: format_table(reports) + "\n", after, count=1)


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
