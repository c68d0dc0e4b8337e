"""Tags as Arrow's columns say what tags row by row say."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.intake.comments import TagCells, tag_columns
from service.intake.tag_arrays import Kinds, TaggedRows, of_columns
from service.nlp import tagger as nlp
from service.nlp.tagger import Comment, Tagger
from tests.conftest import EXAMPLE

TEXTS = (
    EXAMPLE,
    "",
    "Дорого, и менеджер хамит. Дорого!",
    "Упаковка целая, привезли вовремя, но сервис не отвечает, документы потеряли",
    "нормально",
    "Станок отличный",
)


@given(st.lists(st.one_of(st.none(), st.sampled_from(TEXTS)), max_size=30))
@settings(deadline=None, max_examples=40)
def test_columns_say_what_cells_say(tagger: Tagger, rows: Sequence[str | None]) -> None:
    """Each column holds the cells of its rows; rows that could not be tagged are null in all of them."""
    tagged = np.array([row is not None for row in rows], dtype=np.bool_)
    comments = [Comment(row) for row in rows if row is not None]
    columns = tagger.tag_columns(comments)
    said = of_columns(
        Kinds(tagger.kinds), tagger.number_kinds(columns), columns, [row or "" for row in rows], tagged
    )
    arrays = said.arrays(tagger.taxonomy.category_codes, tagger.version)
    cells = TagCells(tagger, "parquet")
    results = iter(tagger.tag(comments))
    expected = [None if row is None else cells.of(next(results)) for row in rows]
    assert tuple(arrays) == tag_columns(tagger, "parquet")
    for number, (name, array) in enumerate(arrays.items()):
        own = [None if row is None else row[number] for row in expected]
        if name == "tags":
            own = [None if row is None else row[number].to_json()["tags"] for row in expected]
        assert _plain(array.to_pylist()) == _plain(own), name


@given(st.lists(st.one_of(st.none(), st.sampled_from(TEXTS)), max_size=30))
@settings(deadline=None, max_examples=40)
def test_results_say_the_same(tagger: Tagger, rows: Sequence[str | None]) -> None:
    """Nested tags are the same whether they come from results or from columns."""
    results = [None if row is None else tagger.tag([Comment(row)])[0] for row in rows]
    tags = TaggedRows.of_results(results).tags.to_pylist()
    assert tags == [None if own is None else own.to_json()["tags"] for own in results]


def test_columns_of_several_batches(tagger: Tagger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Comments that are too long for one batch have the columns that they have in one."""
    comments = [Comment(text) for text in TEXTS * 4]
    whole = tagger.tag_columns(comments)
    monkeypatch.setattr(nlp, "_BATCH_CHARS", 120)
    parts = tagger.tag_columns(comments)
    assert parts.texts.tolist() == whole.texts.tolist()
    assert parts.starts.tolist() == whole.starts.tolist()
    assert tagger.number_kinds(parts).tolist() == tagger.number_kinds(whole).tolist()
    assert parts.probabilities == pytest.approx(whole.probabilities, abs=2e-4)
    assert len(parts.needs_review) == len(comments)


def _plain(values: Sequence[object]) -> object:
    """With numbers that may differ in their last digit by how many comments are tagged at once made alike."""
    if isinstance(values, float):
        return round(values, 3)
    if isinstance(values, dict):
        return {key: _plain(value) for key, value in values.items()}
    return [_plain(value) for value in values] if isinstance(values, list) else values
