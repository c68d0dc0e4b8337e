"""The learning curve: how well a model does by how many authors it learned from.

Sizes are shares of the authors that may be learned from, whole authors, each size holding the smaller
ones of its draw; the comments that are judged are the same throughout.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.corpus import Example
from training.scoring import Report, score
from training.settings import TrainingSettings
from training.trials import PLAIN, Exam, Trial, answers_of, judge

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
DRAWS = 2
"""Orders in which authors come, for all sizes but the last."""
FIGURES = ("macro_f1", "polarity")
_SLOPE_SIZES = 3


@dataclass(frozen=True)
class Size:
    """One fit of the curve: which draw of the authors, how many of them, and their comments."""

    draw: int
    authors: int
    trial: Trial


@dataclass(frozen=True)
class Point:
    """What one fit reached."""

    draw: int
    authors: int
    comments: int
    reports: dict[str, Report]
    """By set."""

    def value(self, name: str, figure: str) -> float:
        """A figure on a set; not a number where the set has no case of it."""
        found = self.reports[name].figures.get(figure)
        return found.value if found else float("nan")


def plan_curve(exam: Exam, settings: TrainingSettings) -> list[Size]:
    """The fits of the curve, small ones first."""
    authors = list(dict.fromkeys(example.author for example in exam.pool))
    counts = sorted({max(1, round(share * len(authors))) for share in SHARES})
    sizes = []
    for count in counts:
        for draw in range(1 if count == len(authors) else DRAWS):
            order = np.random.default_rng(settings.seed + draw).permutation(len(authors))
            chosen = {authors[i] for i in order[:count]}
            learned: Sequence[Example] = [example for example in exam.pool if example.author in chosen]
            sizes.append(Size(draw, count, Trial(exam, learned, settings)))
    return sizes


def measure(size: Size) -> Point:
    """The figures of a fit that was made."""
    exam = size.trial.exam
    guesses = judge(answers_of(size.trial), exam, PLAIN)
    reports = {
        name: score(exam.sets[name], own, exam.taxonomy.category_codes) for name, own in guesses.items()
    }
    return Point(size.draw, size.authors, len(size.trial.examples), reports)


def means(points: Sequence[Point], name: str, figure: str) -> list[tuple[float, float]]:
    """Comments and figure of each size, the means over its draws."""
    groups = [[p for p in points if p.authors == n] for n in sorted({p.authors for p in points})]
    return [
        (float(np.mean([p.comments for p in own])), float(np.mean([p.value(name, figure) for p in own])))
        for own in groups
    ]


def slope(points: Sequence[Point], name: str, figure: str) -> float:
    """Points that a further 1,000 comments bring at the end of the curve.

    By least squares of the figure on the logarithm of the number of comments, over the largest sizes.
    """
    last = sorted({point.authors for point in points})[-_SLOPE_SIZES:]
    own = [point for point in points if point.authors in last]
    if len(last) < 2:
        return float("nan")
    rise, _ = np.polyfit(
        np.log([point.comments for point in own]), [p.value(name, figure) for p in own], deg=1
    )
    return float(100 * rise / max(point.comments for point in own) * 1_000)


def format_curve(points: Sequence[Point]) -> str:
    """A Markdown table, a size a row: means over its draws, and half the range between them."""
    names = list(points[0].reports)
    heads = [f"{name}: {title}" for name in names for title in ("macro-F1", "polarity right")]
    lines = [
        "| authors | comments | draws | " + " | ".join(heads) + " |",
        "| ---: | ---: | ---: |" + " ---: |" * len(heads),
    ]
    for authors in sorted({point.authors for point in points}):
        own = [point for point in points if point.authors == authors]
        cells = [_spread([p.value(name, figure) for p in own]) for name in names for figure in FIGURES]
        comments = round(float(np.mean([point.comments for point in own])))
        lines.append(f"| {authors} | {comments} | {len(own)} | " + " | ".join(cells) + " |")
    slopes = [f"{slope(points, name, figure):+.2f}" for name in names for figure in FIGURES]
    lines.append("| points per 1,000 more comments | | | " + " | ".join(slopes) + " |")
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    mean = f"{np.mean(values):.3f}"
    return mean if len(values) == 1 else f"{mean} ± {(max(values) - min(values)) / 2:.3f}"
