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


def test_a_comment_that_left_the_corpus_is_named(tmp_path: Path, taxonomy: Taxonomy) -> None:
    """A second labelling of another text is no agreement."""
    (tmp_path / "a.jsonl").write_text('{"text": "долго", "labels": []}\n', encoding="utf-8")
    with pytest.raises(CorpusError, match="«долго»"):
        read_pairs(tmp_path, [Example("быстро")], taxonomy)
