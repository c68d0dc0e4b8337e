"""A training run gives a model that is measured, repeatable, and the same everywhere."""

import json
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest

from service.nlp.artefact import current_version, hash_model, load_tagger, read_manifest
from service.nlp.errors import OtklikError
from service.nlp.features import ASK, WordReader
from service.nlp.lemmas import Lemmatizer
from service.nlp.tagger import Comment
from service.nlp.taxonomy import Taxonomy
from tests.conftest import EXAMPLE
from training import run
from training.__main__ import main
from training.guess import tag_examples
from training.publish import publish, refresh_taxonomy
from training.settings import TrainingSettings
from training.units import read_units
from training.vectors import bundled_vectors


def test_beats_its_baselines(trained: run.Trained) -> None:
    """On unseen authors the model is ahead of silence, keywords and plain TF-IDF."""
    ours = trained.reports["otklik"].figures["macro_f1"].low
    for name in ("no label", "keyword list", "plain TF-IDF"):
        assert ours > trained.reports[name].figures["macro_f1"].high, name


def test_compiled_model_agrees_with_the_pipeline(models: Path, trained: run.Trained) -> None:
    """What the service computes from arrays is what scikit-learn computes from the saved pipeline."""
    units = read_units(trained.examples)
    pipeline = joblib.load(models / current_version(models) / "pipeline.joblib")
    expected = pipeline.decision_function(units.units)
    scorer = load_tagger(models)._scorer
    scores = scorer.score(scorer.reader.read([example.text for example in trained.examples]))
    assert np.abs(scores.comments - expected[: units.n_comments]).max() < 1e-5
    assert np.abs(scores.clauses - expected[units.n_comments :]).max() < 1e-5


def test_the_same_corpus_gives_the_same_bytes(
    small_settings: TrainingSettings, models: Path, tmp_path: Path
) -> None:
    """A second run, with another number of jobs, writes the same arrays, taxonomy and rule."""
    settings = replace(small_settings, models=tmp_path, jobs=1)
    taxonomy, examples = run.read_inputs(settings)
    folder = publish(run.train(taxonomy, examples, settings), settings)
    assert hash_model(folder) == hash_model(models / current_version(models))


def test_artefact_says_what_it_was_made_of(models: Path) -> None:
    """Manifest and card name corpus, libraries and figures, and hold no path of this machine."""
    folder = models / current_version(models)
    manifest = read_manifest(folder)
    assert manifest.corpus["authors"] == 5
    assert {"numpy", "pymorphy3", "pymorphy3-dicts-ru", "scikit-learn"} <= set(manifest.libraries)
    assert {"otklik", "no label", "keyword list", "plain TF-IDF"} == set(manifest.figures)
    card = (folder / "card.md").read_text(encoding="utf-8")
    assert manifest.version in card
    assert "the surest mistakes" in card
    for text in (card, (folder / "manifest.json").read_text(encoding="utf-8")):
        assert str(models) not in text


def test_tagger_and_held_out_path_decide_alike(models: Path, trained: run.Trained) -> None:
    """The file evaluation (through the tagger) tags most of what the pipeline alone would."""
    guesses = tag_examples(load_tagger(models), trained.examples[:200])
    report = run.score(trained.examples[:200], guesses, trained.taxonomy.category_codes)
    assert report.figures["macro_f1"].value > trained.reports["otklik"].figures["macro_f1"].value


