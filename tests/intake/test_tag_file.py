"""Files go in as people have them and come out with tags, nothing lost."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.intake.columns import Columns
from service.intake.layout import ReadOptions
from service.intake.rows import FileError
from service.intake.run import FileOptions, tag_file
from service.nlp.tagger import Comment, Tagger
from tests.conftest import EXAMPLE

HEADER = ["№", "Дата ответа", "Оценка", "Почему такая оценка?"]
ROWS = [
    ["1", "01.02.2026", "3", EXAMPLE],
    ["2", "02.02.2026", "9,0", 'цена; «хорошая», "да"\nи точка'],
    ["3", "03.02.2026", "10 - очень вероятно", ""],
    ["4", "04.02.2026", "", "ёж, 5 дней ждём"],
]


def _csv(encoding: str, separator: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / "answers.csv"
        frame = pd.DataFrame(ROWS, columns=HEADER)
        frame.to_csv(path, sep=separator, encoding=encoding, index=False, lineterminator="\r\n")
        return path

    return write


def _xlsx(folder: Path) -> Path:
    path = folder / "answers.xlsx"
    pd.DataFrame(ROWS, columns=HEADER).to_excel(path, index=False)
    return path


def _parquet(folder: Path) -> Path:
    path = folder / "answers.parquet"
    pd.DataFrame(ROWS, columns=HEADER).to_parquet(path)
    return path


def _jsonl(folder: Path) -> Path:
    path = folder / "answers.jsonl"
    rows = [dict(zip(HEADER, row, strict=True)) for row in ROWS]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


SOURCES = {
    "Russian Excel": _csv("cp1251", ";"),
    "Excel's CSV UTF-8": _csv("utf-8-sig", ";"),
    "plain CSV": _csv("utf-8", ","),
    "Excel's Unicode text": _csv("utf-16", "\t"),
    "workbook": _xlsx,
    "Parquet": _parquet,
    "JSON Lines": _jsonl,
}


def _read(path: Path) -> list[dict[str, object]]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if path.suffix == ".csv":
        frame = pd.read_csv(path, sep=";", encoding="utf-8-sig", dtype=str)
    else:
        frame = (
            pd.read_excel(path, dtype=str, engine="openpyxl")
            if path.suffix == ".xlsx"
            else pd.read_parquet(path)
        )
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES.keys())
@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
def test_tables(make: Callable[[Path], Path], ending: str, models: Path, tmp_path: Path) -> None:
    """Each format in, each format out: original columns untouched, tags beside them."""
    output = tmp_path / f"tagged.{ending}"
    summary = tag_file(make(tmp_path), output, models, FileOptions())
    assert (summary.rows, summary.rejected) == (4, [])
    rows = _read(output)
    assert [[row[name] or "" for name in HEADER] for row in rows] == ROWS
    assert (rows[0]["logistics"], rows[0]["quality"], rows[0]["price"]) == ("problem", "praise", None)
    assert "Отдел логистики" in rows[0]["departments"]  # type: ignore[operator]
    assert "On-Time Delivery" in rows[0]["kpis"]  # type: ignore[operator]
    assert "Задержали поставку на две недели" in rows[0]["evidence"]  # type: ignore[operator]
    assert rows[2]["logistics"] is None


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES.keys())
def test_json_lines_are_the_answers_of_the_api(
    make: Callable[[Path], Path], models: Path, tagger: Tagger, tmp_path: Path
) -> None:
    """From any format, each line is one element of the API's results."""
    output = tmp_path / "tagged.jsonl"
    tag_file(make(tmp_path), output, models, FileOptions())
    scores = [3, 9, 10, None]
    comments = [Comment(row[3], score) for row, score in zip(ROWS, scores, strict=True)]
    expected = [{"id": str(i), **r.to_json()} for i, r in enumerate(tagger.tag(comments), 1)]
    assert _read(output) == expected


@pytest.mark.parametrize("asked", [5, 7.5, datetime(2026, 2, 1), True])
def test_a_question_that_is_no_text(asked: object, models: Path, tagger: Tagger, tmp_path: Path) -> None:
    """Whatever a sheet holds in the column «question», its comment is tagged as after that text."""
    book = openpyxl.Workbook()
    assert book.active
    for row in (["comment", "question"], [EXAMPLE, asked], [EXAMPLE, "Что понравилось?"], [EXAMPLE, None]):
        book.active.append(row)
    book.save(tmp_path / "asked.xlsx")
    output = tmp_path / "tagged.jsonl"
    assert tag_file(tmp_path / "asked.xlsx", output, models, FileOptions()).rejected == []
    comments = [Comment(EXAMPLE, None, question) for question in (str(asked), "Что понравилось?", None)]
    assert [row["tags"] for row in _read(output)] == [own.to_json()["tags"] for own in tagger.tag(comments)]


