"""A candidate is compared with the model in use comment by comment, and the page shows it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

import joblib
import numpy as np
import pytest
from sklearn.metrics import f1_score

from service.nlp.artefact import check_manifest, current_version, load_tagger, read_manifest
from service.nlp.errors import OtklikError
from service.registry.errors import GateError
from service.registry.gate import Difference, write_comparison
from service.registry.switch import promote
from tests.registry.variants import add_variant
from training import run
from training.__main__ import main
from training.compare import Compared, compare
from training.corpus import CORRECTIONS, Example, Label
from training.held_out import read_held_out
from training.pages.comparison import render
from training.paired import compare_on
from training.publish import publish
from training.retag import StoredComment, diff_results, read_comments, tag_stored
from training.scoring import Guess
from training.settings import TrainingSettings
from training.split import text_key
from training.suspects import find_suspects

CATEGORIES = ("quality", "logistics")


def _said(*categories: str) -> tuple[Label, ...]:
    return tuple(Label(category, None, "problem") for category in categories)


def _noisy(truth: list[tuple[Label, ...]], errors: float, seed: int) -> list[Guess]:
    """Guesses that are wrong in each category with the chance `errors`."""
    chance = np.random.default_rng(seed)
    guesses = []
    for labels in truth:
        given = {label.category for label in labels}
        flipped = {code for code in CATEGORIES if chance.random() < errors}
        guesses.append(Guess(_said(*sorted(given ^ flipped))))
    return guesses


def _examples(n: int) -> list[Example]:
    chance = np.random.default_rng(1)
    return [
        Example(f"отзыв {i}", _said(*(code for code in CATEGORIES if chance.random() < 0.4)))
        for i in range(n)
    ]


def test_paired_figures_are_those_of_scikit_learn() -> None:
    """F1 of both models is what scikit-learn computes; the interval holds the difference."""
    examples = _examples(400)
    truth = [example.labels for example in examples]
    old, new = _noisy(truth, 0.2, 2), _noisy(truth, 0.1, 3)
    figures = compare_on(examples, old, new, CATEGORIES, gated=2).figures
    for code in CATEGORIES:
        answers = [example.label(code) is not None for example in examples]
        for guesses, value in ((old, figures[f"f1 {code}"].old), (new, figures[f"f1 {code}"].new)):
            assert value == pytest.approx(f1_score(answers, [g.label(code) is not None for g in guesses]))
        assert figures[f"f1 {code}"].low < figures[f"f1 {code}"].change < figures[f"f1 {code}"].high
        assert figures[f"f1 {code}"].is_better


def test_the_gate_sees_what_is_worse_and_passes_what_is_alike() -> None:
    """Much worse is worse; equally good models are seldom refused (by chance: one time in twenty)."""
    examples = _examples(400)
    truth = [example.labels for example in examples]
    worse = compare_on(examples, _noisy(truth, 0.1, 2), _noisy(truth, 0.2, 3), CATEGORIES, gated=2)
    assert all(worse.figures[f"f1 {code}"].is_worse for code in CATEGORIES)
    refused = 0
    for seed in range(40):
        alike = compare_on(
            examples, _noisy(truth, 0.15, seed), _noisy(truth, 0.15, 100 + seed), CATEGORIES, gated=2
        )
        refused += any(own.is_worse for own in alike.figures.values())
    assert refused <= 6


def test_a_model_beside_itself() -> None:
    """Nothing differs, with certainty; an optional category counts nowhere."""
    examples = [*_examples(50), Example("спорно", optional=frozenset({"quality"}))]
    guesses = [*_noisy([e.labels for e in examples[:-1]], 0.2, 2), Guess(_said("quality"))]
    compared = compare_on(examples, guesses, guesses, CATEGORIES, gated=2)
    assert {(own.change, own.low, own.high) for own in compared.figures.values()} == {(0, 0, 0)}
    without = compare_on(examples[:-1], guesses[:-1], guesses[:-1], CATEGORIES, gated=2)
    assert compared.figures["f1 quality"] == without.figures["f1 quality"]


@pytest.fixture(scope="module")
def compared(
    models: Path, small_settings: TrainingSettings, tmp_path_factory: pytest.TempPathFactory
) -> Compared:
    """A variant of the small model beside it, with stored comments and two people's corrections."""
    folder = tmp_path_factory.mktemp("compare")
    own = Path(shutil.copytree(models, folder / "models"))
    version = add_variant(own, "2026-12-01-aaaaaa", 6.0)
    comments, corrections = folder / "comments.jsonl", folder / "corrections.jsonl"
    texts = ["Станок отличный, везли долго", "дорого <i>очень</i>", "квантовый флюктуатор сломался", "ок"] * 5
    rows = [{"id": str(i), "text": text, "score": 5} for i, text in enumerate(texts)]
    comments.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    late = {"category": "logistics", "aspect": "deadlines", "polarity": "problem"}
    readings = [{"by": "Анна", "labels": [late]}, {"by": "Борис", "labels": []}]
    row = {"id": "1", "text": "три недели тишины и ни одной коробки", "labels": [late], "readings": readings}
    corrections.write_text(json.dumps(row), encoding="utf-8")
    settings = replace(small_settings, models=own, corrections=corrections)
    return compare(version, current_version(models), settings, comments)