def test_unknown_label_stops_before_training(
    tmp_path: Path, small_settings: TrainingSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    """`python -m training train` names file and line, and leaves the models as they were."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "x.txt").write_text("@author x\n[долго]{logistik -}\n", encoding="utf-8")
    assert main(["train", "--corpus", str(corpus), "--models", str(tmp_path / "models")]) == 2
    assert "x.txt:2: unknown category «logistik»" in capsys.readouterr().err
    assert not (tmp_path / "models").exists()


def test_category_without_examples(tmp_path: Path, small_settings: TrainingSettings) -> None:
    """A category that the corpus does not teach is named before anything is fitted."""
    (tmp_path / "x.txt").write_text("@author x\n" + "[долго]{logistics -}\n" * 30, encoding="utf-8")
    with pytest.raises(OtklikError, match="found 0 comments labelled «quality»"):
        run.read_inputs(replace(small_settings, corpus=tmp_path))


def test_a_sixth_category_is_learned(tmp_path: Path, project: Path, small_settings: TrainingSettings) -> None:
    """A category added to the file, with examples, is tagged after the next training."""
    text = (project / "data" / "taxonomy.yaml").read_text(encoding="utf-8")
    taxonomy = tmp_path / "taxonomy.yaml"
    taxonomy.write_text(
        text + "  - {code: ecology, title: Экология, departments: [production], kpis: [FPY]}\n",
        encoding="utf-8",
    )
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    smells = ["дым", "запах химии", "вонь", "стоки", "пыль", "сажа", "выбросы", "дымит труба"]
    for path, when in zip(
        sorted(small_settings.corpus.iterdir()), ("днем", "ночью", "летом", "зимой", "утром"), strict=True
    ):
        lines = [f"[{smell} от завода {when}]{{ecology -}}" for smell in smells]
        own = path.read_text(encoding="utf-8").splitlines()[:200]
        (corpus / path.name).write_text("\n".join([*own, "@question", *lines]), encoding="utf-8")
    settings = replace(small_settings, corpus=corpus, taxonomy=taxonomy, models=tmp_path / "models")
    folder = publish(run.train(*run.read_inputs(settings), settings), settings)
    [result] = load_tagger(settings.models, folder.name).tag([Comment("ночью дым и вонь от завода")])
    assert [(tag.category, tag.aspect) for tag in result.tags] == [("ecology", None)]


def test_ensure_trains_only_when_needed(own_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`make run` finds a sound model and says nothing; without one it asks for the corrections first."""
    for options in ([], ["--check-only"]):
        assert main(["ensure", "--models", str(own_models), *options]) == 0
        assert capsys.readouterr().out == ""
    (own_models / "current").unlink()
    assert main(["ensure", "--models", str(own_models), "--check-only"]) == 2
    assert "found no current model" in capsys.readouterr().err


def test_departments_and_kpis_follow_the_file_at_once(
    own_models: Path, project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A renamed department is served without training; the old version stays beside the new one."""
    old = current_version(own_models)
    text = (project / "data" / "taxonomy.yaml").read_text(encoding="utf-8")
    path = tmp_path / "taxonomy.yaml"
    path.write_text(text.replace("title: Отдел логистики", "title: Склад и перевозки"), encoding="utf-8")
    assert main(["ensure", "--models", str(own_models), "--taxonomy", str(path)]) == 0
    assert "now as in the taxonomy file" in capsys.readouterr().out
    [result] = load_tagger(own_models).tag([Comment(EXAMPLE)])
    assert result.tags[0].departments[0].title == "Склад и перевозки"
    [before] = load_tagger(own_models, old).tag([Comment(EXAMPLE)])
    assert before.tags[0].departments[0].title == "Отдел логистики"
    assert before.tags[0].probability == result.tags[0].probability
    assert main(["ensure", "--models", str(own_models), "--taxonomy", str(path)]) == 0
    assert capsys.readouterr().out == ""


def test_a_new_aspect_waits_for_training(own_models: Path, taxonomy: Taxonomy) -> None:
    """What the model has not learned is not served; the old taxonomy goes on, and the user is told."""
    version = current_version(own_models)
    smaller = replace(taxonomy, categories=taxonomy.categories[:-1])
    assert "run make train" in (refresh_taxonomy(smaller, own_models) or "")
    assert current_version(own_models) == version


def test_evaluate_prints_the_stored_table(own_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a file, `evaluate` shows the cross-validated figures, for people and for programs."""
    assert main(["evaluate", "--models", str(own_models)]) == 0
    assert "| macro-F1 |" in capsys.readouterr().out
    assert main(["evaluate", "--models", str(own_models), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["otklik"]["figures"]["macro_f1"]["value"] > 0.5


def test_evaluate_scores_a_file(
    own_models: Path,
    small_settings: TrainingSettings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`evaluate --data` scores the model and its baselines on any labelled file."""
    path = tmp_path / "gold.jsonl"
    late = {"category": "logistics", "aspect": "deadlines", "polarity": "problem"}
    rows = [
        {"text": "Задержали поставку на две недели", "labels": [late], "optional": []},
        {"text": "рекомендую", "labels": [], "optional": []},
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    options = ["--data", str(path), "--models", str(own_models), "--corpus", str(small_settings.corpus)]
    assert main(["evaluate", "--json", *options]) == 0
    reports = json.loads(capsys.readouterr().out)
    assert reports["otklik"]["figures"]["f1 logistics"]["value"] == 1
    assert reports["no label"]["figures"]["f1 logistics"]["value"] == 0
    assert main(["evaluate", "--data", "nowhere.jsonl", "--models", str(own_models)]) == 2
    assert "nowhere.jsonl: found no such file" in capsys.readouterr().err


def test_lemmas_in_the_artefact_are_those_of_the_dictionary(models: Path) -> None:
    """Words in common use, and those of the corpus, are not asked for; the dictionary would say the same."""
    tagger = load_tagger(models)
    weights = tagger._scorer._weights
    assert len(weights.words.keys)
    words = sorted({*bundled_vectors().words[::997], *weights.spelling.forms})
    read_by = (weights.vocabulary, weights.vectors, weights.spelling, Lemmatizer(), weights.words)
    kept = WordReader(*read_by).read(words)
    asking = replace(weights.vectors, lemma_rows=np.full_like(weights.vectors.lemma_rows, ASK))
    asked = WordReader(weights.vocabulary, asking, weights.spelling, Lemmatizer()).read(words)
    assert kept.lemma_rows.tolist() == asked.lemma_rows.tolist()
    assert kept.vector_rows.tolist() == asked.vector_rows.tolist()
    assert (kept.lemma_rows >= 0).any()