def test_parquet_holds_whole_tags(models: Path, tagger: Tagger, tmp_path: Path) -> None:
    """In Parquet the tags of the API stand in one nested column; the original columns keep their types."""
    source = tmp_path / "a.parquet"
    when = datetime(2026, 2, 1, 9, 30)
    table = pa.table({"id": [1, 2], "when": [when, None], "tags": ["a", None], "comment": [EXAMPLE, None]})
    pq.write_table(table, source)
    tag_file(source, tmp_path / "b.parquet", models, FileOptions())
    tagged = pq.read_table(tmp_path / "b.parquet")
    assert tagged.select(table.column_names).equals(table)
    [first, second] = tagger.tag([Comment(EXAMPLE), Comment("")])
    assert tagged["otklik_tags"].to_pylist() == [first.to_json()["tags"], second.to_json()["tags"]]
    assert tagged.schema.field("probability").type == pa.float64()
    assert tagged["departments"].to_pylist()[1] == []


def test_parquet_has_dictionaries_where_values_repeat(models: Path, tmp_path: Path) -> None:
    """Categories are stored by dictionary and have statistics; comments and quoted words are not."""
    source, output = tmp_path / "a.csv", tmp_path / "b.parquet"
    source.write_text("segment;comment\nМосква;дорого\nМосква;Долго везли\n", encoding="utf-8")
    tag_file(source, output, models, FileOptions())
    group = pq.ParquetFile(output).metadata.row_group(0)
    columns = {own.path_in_schema: own for own in map(group.column, range(group.num_columns))}
    by_dictionary = {path for path, own in columns.items() if "RLE_DICTIONARY" in own.encodings}
    assert {"segment", "price", "departments.list.element", "tags.list.element.category"} <= by_dictionary
    assert by_dictionary.isdisjoint({"comment", "evidence.list.element", "probability"})
    assert "tags.list.element.evidence.list.element.text" not in by_dictionary
    assert columns["segment"].statistics.has_min_max


def test_bad_rows_are_null_in_parquet(models: Path, tmp_path: Path) -> None:
    """In Parquet a row that cannot be tagged keeps its cells and has nulls for tags."""
    source, output = tmp_path / "a.parquet", tmp_path / "b.parquet"
    texts = ["а" * 10_001, "задержали поставку", "а" * 10_001, "дорого"]
    pq.write_table(pa.table({"id": [1, 2, 3, 4], "comment": texts}), source)
    summary = tag_file(source, output, models, FileOptions())
    assert [bad.number for bad in summary.rejected] == [1, 3]
    assert summary.rows == 2
    rows = pq.read_table(output).to_pylist()
    assert [row["id"] for row in rows] == [1, 2, 3, 4]
    assert [row["logistics"] for row in rows] == [None, "problem", None, None]
    assert [row["price"] for row in rows] == [None, None, None, "problem"]
    assert {name: rows[0][name] for name in ("tags", "evidence", "needs_review", "model", "probability")} == {
        name: None for name in ("tags", "evidence", "needs_review", "model", "probability")
    }
    assert sum(summary.tags.values()) == sum(len(row["tags"]) for row in rows if row["tags"])


