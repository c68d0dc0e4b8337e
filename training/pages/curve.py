"""The page of the learning curve."""

from collections.abc import Sequence
from pathlib import Path

from service.nlp.artefact import write_durably
from training.curve import FIGURES, Point, means, slope
from training.pages.plots import Line, plot_curve
from training.pages.templates import page_environment

_TITLES = {"macro_f1": "macro-F1", "polarity": "тональность верна"}
_SETS = {"held-out authors": "отложенные авторы"}


def write_page(points: Sequence[Point], folder: Path) -> Path:
    """Write the page into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "curve.html"
    write_durably(path, render(points))
    return path


def render(points: Sequence[Point]) -> str:
    """The page as HTML that loads nothing."""
    names = {name: _SETS.get(name, name) for name in points[0].reports}
    plots = [
        plot_curve({shown: _line(points, name, figure) for name, shown in names.items()}, title)
        for figure, title in _TITLES.items()
    ]
    slopes = {
        (name, figure): f"{slope(points, name, figure):+.2f}".replace(".", ",").replace("-", "−")
        for name in names
        for figure in FIGURES
    }
    return (
        page_environment()
        .get_template("curve.html.j2")
        .render(
            plots=plots,
            names=names,
            titles=_TITLES,
            slopes=slopes,
            comments=max(point.comments for point in points),
        )
    )


def _line(points: Sequence[Point], name: str, figure: str) -> tuple[Line, Line]:
    return [(point.comments, point.value(name, figure)) for point in points], means(points, name, figure)
