"""Plots as SVG that stands inside a page."""

import io
import itertools
import re
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from service.registry.gate import Difference
from training.calibration import Calibration

Line = list[tuple[float, float]]
"""Places and values."""

OLD, NEW, BAD, GOOD = "#8a97a6", "#1f5fa8", "#b3261e", "#1b7f4b"
_LINES = (NEW, "#c2571a", GOOD, "#7a4fa3")
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "otklik",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def plot_differences(figures: Sequence[tuple[str, Difference]], title: str) -> Markup:
    """New − old with 95 % intervals, one row a figure."""
    with mpl.rc_context(_STYLE):
        figure, axes = _figure(7.2, 0.6 + 0.36 * len(figures))
        for row, (_, own) in enumerate(figures):
            color = BAD if own.high < 0 else GOOD if own.is_better else OLD
            axes.plot([own.low, own.high], [row, row], color=color, linewidth=3, solid_capstyle="round")
            axes.plot([own.change], [row], "o", color=color, markersize=7)
        axes.axvline(0, color="#444", linewidth=1)
        axes.set_yticks(range(len(figures)), [name for name, _ in figures])
        axes.invert_yaxis()
        axes.set_xlabel("изменение: новая минус старая (отрезок — 95 % интервал)")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:+.3f}".replace(".", ",").replace("-", "−"))
        return _svg(figure, title)


def plot_pairs(rows: Sequence[tuple[str, float, float]], names: tuple[str, str], title: str) -> Markup:
    """Two shares a row, as bars."""
    with mpl.rc_context(_STYLE):
        figure, axes = _figure(7.2, 1.0 + 0.46 * len(rows))
        for offset, values, color, name in (
            (-0.19, [a for _, a, _ in rows], OLD, names[0]),
            (0.19, [b for _, _, b in rows], NEW, names[1]),
        ):
            places = [row + offset for row in range(len(rows))]
            bars = axes.barh(places, [100 * value for value in values], height=0.36, color=color, label=name)
            axes.bar_label(
                bars, [f"{100 * value:.1f}".replace(".", ",") for value in values], padding=3, fontsize=8
            )
        axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
        axes.invert_yaxis()
        axes.set_xlabel("доля отзывов, %")
        figure.legend(frameon=False, loc="outside upper left", ncols=2)
        axes.margins(x=0.1)
        return _svg(figure, title)


def plot_calibration(calibrations: dict[str, Calibration], title: str) -> Markup:
    """What was said beside what came out; the diagonal is an honest probability."""
    with mpl.rc_context(_STYLE):
        figure, axes = _figure(4.6, 4.2)
        axes.plot([0, 1], [0, 1], color="#bbb", linestyle="--", linewidth=1)
        for (name, own), color in zip(calibrations.items(), (OLD, NEW), strict=True):
            if own.bins:
                points = [b.probability for b in own.bins], [b.share for b in own.bins]
                axes.plot(*points, "o-", color=color, label=name, markersize=5)
        axes.set_xlabel("вероятность, которую назвала модель")
        axes.set_ylabel("доля случаев, где категория есть")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: f"{value:.1f}".replace(".", ","))
        axes.legend(frameon=False, loc="upper left")
        return _svg(figure, title)


def plot_curve(lines: dict[str, tuple[Line, Line]], title: str) -> Markup:
    """A figure by number of comments: by name, the single points, and the line through their means."""
    with mpl.rc_context(_STYLE):
        figure, axes = _figure(5.4, 4.0)
        for (name, (points, means)), color in zip(lines.items(), itertools.cycle(_LINES), strict=False):
            axes.plot(*zip(*points, strict=True), "o", color=color, markersize=4, alpha=0.5)
            axes.plot(*zip(*means, strict=True), "-", color=color, linewidth=2, label=name)
        ticks = [round(comments) for comments, _ in next(iter(lines.values()))[1]]
        axes.set_xscale("log")
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.minorticks_off()
        axes.set_xlabel("отзывов в обучении (шкала логарифмическая)")
        axes.set_title(title, loc="left")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.3f}".replace(".", ","))
        axes.grid(axis="y", color="#e6eaee")
        axes.legend(frameon=False, loc="lower right")
        return _svg(figure, title)


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _svg(figure: Figure, title: str) -> Markup:
    """The figure without what only a file of its own needs, and with a title for those who listen."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = re.sub(
        r"<metadata>.*?</metadata>", "", buffer.getvalue()[buffer.getvalue().index("<svg") :], flags=re.DOTALL
    )
    safe = Markup.escape(title)
    return Markup(svg.replace("<svg ", f'<svg role="img" aria-label="{safe}" ', 1))