def test_bad_rows_stay_and_are_named(models: Path, tmp_path: Path) -> None:
    """A row that cannot be tagged keeps its cells, has no tags, and is told by number and reason."""
    source = tmp_path / "a.csv"
    long_text = "а" * 10_001
    source.write_text(
        f"id;score;comment\n1;11;цена\n2;5;долго;лишнее\n3;5\n4;5;{long_text}\n5;5;задержали поставку\n",
        encoding="utf-8",
    )
    output = tmp_path / "b.csv"
    summary = tag_file(source, output, models, FileOptions())
    assert [(bad.number, bad.reason.split(",")[0]) for bad in summary.rejected] == [
        (2, "found the score «11»"),
        (3, "found 4 cells"),
        (4, "found 2 cells"),
        (5, "found 10001 characters"),
    ]
    rows = _read(output)
    assert [row["id"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert rows[1]["comment"] == "долго; лишнее"
    assert [row["logistics"] for row in rows] == [None, None, None, None, "problem"]
    assert "row 5: found 10001 characters" in str(summary)


def test_a_bad_json_line_is_named(models: Path, tmp_path: Path) -> None:
    """In JSON Lines, a bad line becomes an error in its place."""
    source = tmp_path / "a.jsonl"
    source.write_text('{"id": "7", "text": "цена высокая"}\n[1]\n{"id": "9", "score": 5}\n', encoding="utf-8")
    output = tmp_path / "b.jsonl"
    summary = tag_file(source, output, models, FileOptions())
    assert [bad.number for bad in summary.rejected] == [2]
    good, bad, blank = _read(output)
    assert (good["id"], bad, blank["id"], blank["tags"]) == (
        "7",
        {"id": "2", "error": "not a JSON object"},
        "9",
        [],
    )


def test_spreadsheets_get_no_formula(models: Path, tmp_path: Path) -> None:
    """Evidence that looks like a formula is a text in Excel and is disarmed in CSV."""
    source = tmp_path / "a.csv"
    source.write_text('id;comment\n1;"=1+1 цена высокая"\n', encoding="utf-8")
    tag_file(source, tmp_path / "b.csv", models, FileOptions())
    assert not any(str(value).startswith("=") for name, value in _read(tmp_path / "b.csv")[0].items()
                   if name not in ("id", "comment"))  # fmt: skip
    tag_file(source, tmp_path / "b.xlsx", models, FileOptions())
    sheet = openpyxl.load_workbook(tmp_path / "b.xlsx").active
    assert sheet is not None
    assert {cell.data_type for cell in sheet[2]} <= {"s", "n", "b"}


def test_given_columns_and_a_name_that_is_taken(models: Path, tmp_path: Path) -> None:
    """The caller's word on columns goes first; a column of theirs named like ours stays theirs."""
    source = tmp_path / "a.csv"
    source.write_text("logistics;x;comment\n100;задержали поставку;нет\n", encoding="utf-8")
    tag_file(source, tmp_path / "b.csv", models, FileOptions(ReadOptions(columns=Columns(text="x"))))
    [row] = _read(tmp_path / "b.csv")
    assert (row["logistics"], row["otklik_logistics"]) == ("100", "problem")


REFUSALS: dict[str, tuple[str, bytes | None, FileOptions, str]] = {
    "no such file": ("a.csv", None, FileOptions(), "a.csv: found no such file"),
    "unknown ending": ("a.doc", b"x", FileOptions(), "«.doc» is not a known ending; use one of .csv"),
    "empty CSV": ("a.csv", b"", FileOptions(), "the file is empty"),
    "empty JSON Lines": ("a.jsonl", b"\n", FileOptions(), "the file is empty"),
    "JSON Lines that is none": ("a.jsonl", b"[", FileOptions(), "a.jsonl:1: not a JSON object"),
    "workbook that is none": ("a.xlsx", b"x", FileOptions(), "not an Excel workbook"),
    "Parquet that is none": ("a.parquet", b"x" * 99, FileOptions(), "not readable as Parquet"),
    "no comments": ("a.csv", b"a;b\n1;2\n", FileOptions(), "found no column of comments among «a», «b»"),
    "missing column": (
        "a.csv",
        b"a;comment\n1;2\n",
        FileOptions(ReadOptions(columns=Columns(score="nps"))),
        "found no column «nps»; the columns are «a», «comment»",
    ),
    "open quotes": ("a.csv", b'id;comment\n1;"x\n2;"y\n', FileOptions(), "none of the first 2 rows can be"),
    "open quotes in the header": ("a.csv", b'"id;comment\n1;x\n2;y\n', FileOptions(), "a.csv:1: "),
    "wrong encoding": (
        "a.csv",
        "id;comment\n1;цена\n".encode("cp1251"),
        FileOptions(ReadOptions("utf-8")),
        "found bytes that are not utf-8 (f6, byte 3 of line 2), expected text; give --encoding",
    ),
    "unknown encoding": (
        "a.csv",
        b"id;comment\n",
        FileOptions(ReadOptions("koi9")),
        "cannot be read as koi9",
    ),
}


@pytest.mark.parametrize(("name", "content", "options", "message"), REFUSALS.values(), ids=REFUSALS.keys())
def test_refusals(
    name: str, content: bytes | None, options: FileOptions, message: str, models: Path, tmp_path: Path
) -> None:
    """Each names the file, what was found and what to do; no output is left."""
    source = tmp_path / name
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(FileError) as caught:
        tag_file(source, tmp_path / "out.csv", models, options)
    assert message in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ([name] if content is not None else [])


def test_output_is_not_replaced_unasked(models: Path, tmp_path: Path) -> None:
    """An existing file stays as it is until --force; input and output may not be one."""
    source = tmp_path / "a.csv"
    source.write_text("id;comment\n1;цена высокая\n", encoding="utf-8")
    output = tmp_path / "b.csv"
    output.write_text("mine")
    with pytest.raises(FileError, match="is there already"):
        tag_file(source, output, models, FileOptions())
    assert output.read_text() == "mine"
    tag_file(source, output, models, FileOptions(replace_output=True))
    assert output.read_text(encoding="utf-8-sig").startswith("id;comment;quality")
    with pytest.raises(FileError, match="input and output are one file"):
        tag_file(source, source, models, FileOptions(replace_output=True))


def test_folder_that_is_not_there(models: Path, tmp_path: Path) -> None:
    """A place that cannot be written to is named."""
    source = tmp_path / "a.csv"
    source.write_text("id;comment\n1;цена высокая\n", encoding="utf-8")
    with pytest.raises(FileError, match=r"b\.csv: cannot be written"):
        tag_file(source, tmp_path / "none" / "b.csv", models, FileOptions())


def test_zip_bomb(models: Path, tmp_path: Path) -> None:
    """A workbook that unpacks to gigabytes is refused before it is unpacked."""
    import zipfile

    source = tmp_path / "a.xlsx"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (150 << 20))
    with pytest.raises(FileError, match="unpacks from"):
        tag_file(source, tmp_path / "b.csv", models, FileOptions())
