"""The corpus notation: what a person writes is what the model learns."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.nlp.spans import Span
from service.nlp.taxonomy import Taxonomy
from training.corpus import (
    CorpusError,
    Example,
    Label,
    Mark,
    format_comment,
    parse_comment,
    parse_corpus,
    read_corpus,
    read_jsonl,
)

EXAMPLE = "3 | [Задержали поставку]{logistics/deadlines -}, а [станок отличный]{quality +}. {?sales}"


def test_a_marked_comment(taxonomy: Taxonomy) -> None:
    """Text, score, labels, marks and optional categories are read off one line."""
    example = parse_comment(EXAMPLE, taxonomy)
    assert example.text == "Задержали поставку, а станок отличный."
    assert example.score == 3
    assert example.optional == {"sales"}
    assert example.labels == (Label("logistics", "deadlines", "problem"), Label("quality", None, "praise"))
    assert [mark.span.of(example.text) for mark in example.marks] == ["Задержали поставку", "станок отличный"]


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        ("спасибо", []),
        ("[быстро]{logistics/deadlines +}, [но побили]{logistics/packaging -}", ["deadlines neutral"]),
        ("[быстро]{logistics/deadlines +}, [но побили]{logistics/packaging -!}", ["packaging problem"]),
        ("[ждали]{logistics/deadlines -} [и ждали]{logistics/delivery -}", ["deadlines problem"]),
        ("[за эти деньги отлично]{price/value +, quality +}", ["value praise", "None praise"]),
        ("[пришлите каталог]{sales/documents =}", ["documents neutral"]),
    ],
)
def test_one_label_a_category(line: str, labels: list[str], taxonomy: Taxonomy) -> None:
    """The first mark gives the aspect, different signs make it neutral, «!» decides both."""
    found = parse_comment(line, taxonomy).labels
    assert [f"{label.aspect} {label.polarity}" for label in found] == labels


def test_directives_and_continuation(taxonomy: Taxonomy) -> None:
    """Author, world and question hold until changed; an indented line goes on with the comment."""
    text = (
        "\ufeff@author a1\n@world w\n# remark\n@question Что улучшить?\nсроки\n\n"
        "@question\nпервая\n  вторая\n"
    )
    asked, plain = parse_corpus(text, taxonomy, "f.txt")
    assert (asked.author, asked.world, asked.question, asked.source) == (
        "a1",
        "w",
        "Что улучшить?",
        "f.txt:5",
    )
    assert (plain.question, plain.text, plain.source) == (None, "первая\nвторая", "f.txt:8")


MISTAKES = {
    "[долго]{logistic -}": "unknown category «logistic»; use one of quality, logistics",
    "[долго]{logistics/speed -}": "unknown aspect «logistics/speed»; use one of deadlines",
    "[долго]{logistics}": "is no tag; write category/aspect and one of - + =",
    "[долго": "is not closed",
    "долго]{logistics -}": "stray «]{logistics -}»",
    "[[долго]{logistics -}": "marks do not nest",
    "[ долго]{logistics -}": "has a blank at an end",
    "[]{logistics -}": "is empty",
    "11 | долго": "found score 11; expected 0 to 10",
    "[долго]{logistics -} {?logistics}": "«logistics» is both marked and optional",
    "долго {?speed}": "unknown category «speed»",
    "[а]{price -!} [б]{price +!}": "2 marks of «price» have a «!»",
    "{?sales}": "found no text",
    "@autor a1": "unknown directive «@autor»",
}


@pytest.mark.parametrize(("line", "message"), MISTAKES.items())
def test_each_mistake_is_named_with_its_line(line: str, message: str, taxonomy: Taxonomy) -> None:
    """Training stops with file, line and remedy."""
    with pytest.raises(CorpusError) as caught:
        parse_corpus(f"@author a1\nхорошо\n{line}\n", taxonomy, "f.txt")
    assert str(caught.value).startswith("f.txt:3: ")
    assert message in str(caught.value)


def test_all_mistakes_of_all_files(taxonomy: Taxonomy, tmp_path: Path) -> None:
    """One run shows everything that must be mended."""
    (tmp_path / "a.txt").write_text("[x]{y -}\n[x]{z -}\n", encoding="utf-8")
    (tmp_path / "b.txt").write_bytes("долго".encode("cp1251"))
    with pytest.raises(CorpusError) as caught:
        read_corpus(tmp_path, taxonomy)
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == ["a.txt:1", "a.txt:2", "b.txt"]


def test_empty_folder(taxonomy: Taxonomy, tmp_path: Path) -> None:
    """A folder without a corpus is an error, not an empty model."""
    with pytest.raises(CorpusError, match=r"found no \*.txt file"):
        read_corpus(tmp_path, taxonomy)


def test_shipped_corpus_is_sound(project: Path, taxonomy: Taxonomy) -> None:
    """The corpus has no mistake, one author a file, and no comment twice in a file."""
    examples = read_corpus(project / "data" / "corpus", taxonomy)
    assert len(examples) >= 1000
    files = {(example.source.split(":")[0], example.author) for example in examples}
    assert len(files) == len({author for _, author in files}) == len({name for name, _ in files})
    assert all(example.author and example.world for example in examples)
    for mark_span, text in ((mark.span, e.text) for e in examples for mark in e.marks):
        assert mark_span.of(text).strip()


PIECES = st.text(alphabet="абв []{}\\|.+-", min_size=1, max_size=8).map(str.strip).filter(bool)


@given(st.lists(PIECES, min_size=1, max_size=5), st.none() | st.integers(0, 10), st.sets(st.integers(0, 4)))
def test_what_is_written_is_read_back(
    taxonomy: Taxonomy, pieces: list[str], score: int | None, marked: set[int]
) -> None:
    """Formatting and parsing are inverse, brackets in the text included."""
    text = "х " + " ".join(pieces)
    labels = [Label(code, None, "praise") for code in taxonomy.category_codes]
    marks, start = [], 2
    for number, piece in enumerate(pieces):
        if number in marked:
            marks.append(Mark(Span(start, start + len(piece)), labels[number]))
        start += len(piece) + 1
    example = Example(text, tuple(mark.label for mark in marks), tuple(marks), score=score)
    assert parse_comment(format_comment(example), taxonomy) == example


def test_json_lines(taxonomy: Taxonomy, tmp_path: Path) -> None:
    """Labelled files of the rule book's format are read, and their mistakes named."""
    path = tmp_path / "gold.jsonl"
    label = '{"category": "price", "aspect": null, "polarity": null}'
    path.write_text(f'{{"text": "да", "labels": [{label}], "optional": ["sales"]}}\n\n', encoding="utf-8")
    [example] = read_jsonl(path, taxonomy)
    assert (example.text, example.labels, example.optional) == (
        "да",
        (Label("price", None, None),),
        frozenset({"sales"}),
    )
    path.write_text('{"text": 5}\n{\n{"text": "а", "labels": [{"category": "x"}]}\n', encoding="utf-8")
    with pytest.raises(CorpusError) as caught:
        read_jsonl(path, taxonomy)
    assert [line.split(":")[1] for line in str(caught.value).splitlines()] == ["1", "2", "3"]
