"""Agreement of two readers can be checked by hand."""

from pathlib import Path

import pytest

from service.nlp.taxonomy import Taxonomy
from training.agreement import measure_agreement, read_pairs
from training.corpus import CorpusError, Example, Label

LATE = Label("logistics", "deadlines", "problem")
SOON = Label("logistics", "delivery", "praise")


def test_agreement_by_hand() -> None:
    """Of four comments both see the category in one, one reader in another, none in two."""
    readings = [((LATE,), (SOON,)), ((LATE,), ()), ((), ()), ((), ())]
    pairs = [(Example(str(i), a), Example(str(i), b)) for i, (a, b) in enumerate(readings)]
    doubtful = (Example("5", (LATE,)), Example("5", optional=frozenset({"logistics"})))
    agreement = measure_agreement([*pairs, doubtful], "logistics")
    assert agreement.comments == 4
    assert agreement.kappa == pytest.approx(0.5)  # observed 0.75, by chance 0.5
    assert agreement.f1 == pytest.approx(2 / 3)
    assert agreement.polarity == agreement.aspect == 0


def test_readers_of_different_comments_do_not_agree_or_differ(tmp_path: Path, taxonomy: Taxonomy) -> None:
    """Two labellings of the same texts are pairs; a labelling of another text is refused."""
    for name, text in (("first", "долго"), ("second", "долго")):
        (tmp_path / f"{name}.jsonl").write_text(f'{{"text": "{text}", "labels": []}}\n', encoding="utf-8")
    assert [(a.text, b.text) for a, b in read_pairs(tmp_path, taxonomy)] == [("долго", "долго")]
    (tmp_path / "second.jsonl").write_text('{"text": "быстро", "labels": []}\n', encoding="utf-8")
    with pytest.raises(CorpusError, match="the same comments in the same order"):
        read_pairs(tmp_path, taxonomy)