def test_the_retag_diff(compared: Compared) -> None:
    """A model that sees one category more often makes its tags appear, and its share grow."""
    retagged = compared.retagged
    assert retagged is not None
    assert retagged.comments == 20
    assert retagged.changed
    assert set(retagged.counts) == {("quality", "appears")}
    shares = {(share.kind, share.title): share for share in retagged.shares}
    assert shares["category", "Качество продукции"].new > shares["category", "Качество продукции"].old
    assert shares["department", "Производственный цех"].new > shares["department", "Производственный цех"].old
    assert [kind for kind, _ in groupby(share.kind for share in retagged.shares)] == [
        "category", "department", "kpi",
    ]  # fmt: skip
    for kind in ("category", "department", "kpi"):
        before = [share.old for share in retagged.shares if share.kind == kind]
        assert before == sorted(before, reverse=True)


def test_drift(compared: Compared) -> None:
    """Words that the training data lacks are counted and named."""
    assert compared.drift is not None
    assert compared.drift.unknown_words[1] > 0.1
    assert "флюктуатор" in {word.lemma for word in compared.drift.new_words}


def test_suspects_are_real(compared: Compared) -> None:
    """Each suspect is a label that the held-out model contradicts."""
    assert compared.suspects
    assert all((suspect.probability < 0.5) == suspect.given for suspect in compared.suspects)


def test_a_planted_label_error_is_found(trained: run.Trained) -> None:
    """Sure comments whose labels are taken away come first in the list."""
    number = trained.taxonomy.category_codes.index("price")
    sure = sorted(
        range(len(trained.examples)), key=lambda i: trained.guesses[i].probabilities[number], reverse=True
    )[:5]
    examples = list(trained.examples)
    for i in sure:
        examples[i] = replace(examples[i], labels=(), optional=frozenset())
    found = find_suspects(examples, trained.guesses, trained.taxonomy.category_codes, limit=20)
    planted = {(examples[i].source, "price") for i in sure}
    assert planted <= {(suspect.example.source, suspect.category) for suspect in found}


