"""A tiny corpus: real lines of four authors, so few that a fit takes a second."""

from dataclasses import replace
from pathlib import Path

import pytest

from training.settings import TrainingSettings

_LINES = 70


@pytest.fixture(scope="module")
def tiny(small_settings: TrainingSettings, tmp_path_factory: pytest.TempPathFactory) -> TrainingSettings:
    """Settings of fits on four authors, some lines each, that keep what they say in a folder of their own."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "corpus").mkdir()
    (folder / "lexicon").mkdir()
    for path in sorted(small_settings.corpus.iterdir())[:4]:
        lines = path.read_text(encoding="utf-8").splitlines()[:_LINES]
        (folder / "corpus" / path.name).write_text("\n".join(lines), encoding="utf-8")
    (folder / "lexicon" / "few.txt").write_text("price/value -: дорого | цены кусаются\n", encoding="utf-8")
    return replace(
        small_settings,
        corpus=folder / "corpus",
        lexicon=folder / "lexicon",
        trials=folder / "trials",
        reports=folder / "reports",
        network_size=8,
        network_hidden=8,
        network_epochs=1,
        jobs=1,
    )


@pytest.fixture(scope="module")
def further(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A labelled file of a user's."""
    path = tmp_path_factory.mktemp("further") / "ours.jsonl"
    late = '{"category": "logistics", "aspect": "deadlines", "polarity": "problem"}'
    path.write_text(
        f'{{"text": "Задержали поставку на две недели!", "labels": [{late}], "optional": ["sales"]}}\n'
        '{"text": "рекомендую", "labels": []}\n',
        encoding="utf-8",
    )
    return path
