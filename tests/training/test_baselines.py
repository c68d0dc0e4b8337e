"""Baselines are measured as the model is: on the same folds, with thresholds chosen on them."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.nlp.artefact import check_manifest, current_version, read_manifest
from service.nlp.taxonomy import Taxonomy
from training import baselines, evaluate, peers
from training.__main__ import main
from training.baselines import Beliefs, Measured
from training.card import put_figures
from training.corpus import Example, Label
from training.run import Trained
from training.scoring import Guess, score
from training.settings import TrainingSettings
from training.split import make_folds

LATE = Label("logistics", None, "problem")
GOOD = Label("quality", None, "praise")
WORDS = {"срок": LATE, "качество": GOOD}


def _examples(n: int = 60) -> list[Example]:
    texts = [["срок", "качество", "привет"][i % 3] for i in range(n)]
    return [
        Example(
            f"{text} номер {i} слово{i % 7}", (WORDS[text],) if text in WORDS else (), author=f"a{i // 20}"
        )
        for i, text in enumerate(texts)
    ]


def test_tfidf_learns_categories_and_their_polarity(taxonomy: Taxonomy) -> None:
    """On comments of other authors it finds what a word tells, and leaves the others empty."""
    examples = _examples()
    folds = make_folds(examples, 3)
    beliefs = baselines.judge_held_out(baselines.plain_tfidf, examples, folds, taxonomy)
    thresholds = baselines.choose_thresholds(examples, beliefs, taxonomy)
    guesses = baselines.cut(beliefs, thresholds, taxonomy)
    assert [guess.labels for guess in guesses] == [example.labels for example in examples]


def test_thresholds_are_the_best_of_each_category(taxonomy: Taxonomy) -> None:
    """A baseline whose probabilities are all low is not punished for it."""
    examples = _examples(6)
    probabilities = np.full((6, len(taxonomy.categories)), 0.05)
    probabilities[[1, 4], taxonomy.category_codes.index("quality")] = 0.2
    beliefs = Beliefs(probabilities, np.ones((6, len(taxonomy.categories)), dtype=np.int64))
    thresholds = baselines.choose_thresholds(examples, beliefs, taxonomy)
    guesses = baselines.cut(beliefs, thresholds, taxonomy)
    assert [guess.label("quality") == GOOD for guess in guesses] == [i in (1, 4) for i in range(6)]


def test_what_is_never_said_is_not_measured() -> None:
    """A baseline without aspects has no figure of aspects; one that names them has."""
    examples = [Example("долго", (Label("logistics", "deadlines", "problem"),))]
    assert "aspect" not in score(examples, [Guess((LATE,))], ["logistics"]).figures
    assert score(examples, [Guess(examples[0].labels)], ["logistics"]).figures["aspect"].value == 1


_PEER = """
import json, sys
task = json.load(open(sys.argv[1]))
open(sys.argv[0] + ".runs", "a").write("run\\n")
assert all(set(own) <= set(task["labels"]) for _, own in task["train"])
judge = lambda text, label: float({"срок": "logistics/problem", "качество": "quality/praise"}.get(
    text.split()[0], "-").startswith(label))