class _Page(HTMLParser):
    """Collects what the page would load, and whether its tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.tags: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.loads += [
            value or ""
            for name, value in attrs
            if name in ("src", "href") and not (value or "").startswith("#")
        ]


def test_the_page(compared: Compared) -> None:
    """It is in Russian, loads nothing, escapes what customers write, and has its plots inside."""
    html = render(compared)
    page = _Page()
    page.feed(html)
    assert page.loads == []
    assert page.tags["svg"] >= 5
    assert "<i>очень</i>" not in html
    for words in (
        "значимо",
        "появится",
        "Отдел логистики",
        "Калибровка",
        "Дрейф",
        "флюктуатор",
        "Анна и Борис",
    ):
        assert words in html, words
    assert not re.search("<td>[^<]*(deadlines|geometry|competence)", html), "a code stands for a title"
    for svg in html.split("<svg ")[1:]:
        ElementTree.fromstring("<svg " + svg.split("</svg>")[0] + "</svg>")
    assert render(compared) == html


def test_a_category_that_only_the_new_model_knows(compared: Compared) -> None:
    """Its tags are shown by their title; where there is nothing to compare there is a dash."""
    html = render(replace(compared, titles=compared.titles | {"safety": "Безопасность"}))
    assert html.count("<td>Безопасность</td>") == 2
    assert '<td>Безопасность</td><td class="n">—</td><td class="n">—</td>' in html


def test_a_figure_that_looks_worse(compared: Compared) -> None:
    """An interval below zero is told, also where the gate lets it pass."""
    looks = Difference(old=0.8, new=0.7, low=-0.2, high=-0.01, cases=24)
    folds = compared.comparison.sets["folds"].model_copy(update={"figures": {"f1 price": looks}})
    comparison = compared.comparison.model_copy(update={"sets": {"folds": folds}})
    html = render(replace(compared, comparison=comparison))
    assert "похоже, хуже" in html
    assert "Кандидат можно вводить" in html


def test_the_verdict_reaches_the_gate(compared: Compared, own_models: Path) -> None:
    """What was measured is what `promote` goes by."""
    version = add_variant(own_models, compared.comparison.new, 6.0)
    write_comparison(own_models, compared.comparison)
    if compared.comparison.worse:
        with pytest.raises(GateError, match=compared.comparison.worse[0]):
            promote(own_models, version, "anna")
    else:
        assert promote(own_models, version, "anna").version == version


def test_held_out_guesses_are_kept_without_text(models: Path, trained: run.Trained) -> None:
    """What is read back is what was held out; no file of the model has a comment's words but the card."""
    folder = models / current_version(models)
    kept = read_held_out(folder, trained.taxonomy)
    keys = [text_key(example.text) for example in trained.examples]
    for key, guess in zip(keys, trained.guesses, strict=True):
        if keys.count(key) == 1:
            assert kept[key].labels == guess.labels
            assert kept[key].needs_review == guess.needs_review
    words = max(trained.examples, key=lambda example: len(example.text)).text[:40].encode()
    assert not any(
        words in path.read_bytes() for path in folder.rglob("*") if path.suffix in (".npz", ".npy")
    )


def test_corrections_are_counted_and_not_quoted(
    trained: run.Trained, small_settings: TrainingSettings, tmp_path: Path
) -> None:
    """The manifest says how many; the card quotes none: a customer's words must go when asked."""
    examples = [replace(example, author=CORRECTIONS) for example in trained.examples]
    settings = replace(small_settings, models=tmp_path)
    folder = publish(replace(trained, examples=examples), settings)
    corpus = read_manifest(folder).corpus
    assert (corpus["corrections"], corpus["authors"]) == (len(examples), 0)
    assert "«" not in (folder / "card.md").read_text(encoding="utf-8").split("the surest mistakes", 1)[1]


def test_a_candidate_does_not_come_into_use(
    trained: run.Trained, small_settings: TrainingSettings, own_models: Path
) -> None:
    """Publishing another model leaves `current` and the journal as they are."""
    before = [(own_models / name).read_bytes() for name in ("current", "promotions.jsonl")]
    rule = replace(trained.rule, review_cut=0.123)
    folder = publish(replace(trained, rule=rule), replace(small_settings, models=own_models))
    assert folder.name != current_version(own_models)
    assert [(own_models / name).read_bytes() for name in ("current", "promotions.jsonl")] == before


_PUBLISH = """
import sys
from dataclasses import replace
from pathlib import Path
import joblib
from training.publish import publish
from training.settings import TrainingSettings
trained = joblib.load(sys.argv[1])
print("ready", flush=True)
for number in range(1000):
    rule = replace(trained.rule, review_cut=number / 1000)
    publish(replace(trained, rule=rule), replace(TrainingSettings(), models=Path(sys.argv[2])))
"""


