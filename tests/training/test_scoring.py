"""Figures follow the rule book, and can be checked by hand."""

import pytest

from service.nlp.spans import Span
from training.corpus import Example, Label, Mark
from training.scoring import Guess, report_from, score

CATEGORIES = ("quality", "logistics", "price")
LATE = Label("logistics", "deadlines", "problem")
DEAR = Label("price", "value", "problem")


def _score(pairs: list[tuple[Example, Guess]]) -> dict[str, float]:
    report = score([example for example, _ in pairs], [guess for _, guess in pairs], CATEGORIES)
    return {name: figure.value for name, figure in report.figures.items()}


def test_right_missed_and_made_up() -> None:
    """One hit and one miss are F1 2/3; a made-up category takes its share; macro is the mean."""
    figures = _score(
        [
            (Example("а", (LATE,)), Guess((LATE,))),
            (Example("б", (LATE,)), Guess()),
            (Example("в", (DEAR,)), Guess((DEAR, Label("quality", None, "praise")))),
        ]
    )
    assert figures["f1 logistics"] == pytest.approx(2 / 3)
    assert figures["f1 quality"] == 0
    assert figures["macro_f1"] == pytest.approx((0 + 2 / 3 + 1) / 3)


def test_an_optional_category_counts_nowhere() -> None:
    """Said or not said, it is neither right nor wrong, and does not fill an empty comment."""
    example = Example("сервис", optional=frozenset({"price"}))
    for guess in (Guess(), Guess((DEAR,))):
        figures = _score([(example, guess), (Example("д", (DEAR,)), Guess((DEAR,)))])
        assert figures["f1 price"] == 1
        assert figures["left_empty"] == 1


def test_aspect_and_polarity_are_scored_over_right_categories() -> None:
    """A missed category costs no aspect; a label without aspect or polarity is not scored for it."""
    figures = _score(
        [
            (Example("а", (LATE,)), Guess((Label("logistics", "delivery", "problem"),))),
            (Example("б", (DEAR,)), Guess()),
            (Example("в", (Label("price", None, None),)), Guess((DEAR,))),
        ]
    )
    assert figures["aspect"] == 0
    assert figures["polarity"] == 1


def test_a_made_up_tag_fills_an_empty_comment() -> None:
    """The share of comments without labels that were left empty."""
    pairs = [(Example("а"), Guess()), (Example("б"), Guess((DEAR,)))]
    assert _score(pairs)["left_empty"] == 0.5


def test_evidence_is_compared_by_characters() -> None:
    """Half of the marked words quoted, nothing else: F1 2/3."""
    example = Example("долго везли", (LATE,), (Mark(Span(0, 10), LATE),))
    assert _score([(example, Guess((LATE,), (("logistics", Span(0, 5)),)))])["evidence"] == pytest.approx(
        2 / 3
    )


def test_intervals_hold_the_value_and_shrink() -> None:
    """More comments, narrower bounds."""

    def width(n: int) -> float:
        pairs = [(Example(str(i), (DEAR,)), Guess((DEAR,) if i % 3 else ())) for i in range(n)]
        figure = score([e for e, _ in pairs], [g for _, g in pairs], CATEGORIES).figures["macro_f1"]
        assert figure.low <= figure.value <= figure.high
        return figure.high - figure.low

    assert width(300) < width(30)


def test_calibration_error_is_nothing_for_honest_probabilities_and_the_gap_for_boasting_ones() -> None:
    """Eight of ten comments are late: 0.8 is honest of them, 0.95 boasts by 0.15."""
    examples = [Example(str(i), (LATE,) if i < 8 else ()) for i in range(10)]
    for said, gap in ((0.8, 0.0), (0.95, 0.15)):
        report = score(examples, [Guess(probabilities=(said,))] * 10, ("logistics",))
        assert report.figures["calibration"].value == pytest.approx(gap)


def test_reports_survive_json() -> None:
    """What the manifest keeps is the report."""
    from dataclasses import asdict

    report = score([Example("а", (DEAR,))], [Guess((DEAR,))], CATEGORIES)
    assert report_from(asdict(report)) == report
