"""The report on the corpus can be checked by hand, and suspects are told with their place."""

from pathlib import Path

import pytest

from service.nlp.artefact import current_version
from service.nlp.taxonomy import Taxonomy
from training.__main__ import main
from training.corpus import Example, Label
from training.corpus_report import count_labels, report_corpus
from training.settings import TrainingSettings
from training.suspects import Suspect, format_suspects

PRICE = Label("price", "value", "problem")
EXAMPLES = [
    Example("Цена очень высокая для нас!", (PRICE,), author="a", source="a.txt:1"),
    Example("цена очень высокая для нас", (PRICE,), author="b", source="b.txt:1"),
    Example("ок", author="a", source="a.txt:2"),
    Example("ок", author="b", source="b.txt:2"),
    Example("ЦЕНА и качество", (PRICE, Label("quality", None, "praise")), author="a", source="a.txt:3"),
]


def _row(report: str, name: str) -> list[str]:
    line = next(line for line in report.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_the_report_by_hand(taxonomy: Taxonomy) -> None:
    """Repetitions, lengths, style, vocabulary and labels of five comments beside one."""
    ours = [Example("Цена и срок!", (PRICE,))]
    report = report_corpus(EXAMPLES, {"ours": ours}, taxonomy)
    assert "4 comments in 2 groups, 2 of them of 4 words or more (1 groups, 1 of them by several" in report
    assert "- a.txt:1, b.txt:1: «Цена очень высокая для нас!»" in report
    assert "3 of 5 comments are distinct" in report
    assert _row(report, "comments") == ["5", "1"]
    assert _row(report, "50 %") == ["3", "3"]
    assert _row(report, "«!»") == ["20.0%", "100.0%"]
    assert _row(report, "begins with a small letter") == ["60.0%", "0.0%"]
    assert _row(report, "a word in capitals (four letters or more)") == ["20.0%", "0.0%"]
    assert _row(report, "ours") == ["33.3%", "33.3%", "50.0%"]  # «цена» stands in two comments and more
    assert _row(report, "0") == ["40.0%", "0.0%"]
    assert _row(report, "2") == ["20.0%", "0.0%"]
    assert _row(report, "price") == ["60.0%", "100.0%"]
    assert "| price | value | 3 | 0 | 0 |" in report


def test_distinct_ngrams_are_compared_on_equal_lengths(taxonomy: Taxonomy) -> None:
    """A corpus is not told to repeat itself because it is longer."""
    texts = [f"слово{i} слово{i + 1} слово{i + 2}" for i in range(0, 300, 3)]
    report = report_corpus([Example(t) for t in texts], {"few": [Example(texts[0])]}, taxonomy)
    assert _row(report, "2 words") == ["1.000", "1.000"]


def test_the_count_has_every_aspect(taxonomy: Taxonomy) -> None:
    """A line a category and aspect, also where there is none yet."""
    rows = count_labels(taxonomy, EXAMPLES).splitlines()
    assert len(rows) == 2 + sum(1 + len(taxonomy.aspect_codes(code)) for code in taxonomy.category_codes)
    assert "| quality | – | 0 | 1 | 0 |" in rows


def test_the_commands(
    models: Path, small_settings: TrainingSettings, further: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both print; suspects name author and line, and no more than were asked for."""
    corpus = ["--corpus", str(small_settings.corpus)]
    assert main(["corpus-report", *corpus, "--data", str(further)]) == 0
    assert "| share of comments with | corpus | ours |" in capsys.readouterr().out
    before = [path.read_bytes() for path in sorted(small_settings.corpus.iterdir())]
    assert main(["suspects", *corpus, "--models", str(models), "--limit", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(".txt:" in line and "probability" in line for line in lines)
    assert [path.read_bytes() for path in sorted(small_settings.corpus.iterdir())] == before
    assert (models / current_version(models) / "held_out.npz").exists()


def test_the_readme_shows_what_is_printed(project: Path, taxonomy: Taxonomy) -> None:
    """The tables of the README have the names of rows and columns that the report has."""
    shown = (project / "README.md").read_text(encoding="utf-8").partition("From `corpus-report`")[2]
    shown = shown.partition("```text\n")[2].partition("```")[0]
    report = report_corpus(EXAMPLES, {"real_dev": EXAMPLES[:1]}, taxonomy)
    names = {line.split("|")[1] for line in report.splitlines() if line.startswith("|")}
    rows = [line for line in shown.splitlines() if line.startswith("|")]
    assert len(rows) >= 8
    assert {row.split("|")[1] for row in rows} <= names
    assert all(row in report for row in rows if row.startswith(("| share of", "| known of", "| ---")))


def test_a_suspect_in_a_line() -> None:
    """Line breaks of a comment do not break the list."""
    example = Example("долго\nждали", author="a07", source="a07.txt:9")
    told = format_suspects([Suspect(example, "logistics", False, 0.97)])
    assert told == "a07.txt:9 (a07) · logistics not labelled, probability 0.97 · «долго ждали»"
