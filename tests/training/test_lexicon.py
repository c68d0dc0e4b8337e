"""Turns of speech are read strictly and taught beside the comments."""

from pathlib import Path

import pytest

from service.nlp.heads import Heads
from service.nlp.taxonomy import Taxonomy
from training.corpus import CorpusError, Example, Label
from training.fit import targets_of
from training.lexicon import Turn, add_turns, read_lexicon
from training.units import read_units


def test_a_line_is_a_label_and_its_turns(tmp_path: Path, taxonomy: Taxonomy) -> None:
    """Remarks and blank lines are passed over; a tone has no category."""
    text = "# remark\n\nprice/value -: дорого | кусается\npraise: супер\n"
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    dear = Label("price", "value", "problem")
    expected = [Turn("дорого", dear), Turn("кусается", dear), Turn("супер", Label("", None, "praise"))]
    assert read_lexicon(tmp_path, taxonomy) == expected


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("price - дорого", "found no «:»"),
        ("money -: дорого", "unknown category"),
        ("price: дорого", "is no tag"),
    ],
)
def test_a_mistake_is_named_by_file_and_line(
    tmp_path: Path, taxonomy: Taxonomy, line: str, named: str
) -> None:
    """Nothing is half read."""
    (tmp_path / "a.txt").write_text(f"# remark\n{line}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=rf"a\.txt:2: .*{named}"):
        read_lexicon(tmp_path, taxonomy)


def test_a_tone_teaches_no_category(taxonomy: Taxonomy) -> None:
    """«супер» says that something is praised, and nothing of what; «дорого» says both."""
    heads = Heads(taxonomy)
    turns = [Turn("супер", Label("", None, "praise")), Turn("дорого", Label("price", "value", "problem"))]
    units = add_turns(read_units([Example("Долго везли")]), turns, taxonomy)
    assert units.n_comments == 3
    comment, tone, dear = targets_of(units.units[:3], heads)
    assert comment[heads.categories].tolist() == [0] * 5
    assert tone[heads.categories].tolist() == [-1] * 5
    assert tone[heads.tone].tolist() == [0, 1, 0]
    price = taxonomy.category_codes.index("price")
    assert dear[heads.categories].tolist() == [int(number == price) for number in range(5)]
    assert dear[heads.polarities(price)].tolist() == [1, 0, 0]


def test_the_shipped_lexicon_is_sound(project: Path, taxonomy: Taxonomy) -> None:
    """Every category has plain turns of both signs."""
    labels = {
        (t.label.category, t.label.polarity) for t in read_lexicon(project / "data" / "lexicon", taxonomy)
    }
    wanted = {(code, sign) for code in (*taxonomy.category_codes, "") for sign in ("problem", "praise")}
    assert wanted <= labels
