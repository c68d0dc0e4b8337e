"""Tables are read and written chunk by chunk, from any chunk on, by anyone who has the mark."""

import json
import pickle
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.intake.layout import Layout
from service.intake.outputs import assemble, encode_chunk, output_shape
from service.intake.tables import Table, open_table

N_ROWS = 25


def _write(path: Path) -> Path:
    ids = [str(number) for number in range(N_ROWS)]
    texts = [f"долго ждали,\n{number} дней" for number in range(N_ROWS)]
    if path.suffix == ".parquet":
        pq.write_table(pa.table({"id": ids, "comment": texts}), path, row_group_size=4)
    elif path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        sheet = book.worksheets[0]
        for row in [("id", "comment"), *zip(ids, texts, strict=True)]:
            sheet.append(row)
        book.save(path)
    elif path.suffix == ".jsonl":
        lines = [
            json.dumps({"id": id_, "comment": text}) + "\n" for id_, text in zip(ids, texts, strict=True)
        ]
        path.write_text("\n".join(lines), encoding="utf-8")
    else:
        rows = [f'{id_};"{text}"\r\n' for id_, text in zip(ids, texts, strict=True)]
        path.write_text("id;comment\r\n" + "\r\n".join(rows), encoding="cp1251", newline="")
    return path


@pytest.fixture(params=["csv", "xlsx", "parquet", "jsonl"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Table:
    """One table in each format."""
    return open_table(_write(tmp_path / f"answers.{request.param}"))


def test_reading_goes_on_from_any_chunk(table: Table) -> None:
    """From each chunk's mark, another process with the journalled layout reads the very same chunks."""
    chunks = list(table.chunks(7))
    assert [len(chunk.rows) for chunk in chunks] == [7, 7, 7, 4]
    assert [chunk.index for chunk in chunks] == [0, 1, 2, 3]
    layout = Layout.from_json(json.loads(json.dumps(table.layout.to_json())))
    again = pickle.loads(pickle.dumps(open_table(table.source.name, layout=layout)))
    assert again == table
    for chunk in chunks:
        assert list(again.chunks(7, chunk.start, chunk.index)) == chunks[chunk.index :]


@pytest.mark.parametrize("ending", ["csv", "tsv", "xlsx", "parquet", "jsonl"])
def test_parts_make_the_same_file_each_time(table: Table, ending: str, tmp_path: Path) -> None:
    """Chunks that are encoded apart and put together twice give the same bytes, with every row in order."""
    shape = output_shape(tmp_path / f"out.{ending}", table, ["aspects", "probability"])
    parts = []
    for chunk in table.chunks(7):
        part = tmp_path / f"part{chunk.index}"
        rows = [[*row.cells, ["quality/welding"], 0.5] for row in chunk.rows]
        if ending == "jsonl":
            rows = [[{"id": row[0], "text": row[1]}] for row in rows]
        part.write_bytes(encode_chunk(shape, rows))
        parts.append(part)
    first, second = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"
    assemble(shape, parts, first)
    assemble(shape, parts, second)
    assert first.read_bytes() == second.read_bytes()
    if ending == "jsonl":
        ids = [json.loads(line)["id"] for line in first.read_text(encoding="utf-8").splitlines()]
    else:
        back = open_table(first)
        assert back.columns == ("id", "comment", "aspects", "probability")
        rows = [row.cells for row in back.rows()]
        ids = [row[0] for row in rows]
        assert [row[1] for row in rows] == [f"долго ждали,\n{number} дней" for number in range(N_ROWS)]
    assert ids == [str(number) for number in range(N_ROWS)]
