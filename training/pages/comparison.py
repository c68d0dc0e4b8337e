"""The comparison page: a candidate beside the model in use, for the analyst who decides."""

from pathlib import Path

from service.nlp.artefact import write_durably
from service.nlp.tagger import Tag
from training.compare import Compared
from training.pages.plots import plot_calibration, plot_differences, plot_pairs
from training.pages.templates import page_environment
from training.retag import KINDS

_FIGURES = {
    "polarity": "тональность верна",
    "aspect": "аспект верен",
    "left_empty": "пустые остались пустыми",
}
_SETS = {
    "folds": "Отложенные авторы (кросс-проверка)",
    "corrections": "Исправленные отзывы из них",
    "gold": "Замороженный контрольный набор",
}
_KINDS = {
    "appears": "появится",
    "vanishes": "исчезнет",
    "turns": "сменит тональность",
    "other aspect": "сменит аспект",
}
_SHARES = {"category": "Категории", "department": "Отделы", "kpi": "Показатели"}
_POLARITIES = {"problem": "проблема", "praise": "похвала", "neutral": "нейтрально", None: "—"}


def write_page(compared: Compared, folder: Path) -> Path:
    """Write the page into `folder`; its name says which models it compares."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"compare-{compared.comparison.old}-{compared.comparison.new}.html"
    write_durably(path, render(compared))
    return path


def render(compared: Compared) -> str:
    """The page as HTML that loads nothing."""
    environment = page_environment()
    environment.filters |= {"number": _number, "percent": _percent, "signed": _signed, "points": _points}
    comparison = compared.comparison
    return environment.get_template("comparison.html.j2").render(
        compared=compared,
        comparison=comparison,
        titles=compared.titles,
        tag_words=lambda tag: _tag_words(tag, compared.aspects),
        name=lambda figure: _name(figure, compared.titles),
        set_titles=_SETS,
        kinds=KINDS,
        kind_titles=_KINDS,
        share_titles=_SHARES,
        polarities=_POLARITIES,
        worse=[
            f"{_SETS[s]}: {_name(f, compared.titles)}" for s, f in (w.split(": ") for w in comparison.worse)
        ],
        difference_plots={
            name: plot_differences(
                [(_name(figure, compared.titles), own) for figure, own in compared_set.figures.items()],
                _SETS[name],
            )
            for name, compared_set in comparison.sets.items()
        },
        calibration_plot=plot_calibration(compared.calibrations, "Калибровка"),
        share_plots=_plot_shares(compared),
        drift_plot=_plot_drift(compared),
    )


def _plot_shares(compared: Compared) -> dict[str, str]:
    if compared.retagged is None:
        return {}
    names = compared.comparison.old, compared.comparison.new
    return {
        kind: plot_pairs([(s.title, s.old, s.new) for s in shares], names, title)
        for kind, title in _SHARES.items()
        if (shares := [share for share in compared.retagged.shares if share.kind == kind])
    }


def _plot_drift(compared: Compared) -> str:
    if compared.drift is None:
        return ""
    rows = [(compared.titles.get(code, code), *pair) for code, pair in compared.drift.shares.items()]
    return plot_pairs(rows, ("в обучении", "в свежих отзывах"), "Доли категорий")


def _tag_words(tag: Tag | None, aspects: dict[tuple[str, str], str]) -> str:
    """A tag in words for one cell of a table: its polarity, and the aspect by its title."""
    if tag is None:
        return "—"
    aspect = aspects[tag.category, tag.aspect] if tag.aspect else ""
    return f"{_POLARITIES[tag.polarity]}: {aspect}" if aspect else _POLARITIES[tag.polarity]


def _name(figure: str, titles: dict[str, str]) -> str:
    return f"F1 · {titles[figure[3:]]}" if figure.startswith("f1 ") else _FIGURES[figure]


def _number(value: float) -> str:
    return f"{value:.3f}".replace(".", ",")


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace(".", ",").replace("-", "−")


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %".replace(".", ",")


def _points(value: float) -> str:
    return f"{100 * value:+.1f}".replace(".", ",").replace("-", "−") + " п. п."
