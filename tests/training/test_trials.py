"""Curve and ablation rest on fits that are kept, judge unseen authors, and say what they did."""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from service.nlp.errors import OtklikError
from training import ablation, curve
from training.__main__ import main
from training.corpus import Example, Label
from training.pages.curve import render
from training.paired import compare_macro_f1
from training.scoring import Guess, Report, score
from training.settings import TrainingSettings
from training.trials import (
    HELD_OUT,
    PLAIN,
    Answers,
    Exam,
    Reading,
    Trial,
    answers_of,
    judge,
    run_trials,
    set_exam,
)
from training.units import as_one_clause, read_units


@pytest.fixture(scope="module")
def exam(tiny: TrainingSettings, further: Path) -> Exam:
    """The tiny corpus with one author held out, and a file of the user's."""
    return set_exam(tiny, [further])


@pytest.fixture(scope="module")
def trial(exam: Exam, tiny: TrainingSettings) -> Trial:
    """One fit that was made."""
    made = Trial(exam, exam.pool, tiny)
    assert run_trials([made], jobs=1) == 0
    return made


def test_whole_authors_are_held_out(exam: Exam) -> None:
    """No author is on both sides, and all comments of the held-out one are judged."""
    held = {example.author for example in exam.sets[HELD_OUT]}
    assert len(held) == 1
    assert held.isdisjoint(example.author for example in exam.pool)
    assert list(exam.sets) == [HELD_OUT, "ours"]


def test_one_author_cannot_be_held_out(tiny: TrainingSettings, tmp_path: Path) -> None:
    """The message says what was found and what is needed."""
    tags = "logistics -, quality -, sales -, support -, price -"
    lines = [f"[срок, качество, продажи, сервис и цена {i}]{{{tags}}}" for i in range(12)]
    (tmp_path / "a.txt").write_text("@author a\n" + "\n".join(lines), encoding="utf-8")
    with pytest.raises(OtklikError, match="found 1 author, expected 2 or more"):
        set_exam(replace(tiny, corpus=tmp_path))


def test_a_fit_is_made_once(trial: Trial, exam: Exam, tiny: TrainingSettings) -> None:
    """What was made is kept; another setting or another comment is another fit, the number of jobs is not."""
    assert run_trials([trial], jobs=1, most=0) == 0
    assert Trial(exam, exam.pool, replace(tiny, jobs=2)).is_made
    assert not Trial(exam, exam.pool, replace(tiny, seed=1)).is_made
    assert not Trial(exam, exam.pool, replace(tiny, without=("pairs",))).is_made
    assert not Trial(exam, exam.pool[1:], tiny).is_made
    assert run_trials([Trial(exam, exam.pool[1:], tiny), trial], jobs=1, most=0) == 1


def test_the_halves_are_mixed_as_asked(trial: Trial, exam: Exam) -> None:
    """A reading by one half alone sees that half's logits; the plain one sees their mean."""
    own = answers_of(trial)[HELD_OUT]
    n = len(exam.sets[HELD_OUT])
    assert np.allclose(own.scores(Reading(share=0.0)).comments, own.linear[:n])
    assert np.allclose(own.scores(Reading(share=1.0)).clauses, own.network[n:])
    assert np.allclose(own.scores(PLAIN).comments, (own.linear[:n] + own.network[:n]) / 2)


def test_rules_come_from_other_comments(trial: Trial, exam: Exam) -> None:
    """A comment's own labels do not move what is said of it: its half is judged by the other's rule."""
    answers = answers_of(trial)
    before = judge(answers, exam, PLAIN)
    wrong = [replace(example, labels=()) for example in exam.sets["ours"]]
    after = judge(answers, replace(exam, sets={**exam.sets, "ours": wrong}), PLAIN)
    assert [g.labels for g in before["ours"]] == [g.labels for g in after["ours"]]
    assert len(before[HELD_OUT]) == len(exam.sets[HELD_OUT])
    assert all(guess.probabilities for guess in before[HELD_OUT])


def test_the_first_tag_rule_only_takes_tags_away(trial: Trial, exam: Exam) -> None:
    """Without it there are at least as many tags, and no sure one is another."""
    answers = answers_of(trial)
    with_rule, without = (judge(answers, exam, Reading(first_tag=cut))[HELD_OUT] for cut in (0.5, 0.0))
    for guess, freer in zip(with_rule, without, strict=True):
        assert set(guess.labels) <= set(freer.labels)


def test_nested_draws(exam: Exam, tiny: TrainingSettings) -> None:
    """In a draw, each size holds the smaller one; the last size is everything, once."""
    sizes = curve.plan_curve(exam, tiny)
    for draw in range(curve.DRAWS):
        own = [{e.author for e in size.trial.examples} for size in sizes if size.draw == draw]
        assert all(small < large for small, large in pairwise(own))
    assert [size.authors for size in sizes] == [1, 1, 2, 2, 3]
    assert len(sizes[-1].trial.examples) == len(exam.pool)


def _point(authors: int, comments: int, value: float, draw: int = 0) -> curve.Point:
    labels = (Label("price", None, "problem"),)
    examples = [Example(str(i), labels) for i in range(84)]
    guesses = [Guess(labels if i < 84 * value - 1e-9 else ()) for i in range(84)]
    own: Report = score(examples, guesses, ["price"])
    assert own.figures["macro_f1"].value == pytest.approx(2 * value / (1 + value))
    return curve.Point(draw, authors, comments, {HELD_OUT: own})


