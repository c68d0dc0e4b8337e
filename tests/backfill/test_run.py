"""A backfill gives what tagging one by one gives, in each format, with nothing lost and nothing twice."""

import base64
import csv
import json
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest

from service.backfill import tagging
from service.backfill.run import Outcome
from service.backfill.tagging import load_model
from service.intake.columns import Columns
from service.intake.layout import ReadOptions
from service.nlp.said import Said
from service.nlp.tagger import Comment, Tagger
from tests.backfill.conftest import Command

Run = Callable[..., Outcome]


def read_csv(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV as our writers make it."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def test_tags_are_those_of_the_tagger(run: Run, answers: Path, tagger: Tagger, tmp_path: Path) -> None:
    """Each good row, in order, has the polarities that the tagger gives its text alone."""
    outcome = run(answers, output=tmp_path / "out.csv")
    rows = read_csv(tmp_path / "out.csv")
    assert [row["№"] for row in rows] == [str(i) for i in range(1, 236)]
    for row in rows:
        [result] = tagger.tag([Comment(row["Комментарий"], int(row["Оценка"]))])
        expected = {tag.category: tag.polarity for tag in result.tags}
        assert {code: row[code] for code in tagger.taxonomy.category_codes if row[code]} == expected
    assert (outcome.totals.rows, outcome.totals.quarantined) == (235, 5)


def test_json_lines_are_the_answers_of_the_api(
    run: Run, answers: Path, tagger: Tagger, tmp_path: Path
) -> None:
    """Each line is an element of the API's results; a repeated text has each row's own group."""
    run(answers, output=tmp_path / "out.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    with answers.open(encoding="utf-8", newline="") as file:
        source = list(csv.reader(file, delimiter=";"))[1:236]
    results = tagger.tag([Comment(text, int(score)) for _, score, text in source])
    for line, (number, _, _), result in zip(lines, source, results, strict=True):
        assert line == {"id": number, **result.to_json()}


@pytest.mark.parametrize(("ending", "workers"), [("csv", 2), ("xlsx", 1), ("parquet", 2), ("jsonl", 1)])
def test_bytes_do_not_depend_on_workers_or_time(
    run: Run, answers: Path, tmp_path: Path, ending: str, workers: int
) -> None:
    """The same inputs give the same bytes, whoever does the work and when."""
    first, second = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"
    run(answers, output=first)
    run(answers, output=second, workers=workers)
    assert first.read_bytes() == second.read_bytes()
    reports = [Path(f"{path}.report.html").read_bytes() for path in (first, second)]
    assert reports[0] == reports[1]
    assert not list(tmp_path.glob("*.work"))


def test_identical_texts_are_tagged_once(
    run: Run, answers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the whole run each text goes through the tagger once a kind of score, whatever its chunk."""
    tagged: Counter[tuple[str, int]] = Counter()
    say = Tagger.say

    def count_and_say(self: Tagger, comments: Sequence[Comment]) -> list[Said]:
        tagged.update((comment.text, comment.context) for comment in comments)
        return say(self, comments)

    monkeypatch.setattr(Tagger, "say", count_and_say)
    load_model.cache_clear()
    run(answers, output=tmp_path / "out.csv")
    rows = read_csv(tmp_path / "out.csv")
    kinds = {(row["Комментарий"], Comment("", int(row["Оценка"])).context) for row in rows}
    assert len(kinds) < len(rows)
    assert {kind: tagged[kind] for kind in kinds} == dict.fromkeys(kinds, 1)


def test_quarantine_keeps_the_original_bytes(run: Run, answers: Path, tmp_path: Path) -> None:
    """Each row that cannot be tagged is there with file, row, reason and its bytes, and nowhere else."""
    run(answers, output=tmp_path / "out.csv")
    bad = read_csv(tmp_path / "out.csv.quarantine.csv")
    assert [(row["file"], int(row["row"])) for row in bad] == [(str(answers), n) for n in range(237, 242)]
    assert [row["reason"].split(",")[0] for row in bad] == [
        "found 10001 characters", "found the score «11»", "found the score «пять»", "found 2 cells",
        "found 4 cells",
    ]  # fmt: skip
    lines = answers.read_bytes().splitlines(keepends=True)
    for row in bad:
        original = base64.b64decode(row["original_base64"])
        assert original.rstrip(b"\r\n") == lines[int(row["row"]) - 1].rstrip(b"\r\n")


def test_folders_and_several_files(run: Run, answers: Path, tmp_path: Path) -> None:
    """All tables of a folder go into one output: all columns, and the file of each row."""
    folder = tmp_path / "exports"
    (folder / "2024").mkdir(parents=True)
    shutil.copy(answers, folder / "2024" / "a.csv")
    (folder / "b.csv").write_bytes("Город;Комментарий\nТула;Дорого\n".encode("cp1251"))
    pd.DataFrame({"Комментарий": ["Долго везли"], "Оценка": [3]}).to_parquet(folder / "c.parquet")
    (folder / "notes.md").write_text("not a table")
    (folder / "~$lock.xlsx").write_text("of Excel")
    outcome = run(folder, folder / "b.csv", output=folder / "all.csv")
    rows = read_csv(folder / "all.csv")
    assert outcome.totals.rows == len(rows) == 237
    assert list(rows[0])[:5] == ["№", "Оценка", "Комментарий", "Город", "file"]
    assert [(row["file"], row["Город"], row["Комментарий"]) for row in rows[-2:]] == [
        (str(folder / "b.csv"), "Тула", "Дорого"),
        (str(folder / "c.parquet"), "", "Долго везли"),
    ]
    again = run(folder, output=folder / "all.csv", force=True)  # its own output is none of its inputs
    assert again.totals.rows == 237


def test_parquet_of_several_files_keeps_common_types(run: Run, tmp_path: Path) -> None:
    """A column that has one type in all files keeps it; one that differs is a text."""
    pd.DataFrame({"text": ["Долго"], "n": [1], "x": [1]}).to_parquet(tmp_path / "a.parquet")
    pd.DataFrame({"text": ["Дорого"], "n": [2], "x": ["b"]}).to_parquet(tmp_path / "b.parquet")
    run(tmp_path / "a.parquet", tmp_path / "b.parquet", output=tmp_path / "out.parquet")
    frame = pd.read_parquet(tmp_path / "out.parquet")
    assert frame["n"].tolist() == [1, 2]
    assert frame["x"].tolist() == ["1", "b"]
    assert frame["departments"].map(list).map(bool).any()


def test_given_columns(run: Run, tmp_path: Path) -> None:
    """The caller's word on columns goes first."""
    source = tmp_path / "a.csv"
    source.write_text("x;comment\nзадержали поставку;нет\n", encoding="utf-8")
    run(source, output=tmp_path / "b.csv", read=ReadOptions(columns=Columns(text="x")))
    assert read_csv(tmp_path / "b.csv")[0]["logistics"] == "problem"


def test_a_header_alone(run: Run, tmp_path: Path) -> None:
    """A table without rows gives one without rows."""
    (tmp_path / "a.csv").write_text("id;comment\n", encoding="utf-8")
    outcome = run(tmp_path / "a.csv", output=tmp_path / "b.csv")
    assert (outcome.totals.rows, read_csv(tmp_path / "b.csv")) == (0, [])


def test_the_command(command: Command, answers: Path, tmp_path: Path) -> None:
    """It tells how the file is read, how far it is, and what came out; quarantined rows give exit code 1."""
    done = command(answers, "--output", tmp_path / "out.xlsx", "--workers", 2, "--chunk-rows", 50)
    assert done.returncode == 1, done.stderr
    for told in (
        "comments in «Комментарий»; scores in «Оценка»; ids in «№»",
        "tagging: 240 of 240 rows (100%)",
        "235 rows tagged; ",
        "5 rows could not be tagged and went to the quarantine:",
        f"{answers}, row 238: found the score «11»",
    ):
        assert told in done.stderr
    assert len(pd.read_excel(tmp_path / "out.xlsx", engine="openpyxl")) == 235
    report = (tmp_path / "out.xlsx.report.html").read_text(encoding="utf-8")
    assert "235" in report
    assert "<svg" in report
    assert "utf-8, разделитель «;»; комментарии — «Комментарий»; оценки — «Оценка»; номера — «№»" in report
    assert tagging.QUARANTINE.columns[0] in (tmp_path / "out.xlsx.quarantine.csv").read_text(encoding="utf-8")