def test_killed_while_publishing(tiny: TrainingSettings, own_models: Path, tmp_path: Path) -> None:
    """kill -9 of a training run leaves whole models or none, and the next run sweeps up."""
    trained = run.train(*run.read_inputs(tiny), tiny)
    joblib.dump(trained, tmp_path / "trained.joblib")
    before = (own_models / "current").read_bytes()
    for seconds in (0.05, 0.4, 1.3):
        command = [sys.executable, "-c", _PUBLISH, str(tmp_path / "trained.joblib"), str(own_models)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(seconds)
            os.kill(process.pid, signal.SIGKILL)
    for folder in own_models.iterdir():
        if folder.is_dir() and not folder.name.startswith("."):
            check_manifest(folder, read_manifest(folder))
    assert (own_models / "current").read_bytes() == before
    publish(trained, replace(tiny, models=own_models))
    assert not list(own_models.glob(".training-*"))


def test_killed_while_training(small_settings: TrainingSettings, own_models: Path) -> None:
    """kill -9 in the middle of the fits leaves the folder of models as it was."""
    before = sorted(own_models.iterdir())
    options = ["--corpus", str(small_settings.corpus), "--models", str(own_models)]
    with subprocess.Popen(
        [sys.executable, "-m", "training", "train", *options], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.5)
        os.kill(process.pid, signal.SIGKILL)
    assert sorted(own_models.iterdir()) == before
    assert load_tagger(own_models).version == current_version(own_models)


def test_a_full_disk_while_publishing(
    trained: run.Trained, small_settings: TrainingSettings, own_models: Path, tmp_path: Path
) -> None:
    """When a file cannot be written whole, no candidate appears and nothing is left behind."""
    joblib.dump(trained, tmp_path / "trained.joblib")
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
    before = sorted(own_models.iterdir())
    command = [sys.executable, "-c", limit + _PUBLISH, str(tmp_path / "trained.joblib"), str(own_models)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "free some space" in done.stderr
    assert sorted(own_models.iterdir()) == before


def test_the_compare_command(
    own_models: Path, small_settings: TrainingSettings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`compare` without a version takes the newest candidate, prints the table and names the page."""
    add_variant(own_models, "2026-12-01-aaaaaa", 0.05)
    options = [
        "--models",
        str(own_models),
        "--corpus",
        str(small_settings.corpus),
        "--reports",
        str(tmp_path),
    ]
    assert main(["compare", *options]) == 0
    printed = capsys.readouterr().out
    assert f"2026-12-01-aaaaaa beside {current_version(own_models)}" in printed
    assert "held-out folds" in printed
    assert "gold set" in printed
    assert "gate: passed" in printed
    [page] = tmp_path.glob("compare-*.html")
    assert f"page: {page}" in printed


def test_stored_comments_that_are_none(tmp_path: Path) -> None:
    """A line that is no comment is named; one without text is passed over."""
    path = tmp_path / "comments.jsonl"
    path.write_text('{"id": "1", "text": null}\n{"id": "2", "text": "да"}\n', encoding="utf-8")
    assert [comment.id for comment in read_comments(path)] == ["2"]
    path.write_text('{"id": "1", "text": "да"}\n{"text": "да"}\n', encoding="utf-8")
    with pytest.raises(OtklikError, match=r"comments\.jsonl:2: expected an object with id and text"):
        read_comments(path)


def test_tags_that_turn(models: Path) -> None:
    """Polarity and aspect are told apart."""
    comment = StoredComment("1", "Задержали поставку на две недели")
    [old] = tag_stored(load_tagger(models), [comment])
    [tag] = old.tags
    turned = old._replace(tags=(tag._replace(polarity="praise"),))
    moved = old._replace(tags=(tag._replace(aspect="packaging"),))
    gone = old._replace(tags=())
    for new, kind in ((turned, "turns"), (moved, "other aspect"), (gone, "vanishes")):
        assert list(diff_results([comment], [old], [new]).counts) == [(tag.category, kind)]