def test_the_slope_by_hand() -> None:
    """F1 that grows by a fixed step with each doubling has the slope of the logarithm at the end."""
    points = [_point(1, 1_000, 0.25), _point(2, 2_000, 1 / 3), _point(4, 4_000, 3 / 7)]  # F1 0.4, 0.5, 0.6
    expected = 0.1 / np.log(2) / 4_000 * 1_000 * 100
    assert curve.slope(points, HELD_OUT, "macro_f1") == pytest.approx(expected, rel=0.02)
    table = curve.format_curve([_point(1, 1_000, 0.25), _point(1, 1_200, 1 / 3, draw=1), *points[1:]])
    assert "| 1 | 1100 | 2 | 0.450 ± 0.050 |" in table


def test_the_curve(tiny: TrainingSettings, exam: Exam) -> None:
    """Every size is fitted and printed; the page holds two pictures and loads nothing."""
    sizes = curve.plan_curve(exam, tiny)
    run_trials([size.trial for size in sizes], jobs=1)
    points = [curve.measure(size) for size in sizes]
    table = curve.format_curve(points)
    assert table.splitlines()[0].endswith("| ours: macro-F1 | ours: polarity right |")
    assert len(table.splitlines()) == 2 + 3 + 1
    html = render(points)
    assert html.count("<svg ") == 2
    for svg in html.split("<svg ")[1:]:
        ElementTree.fromstring("<svg " + svg.split("</svg>")[0] + "</svg>")
    assert not re.search(r'(?:src|href)="(?!#)', html)


def test_the_ablation(tiny: TrainingSettings, exam: Exam) -> None:
    """Each variant is fitted without its part and stands in the table beside the whole model."""
    plan = ablation.plan_ablation(exam, tiny)
    fits = list({trial.settings: trial for trial in plan.values()}.values())
    assert len(fits) == 8
    assert run_trials(fits, jobs=1) == 0
    losses = ablation.measure_losses(plan)
    whole = losses[0].differences[HELD_OUT]["macro_f1"]
    assert whole.change == whole.low == whole.high == 0
    table = ablation.format_losses(losses)
    for variant in ablation.VARIANTS:
        assert table.count(f"| {variant.name} |") == 2


def test_parts_are_left_out(tiny: TrainingSettings, exam: Exam) -> None:
    """Blocks without features, vectors that say nothing, no form to mend by, comments of a single clause."""
    from training.run import fit_model

    units = read_units(exam.pool)
    bare = replace(tiny, without=("pairs", "ngrams", "vectors", "spelling", "negations"))
    features = fit_model(units, (), exam.heads, bare).features_
    assert len(features.vocabulary_.lemma_keys)
    assert not len(features.vocabulary_.pair_keys)
    assert not len(features.vocabulary_.ngram_keys)
    assert not len(features.spelling_.keys)
    assert not features.vectors_.unpack(np.arange(5)).any()
    single = as_one_clause(units)
    assert all(len(unit.words) <= 1 for unit in single.units)
    assert single.owners.tolist() == [
        unit.comment for unit in single.units[: single.n_comments] if unit.words
    ]


def test_macro_f1_is_compared_in_pairs() -> None:
    """The difference of the means by category, with zero width where both say the same."""
    quality, price = (Label(code, None, "problem") for code in ("quality", "price"))
    examples = [Example(str(i), (quality,) if i % 2 else (price,)) for i in range(80)]
    right = [Guess(example.labels) for example in examples]
    half = [Guess(example.labels if i % 4 < 2 else ()) for i, example in enumerate(examples)]
    found = compare_macro_f1(examples, right, half, ["quality", "price", "sales"])
    assert (found.old, found.new) == (1.0, pytest.approx(2 / 3))
    assert found.low < found.change < found.high < 0
    same = compare_macro_f1(examples, half, half, ["quality", "price"])
    assert (same.low, same.high) == (0.0, 0.0)


def test_commands_that_go_on(
    tiny: TrainingSettings, further: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Told to make no fit, both say how many are missing; a missing file is named; help teaches."""
    options = ["--corpus", str(tiny.corpus), "--lexicon", str(tiny.lexicon), "--trials", str(tmp_path)]
    for command, fits in (("curve", 5), ("ablation", 8)):
        assert main([command, *options, "--data", str(further), "--fits", "0"]) == 0
        assert f"{fits} of {fits} fits are still to make" in capsys.readouterr().out
        assert main([command, *options, "--data", "nowhere.jsonl"]) == 2
        assert "nowhere.jsonl: found no such file" in capsys.readouterr().err
        with pytest.raises(SystemExit):
            main([command, "--help"])
        assert "goes on where it was" in " ".join(capsys.readouterr().out.split())


def test_answers_are_selected_with_their_clauses(trial: Trial) -> None:
    """Scores of some comments are those comments' rows, renumbered."""
    from training.trials import _select

    own: Answers = answers_of(trial)[HELD_OUT]
    rows = np.array([1, 4, 5])
    some = _select(own, rows)
    assert some.units.n_comments == 3
    assert np.array_equal(
        some.scores(Reading(share=0.0)).comments, own.scores(Reading(share=0.0)).comments[rows]
    )
    assert np.array_equal(
        some.scores(Reading(share=0.0)).clauses,
        own.scores(Reading(share=0.0)).clauses[np.isin(own.units.owners, rows)],
    )