print(json.dumps([[judge(text, label) for label in task["labels"]] for text in task["texts"]]))
"""


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> peers.Peer:
    """A program that knows two words, in an environment that is there already."""
    script = tmp_path / "small_peer.py"
    script.write_text(_PEER, encoding="utf-8")
    python = tmp_path / "small" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (tmp_path / "small" / "packages.txt").write_text("small==1\n", encoding="utf-8")
    own = peers.Peer("small", script, ("small==1",), {})
    monkeypatch.setattr(peers, "PEERS", (own,))
    return own


def _runs(peer: peers.Peer) -> int:
    return len(Path(f"{peer.script}.runs").read_text(encoding="utf-8").splitlines())


def test_a_peer_is_run_once_a_fold(
    peer: peers.Peer, taxonomy: Taxonomy, small_settings: TrainingSettings, tmp_path: Path
) -> None:
    """It judges folds and further sets; a second measurement reads what was kept, and no text lies about."""
    settings = replace(small_settings, environments=tmp_path, trials=tmp_path / "trials")
    examples, further = _examples(), [Example("срок вышел", (LATE,)), Example("да")]
    measured = peers.measure_peers(examples, [further], taxonomy, settings)
    assert measured.folds["small"].figures["macro_f1"].value == 1
    [own] = measured.sets.values()
    assert own["small"].figures["polarity"].value == 1
    assert _runs(peer) == 4
    assert peers.measure_peers(examples, [further], taxonomy, settings) == measured
    assert _runs(peer) == 4
    assert not list(tmp_path.glob("*.json"))


def test_optional_categories_teach_a_peer_nothing(taxonomy: Taxonomy) -> None:
    """Labels of a doubtful category are left out of its answers."""
    answers = peers._answers(Example("срок", (LATE,), optional=frozenset({"price"})), taxonomy)
    assert answers["logistics"]
    assert answers["logistics/problem"]
    assert not answers["logistics/praise"]
    assert not any(label.startswith("price") for label in answers)


def test_the_command_joins_table_and_card(
    peer: peers.Peer,
    own_models: Path,
    small_settings: TrainingSettings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    further: Path,
) -> None:
    """`baselines` puts a column into each table, and into the card; the model stays sound."""
    where = ["--models", str(own_models), "--corpus", str(small_settings.corpus)]
    kept = ["--trials", str(tmp_path / "trials"), "--environments", str(tmp_path)]
    assert main(["evaluate", *where]) == 0
    assert "small: python -m training baselines measures them too" in capsys.readouterr().out
    assert main(["baselines", *where, *kept, "--data", str(further)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("| small |") == 2
    folder = own_models / current_version(own_models)
    check_manifest(folder, read_manifest(folder))
    card = (folder / "card.md").read_text(encoding="utf-8")
    assert "| small |" in card
    assert card.count("| macro-F1 |") == 1
    assert main(["evaluate", *where, "--json"]) == 0
    assert "small" in json.loads(capsys.readouterr().out)
    assert main(["evaluate", *where, "--data", str(further)]) == 0
    assert "| small |" in capsys.readouterr().out


def test_another_corpus_is_refused(
    peer: peers.Peer, own_models: Path, small_settings: TrainingSettings, tiny: TrainingSettings,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Figures of other comments than the model's do not come beside it."""
    assert main(["baselines", "--models", str(own_models), "--corpus", str(tiny.corpus)]) == 2
    assert "was not made of these comments" in capsys.readouterr().err


def test_measured_sets_are_kept_side_by_side(tmp_path: Path, trained: Trained) -> None:
    """A later measurement replaces the folds and its own sets, and keeps the others."""
    report = trained.reports["plain TF-IDF"]
    baselines.write_measured(tmp_path, Measured({"a": report}, {"1": {"a": report}}))
    baselines.write_measured(tmp_path, Measured({"b": report}, {"2": {"b": report}}))
    assert baselines.read_measured(tmp_path) == Measured(
        {"b": report}, {"1": {"a": report}, "2": {"b": report}}
    )


def test_the_card_keeps_its_other_tables(trained: Trained) -> None:
    """Only the figures change."""
    table = "| figure | otklik |\n| --- | --- |\n| a | b |"
    card = f"# Model\n\n## Figures\n\nWords.\n\n{table}\n\n## Other\n\n| c |\n"
    changed = put_figures(card, trained.reports)
    assert changed.startswith("# Model\n\n## Figures\n\nWords.\n\n| figure | cases | otklik |")
    assert changed.endswith("|\n\n## Other\n\n| c |\n")
    assert "| a | b |" not in changed
    assert put_figures(changed, trained.reports) == changed


def test_missing_peers_are_named(trained: Trained) -> None:
    """Both are missing where only `make train` measured."""
    assert evaluate.missing_baselines(trained.reports) == ["fastText", "spaCy textcat"]
    names: Sequence[str] = [peer.name for peer in peers.PEERS]
    assert evaluate.missing_baselines(dict.fromkeys(names, trained.reports["otklik"])) == []
