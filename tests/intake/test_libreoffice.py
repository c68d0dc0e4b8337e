"""With a real spreadsheet program: it writes what we read, and reads what we write.

Needs LibreOffice Calc (`soffice`); skips aloud without it, but not in CI.
"""

import csv
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from service.intake.outputs import create_table, output_shape
from service.intake.rows import Row
from service.intake.tables import Table, open_table
from tests.libreoffice import AS_CSV

FROM_CSV = "CSV:59,34,76,1,,1049,false,true"
"""Of UTF-8 with semicolons, in Russian, each cell recognised as Excel would."""
COMMENTS = [
    "Ёмкость «текла»; ждали — и, увы, №5",
    '=HYPERLINK("http://example.ru";"да")',
    "+7 (912) 000-00-00 не отвечает",
    "- долго\n- дорого",
    "@имя",
    "",
]


@pytest.mark.parametrize("target", ["xls:MS Excel 97", "ods", "html"], ids=["xls", "ods", "html"])
def test_what_it_writes_is_read(target: str, convert: Any, tmp_path: Path) -> None:
    """Titles, dates, numbers and line breaks come out of its files as they went in."""
    source = tmp_path / "a.csv"
    source.write_text(
        "Отчёт по NPS;;;;\n№;Дата ответа;Оценка;Доля;Почему?\n"
        '1;01.02.2026;9;0,5;"Ёж; «да»\nи точка"\n2;02.02.2026 10:30;3;1,25;Плохо\n',
        encoding="utf-8",
    )
    table = open_table(convert(source, target, f"--infilter={FROM_CSV}"))
    assert table.columns == ("№", "Дата ответа", "Оценка", "Доля", "Почему?")
    assert (table.layout.roles.text, table.layout.roles.score) == ("Почему?", "Оценка")
    rows = [list(row.cells) for row in table.rows() if isinstance(row, Row)]
    expected: list[list[Any]] = [
        [1, date(2026, 2, 1), 9, 0.5, "Ёж; «да»\nи точка"],
        [2, datetime(2026, 2, 2, 10, 30), 3, 1.25, "Плохо"],
    ]
    if target == "html":  # a page holds texts alone
        dates = ["02/01/26", "02/02/26 10:30 AM"]
        expected = [
            [str(row[0]), shown, str(row[2]), str(row[3]), row[4]]
            for row, shown in zip(expected, dates, strict=True)
        ]
    assert rows == expected


def _table(folder: Path) -> Table:
    source = folder / "a.xlsx"
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["№", "Дата", "Балл", "Отзыв"])
    for number, comment in enumerate(COMMENTS, 1):
        sheet.append([number, datetime(2026, 2, 1, 9, 30), 3.5, comment])
        sheet.cell(number + 1, 4).data_type = "s"
    book.save(source)
    return open_table(source)


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_what_we_write_opens_right(ending: str, convert: Any, tmp_path: Path) -> None:
    """Every letter is right, numbers and dates are such, and nothing is computed."""
    table = _table(tmp_path)
    output = tmp_path / f"b.{ending}"
    shape = output_shape(output, table, ["evidence", "probability"])
    with create_table(output, shape) as writer:
        rows = [row for row in table.rows() if isinstance(row, Row)]
        writer.write([[*row.cells, [row.cells[3] or ""], 0.25] for row in rows])
    seen = _seen(convert, output)
    assert seen[0] == ["№", "Дата", "Балл", "Отзыв", "evidence", "probability"]
    texts = [row[3].removeprefix("'") for row in seen[1:]]
    assert texts == COMMENTS
    assert [row[4].removeprefix("'") for row in seen[1:]] == COMMENTS
    # Shown with a point by an English set-up: they are numbers. «3,5» would be a text, and a date a surprise.
    assert {(row[2], row[5]) for row in seen[1:]} == {("3.5", "0.25")}
    assert len({row[1] for row in seen[1:]}) == 1
    assert "2026" in seen[1][1]


def _seen(convert: Any, output: Path) -> list[list[str]]:
    """The cells as the program shows them, a CSV opened as by a Russian user."""
    if output.suffix == ".csv":
        output = convert(output, "xlsx", f"--infilter={FROM_CSV}")
    shown = convert(output, AS_CSV + ",,1049,false,true,false")
    with shown.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, delimiter=";"))
