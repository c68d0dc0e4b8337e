"""Files as Russian Excel and survey systems really write them, each with what must come out.

All are made here, by code; the texts are ours.
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from service.intake.columns import Columns
from service.intake.layout import ReadOptions
from tests.intake.makers import append, book, html, text, without_size

NAMES = ("№", "Дата ответа", "Оценка", "Почему такая оценка?")
ROWS: list[list[Any]] = [
    ["1", "01.02.2026", "3", "Ёмкость текла, пришлось варить самим"],
    ["2", "02.02.2026", "9,0", "Цена; «хорошая», «да»"],
    ["3", "03.02.2026", "10", None],
]
TABLE = (
    "№;Дата ответа;Оценка;Почему такая оценка?\r\n"
    "1;01.02.2026;3;Ёмкость текла, пришлось варить самим\r\n"
    '2;02.02.2026;9,0;"Цена; «хорошая», «да»"\r\n'
    "3;03.02.2026;10;\r\n"
)
ROLES = {"text": NAMES[3], "score": "Оценка", "id": "№", "date": "Дата ответа"}


@dataclass(frozen=True)
class Bad:
    """A row that is to be quarantined."""

    number: int
    reason: str
    """How it begins."""
    raw: bytes


@dataclass(frozen=True)
class Awkward:
    """A file, and what must come out of it."""

    name: str
    make: Callable[[], bytes]
    columns: tuple[str, ...] = NAMES
    rows: list[list[Any]] = field(default_factory=lambda: ROWS)
    bad: tuple[Bad, ...] = ()
    found: dict[str, Any] = field(default_factory=dict)
    """Of the layout."""
    roles: dict[str, Any] = field(default_factory=lambda: ROLES)
    options: ReadOptions = field(default_factory=ReadOptions)


DATED = [
    list(NAMES),
    [1, datetime(2026, 2, 1, 9, 30), 3, "Текло_x000D_\nвезде"],
    [2, date(2026, 2, 2), 9.5, "ёж"],
]
DATED_ROWS = [
    [1, datetime(2026, 2, 1, 9, 30), 3, "Текло\r\nвезде"],
    [2, datetime(2026, 2, 2), 9.5, "ёж"],
]
QUESTION = "Насколько вероятно, что вы порекомендуете нас?"
WHY = "Почему вы поставили такую оценку?"
SURVEYMONKEY = (
    f'Respondent ID,Collector ID,Start Date,End Date,IP Address,"{QUESTION}","{WHY}",Что понравилось?,,\n'
    ",,,,,,Open-Ended Response,Цена,Срок,Другое (укажите)\n"
    "118,77,02/01/2026 09:00:00 AM,02/01/2026 09:02:00 AM,203.0.113.5,3,"
    '"Ждали долго,\nпотом привезли не то",Цена,,\n'
    "119,77,02/02/2026 09:00:00 AM,02/02/2026 09:01:00 AM,203.0.113.6,10,,,Срок,упаковка\n"
)
QUALTRICS = (
    "StartDate,EndDate,Status,IPAddress,RecordedDate,ResponseId,Q1_NPS_GROUP,Q1,Q2\n"
    "Start Date,End Date,Response Type,IP Address,Recorded Date,Response ID,"
    f'"{QUESTION} - Group","{QUESTION}","{WHY}"\n'
    '"{""ImportId"":""startDate"",""timeZone"":""Europe/Moscow""}","{""ImportId"":""endDate""}",'
    '"{""ImportId"":""status""}","{""ImportId"":""ipAddress""}","{""ImportId"":""recordedDate""}",'
    '"{""ImportId"":""_recordId""}","{""ImportId"":""QID1_NPS_GROUP""}","{""ImportId"":""QID1""}",'
    '"{""ImportId"":""QID2_TEXT""}"\n'
    "2026-02-01 09:00:00,2026-02-01 09:02:00,IP Address,203.0.113.5,2026-02-01 09:02:01,R_1,Detractor,3,"
    "Станок встал через неделю\n"
)
MANY = [[str(number), "5", f"ответ номер {number}"] for number in range(2, 300)]

AWKWARD: dict[str, Awkward] = {
    "Russian Excel: cp1251 and semicolons": Awkward(
        "a.csv", text(TABLE, "cp1251"), found={"encoding": "cp1251", "separator": ";"}
    ),
    "CSV UTF-8 of Excel, with a mark": Awkward(
        "a.csv", text(TABLE, "utf-8-sig"), found={"encoding": "utf-8-sig", "separator": ";"}
    ),
    "UTF-8 without a mark": Awkward("a.csv", text(TABLE), found={"encoding": "utf-8"}),
    "Unicode text of Excel: UTF-16 and tabs": Awkward(
        "a.txt",
        lambda: b"\xff\xfe" + TABLE.replace("Цена;", "Цена,").replace(";", "\t").encode("utf-16-le"),
        rows=[ROWS[0], ["2", "02.02.2026", "9,0", "Цена, «хорошая», «да»"], ROWS[2]],
        found={"encoding": "utf-16-le", "separator": "\t"},
    ),
    "UTF-16 with the high byte first": Awkward(
        "a.csv", lambda: b"\xfe\xff" + TABLE.encode("utf-16-be"), found={"encoding": "utf-16-be"}
    ),
    "UTF-16 without a mark": Awkward("a.csv", text(TABLE, "utf-16-le"), found={"encoding": "utf-16-le"}),
    "DOS letters, as old 1C writes": Awkward(
        "a.csv",
        text("Номер;Оценка;Отзыв\r\n1;5;Поставили не тот артикул, возили обратно\r\n", "cp866"),
        columns=("Номер", "Оценка", "Отзыв"),
        rows=[["1", "5", "Поставили не тот артикул, возили обратно"]],
        found={"encoding": "cp866"},
        roles={"text": "Отзыв", "id": "Номер", "score": "Оценка"},
    ),
    "letters of Unix": Awkward(
        "a.csv",
        text("Номер;Оценка;Отзыв\n1;5;Поставили не тот артикул, возили обратно\n", "koi8-r"),
        columns=("Номер", "Оценка", "Отзыв"),
        rows=[["1", "5", "Поставили не тот артикул, возили обратно"]],
        found={"encoding": "koi8-r"},
        roles={"text": "Отзыв"},
    ),
    "lines that end as on the old Macintosh": Awkward(
        "a.csv", text(TABLE.replace("\r\n", "\r"), "cp1251"), found={"newline": "\r"}
    ),
    "commas, with commas and quotes inside": Awkward(
        "a.csv",
        text('id,score,comment\n1,"9,0","Цена, «да», ""ок"""\n2,5,ёж\n'),
        columns=("id", "score", "comment"),
        rows=[["1", "9,0", 'Цена, «да», "ок"'], ["2", "5", "ёж"]],
        found={"separator": ","},
        roles={"text": "comment", "score": "score", "id": "id"},
    ),
    "tabs": Awkward(
        "a.tsv",
        text("id\tscore\tcomment\n1\t9\tЦена; «да»\n"),
        columns=("id", "score", "comment"),
        rows=[["1", "9", "Цена; «да»"]],
        found={"separator": "\t"},
        roles={"text": "comment"},
    ),
    "a first line that tells Excel the separator": Awkward(
        "a.csv",
        text("sep=,\r\nid,score,comment\r\n1,9,долго; очень; долго\r\n"),
        columns=("id", "score", "comment"),
        rows=[["1", "9", "долго; очень; долго"]],
        found={"separator": ",", "title_rows": 1},
        roles={"text": "comment"},
    ),
    "one column": Awkward(
        "a.txt",
        text("Отзыв\nДорого\nДолго, но дошло\n", "cp1251"),
        columns=("Отзыв",),
        rows=[["Дорого"], ["Долго, но дошло"]],
        roles={"text": "Отзыв", "score": None, "id": None},
    ),
    "quoted line breaks": Awkward(
        "a.csv",
        text('№;Отзыв\r\n1;"Долго\r\n\r\nочень; ""долго"""\r\n\r\n2;ёж\r\n', "cp1251"),
        columns=("№", "Отзыв"),
        rows=[["1", 'Долго\r\n\r\nочень; "долго"'], ["2", "ёж"]],
        roles={"text": "Отзыв"},
    ),
    "blank line at the end, blanks in the header's place": Awkward(
        "a.csv",
        text("\n;;\n№;Оценка;Отзыв\n1;5;ёж\n;;\n\n"),
        columns=("№", "Оценка", "Отзыв"),
        rows=[["1", "5", "ёж"]],
        roles={"text": "Отзыв"},
    ),
    "titles above the header": Awkward(
        "a.csv",
        text("Отчёт по NPS за январь;;;\r\nСоздан: 01.02.2026;;;\r\n;;;\r\n" + TABLE, "cp1251"),
        found={"title_rows": 2},
    ),
    "a name twice, and none": Awkward(
        "a.csv",
        text("№;Отзыв;Отзыв;\n1;;привезли битое;x\n2;дорого;;y\n"),
        columns=("№", "Отзыв", "Отзыв (2)", "4"),
        rows=[["1", None, "привезли битое", "x"], ["2", "дорого", None, "y"]],
        roles={"text": "Отзыв", "text_also": ("Отзыв (2)",)},
    ),
    "separators at the ends of rows only": Awkward(
        "a.csv",
        text("№;Отзыв\n1;ёж;;\n2;дорого\n3;долго;;\n"),
        columns=("№", "Отзыв"),
        rows=[["1", "ёж"], ["2", "дорого"], ["3", "долго"]],
        roles={"text": "Отзыв"},
    ),
    "two header rows, as SurveyMonkey writes": Awkward(
        "a.csv",
        text(SURVEYMONKEY),
        columns=(
            "Respondent ID", "Collector ID", "Start Date", "End Date", "IP Address", QUESTION, WHY,
            "Что понравилось? - Цена", "Что понравилось? - Срок", "Что понравилось? - Другое (укажите)",
        ),
        rows=[
            ["118", "77", "02/01/2026 09:00:00 AM", "02/01/2026 09:02:00 AM", "203.0.113.5", "3",
             "Ждали долго,\nпотом привезли не то", "Цена", None, None],
            ["119", "77", "02/02/2026 09:00:00 AM", "02/02/2026 09:01:00 AM", "203.0.113.6", "10",
             None, None, "Срок", "упаковка"],
        ],
        found={"header_rows": 2},
        roles={"text": WHY, "score": QUESTION, "id": "Respondent ID", "date": "End Date"},
    ),
    "three header rows, as Qualtrics writes": Awkward(
        "a.csv",
        text(QUALTRICS, "utf-8-sig"),
        columns=(
            "StartDate", "EndDate", "Status - Response Type", "IPAddress", "RecordedDate", "ResponseId",
            f"Q1_NPS_GROUP - {QUESTION} - Group", f"Q1 - {QUESTION}", f"Q2 - {WHY}",
        ),
        rows=[
            ["2026-02-01 09:00:00", "2026-02-01 09:02:00", "IP Address", "203.0.113.5",
             "2026-02-01 09:02:01", "R_1", "Detractor", "3", "Станок встал через неделю"],
        ],
        found={"header_rows": 3},
        roles={
            "text": f"Q2 - {WHY}", "score": f"Q1 - {QUESTION}", "id": "ResponseId", "date": "RecordedDate",
        },
    ),
    "rows that are no rows": Awkward(
        "a.csv",
        lambda: "№;Оценка;Отзыв\n1;5;ёж\n2;5\n3;5;a;b\n4;5;@\n5;5;да\n".encode().replace(
            b"@", b"\xcf\xeb\xee\xf5\xee"
        ),
        columns=("№", "Оценка", "Отзыв"),
        rows=[["1", "5", "ёж"], ["5", "5", "да"]],
        bad=(
            Bad(3, "found 2 cells, expected 3", b"2;5"),
            Bad(4, "found 4 cells, expected 3", b"3;5;a;b"),
            Bad(5, "found bytes that are not utf-8 (cf", b"4;5;\xcf\xeb\xee\xf5\xee"),
        ),
        found={"encoding": "utf-8", "separator": ";"},
        roles={"text": "Отзыв"},
    ),
    "quotes that are not closed": Awkward(
        "a.csv",
        text('№;Оценка;Отзыв\n1;5;"ёж\n2;5;да\n3;5;"долго, ""очень"""\n4;5;"x"y\n5;5;"конец'),
        columns=("№", "Оценка", "Отзыв"),
        rows=[["2", "5", "да"], ["3", "5", 'долго, "очень"']],
        bad=(
            Bad(2, "", '1;5;"ёж'.encode()),
            Bad(5, "", b'4;5;"x"y'),
            Bad(6, "", '5;5;"конец'.encode()),
        ),
        roles={"text": "Отзыв"},
    ),
    "a cell of two megabytes": Awkward(
        "a.csv",
        text(
            "\n".join([
                "№;Оценка;Отзыв", *(";".join(row) for row in MANY), f"300;5;{'а' * (1 << 20)}", "301;5;да",
            ])
        ),
        columns=("№", "Оценка", "Отзыв"),
        rows=[*MANY, ["301", "5", "да"]],
        bad=(Bad(300, "found a row of 2,097,159 bytes", ("300;5;" + "а" * ((1 << 15) - 3)).encode()),),
        roles={"text": "Отзыв"},
    ),
    "guarded formulas": Awkward(
        "a.csv",
        text(
            '"No.","Response ID","1. Оценка","2. Почему?"\n'
            '"1","r1","5","\'=HYPERLINK(1)"\n'
            '"2","r2","6","\'- долго"\n'
        ),
        columns=("No.", "Response ID", "1. Оценка", "2. Почему?"),
        rows=[["1", "r1", "5", "'=HYPERLINK(1)"], ["2", "r2", "6", "'- долго"]],
        roles={"text": "2. Почему?", "score": "1. Оценка", "id": "Response ID"},
    ),
    "gzip": Awkward("a.csv.gz", lambda: gzip.compress(TABLE.encode("cp1251")), found={"encoding": "cp1251"}),
    "JSON Lines with a mark, blank lines and gzip": Awkward(
        "a.jsonl.gz",
        lambda: gzip.compress(
            b'\xef\xbb\xbf{"id": 1, "text": "\xd1\x91\xd0\xb6", "score": 5}\r\n\r\n[1]\r\n'
            + '{"id": 2, "region": "Урал", "text": "да", "person": {"name": "Пётр"}}'.encode()
        ),
        columns=("id", "text", "score", "region", "person.name"),
        rows=[[1, "ёж", 5, None, None], [2, "да", None, "Урал", "Пётр"]],
        bad=(Bad(3, "not a JSON object", b"[1]"),),
        roles={"text": "text", "score": "score", "id": "id", "attributes": ("region",)},
    ),
    "workbook": Awkward("a.xlsx", book(append([list(NAMES), *ROWS])), found={"sheet": "Ответы"}),
    "workbook with dates, numbers and Excel's carriage returns": Awkward(
        "a.xlsx", book(append(DATED)), rows=DATED_ROWS
    ),
    "workbook with merged titles above the header": Awkward(
        "a.xlsx",
        book(append([["Отчёт по NPS"], [], ["Период", "январь"], list(NAMES), *ROWS], ("A1:D1",))),
        found={"title_rows": 2},
    ),
    "workbook with merged cells in the header": Awkward(
        "a.xlsx",
        book(
            append(
                [
                    ["№", "Клиент", None, "Оценка", "Отзыв"],
                    [None, "Имя", "Город", None, None],
                    [1, "Пётр", "Омск", 5, "ёж"],
                ],
                ("A1:A2", "B1:C1", "D1:D2", "E1:E2"),
            )
        ),
        columns=("№", "Клиент - Имя", "Клиент - Город", "Оценка", "Отзыв"),
        rows=[[1, "Пётр", "Омск", 5, "ёж"]],
        found={"header_rows": 2},
        roles={"text": "Отзыв", "score": "Оценка", "id": "№"},
    ),
    "workbook whose first sheet is empty": Awkward(
        "a.xlsx", book(append([list(NAMES), *ROWS]), "Титул"), found={"sheet": "Ответы"}
    ),
    "workbook that notes a wrong size": Awkward(
        "a.xlsx", lambda: without_size(book(append([list(NAMES), *ROWS]))())
    ),
    "workbook with a cell beside the table": Awkward(
        "a.xlsx",
        book(append([list(NAMES), *ROWS[:2], [*ROWS[2], "пометка"]])),
        rows=ROWS[:2],
        bad=(Bad(4, "found 5 cells, expected 4", '["3","03.02.2026","10",null,"пометка"]'.encode()),),
    ),
    "HTML that is called .xls": Awkward(
        "a.xls", lambda: html([list(NAMES), *ROWS], "utf-8"), found={"format": "html"}
    ),
    "HTML in cp1251 with a title over all columns": Awkward(
        "a.xls",
        lambda: html([list(NAMES), *ROWS], "windows-1251").replace(
            b"<tr>", b"<tr><th colspan=4>\xce\xf2\xf7&#1105;&#1090;</th><tr>", 1
        ),
        found={"title_rows": 1, "encoding": "cp1251"},
    ),
    "HTML with line breaks, entities and a short row": Awkward(
        "a.xls",
        text(
            "<table><tr><th rowspan=2>№<th rowspan=2>Оценка<th colspan=2>Ответ<tr><th>Почему<th>Город"
            "<tr><td>1<td>5<td>долго<br>и  дорого &lt;1&gt;<td>Омск<tr><td>2<td>6</table>"
        ),
        columns=("№", "Оценка", "Ответ - Почему", "Ответ - Город"),
        rows=[["1", "5", "долго\nи дорого <1>", "Омск"]],
        bad=(Bad(4, "found 2 cells, expected 4", b'["2","6"]'),),
        found={"header_rows": 2},
        roles={"text": "Ответ - Почему", "score": "Оценка"},
    ),
    "text that is called .xls": Awkward(
        "a.xls", text(TABLE.replace("Цена;", "Цена,").replace(";", "\t"), "cp1251"),
        rows=[ROWS[0], ["2", "02.02.2026", "9,0", "Цена, «хорошая», «да»"], ROWS[2]],
        found={"format": "csv", "separator": "\t"},
    ),
    "workbook that is called .csv": Awkward(
        "a.csv", book(append([list(NAMES), *ROWS])), found={"format": "xlsx"}
    ),
    "no header": Awkward(
        "a.csv",
        text("1;5;ёж и ещё три слова\n2;6;да\n"),
        columns=("1", "2", "3"),
        rows=[["1", "5", "ёж и ещё три слова"], ["2", "6", "да"]],
        roles={"text": "3", "score": "2"},
        options=ReadOptions(header_rows=0, columns=Columns(text="3", score="2")),
    ),
    "header where the caller says": Awkward(
        "a.csv",
        text("а;б;в\nг;д;е\n№;Оценка;Отзыв\n1;5;ёж\n"),
        columns=("№", "Оценка", "Отзыв"),
        rows=[["1", "5", "ёж"]],
        found={"title_rows": 2},
        roles={"text": "Отзыв"},
        options=ReadOptions(header_row=3),
    ),
}  # fmt: skip
