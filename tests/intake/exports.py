"""Exports in the shape of each survey system: field names are facts, all texts are ours."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from tests.intake.awkward import QUALTRICS, QUESTION, SURVEYMONKEY, WHY
from tests.intake.makers import book, text

COMMENT = "Поставили не тот артикул; ждали замену, месяц"


@dataclass(frozen=True)
class Export:
    """A file of a system, and what its first row says."""

    name: str
    make: Callable[[], bytes]
    comment: str
    score: int | None
    id: str
    date: str | None
    roles: dict[str, Any]


def _csv(rows: list[list[str]], separator: str = ",", encoding: str = "utf-8", end: str = "\r\n") -> bytes:
    quoted = (separator.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    return "".join(line + end for line in quoted).encode(encoding)


def _jsonl(*items: dict[str, Any]) -> bytes:
    return b"".join(orjson.dumps(item) + b"\n" for item in items)


_FORMS = [
    ["ID", "Start time", "Completion time", "Email", "Name", QUESTION, WHY],
    ["1", "8/20/25 12:49:10", "8/20/25 12:51:45", "anonymous", "Anonymous", "4", COMMENT],
]
_TESTOGRAF = [
    [
        "Номер ответа",
        "Дата ответа",
        "Время выполнения",
        "IP - адрес",
        "Источник распространения",
        "Операционная система",
        "Браузер",
        "Устройство",
        f"1. {QUESTION}",
        f"2. {WHY}",
        f"2. {WHY}",
        "3. Удовлетворённость - Сроки - Оценка",
    ],
    [
        "17",
        "01.02.2026 09:30",
        "00:01:20",
        "203.0.113.5",
        "Ссылка",
        "Windows",
        "Firefox",
        "ПК",
        "4",
        "",
        COMMENT,
        "хорошо",
    ],
    [
        "18",
        "02.02.2026 09:30",
        "00:01:20",
        "203.0.113.5",
        "Ссылка",
        "Windows",
        "Firefox",
        "ПК",
        "9",
        "Быстро",
        "",
        "хорошо",
    ],
]
_LIMESURVEY = [
    [
        "id. Response ID",
        "submitdate. Date submitted",
        "lastpage. Last page",
        "startlanguage. Start language",
        f"NPS. {QUESTION}",
        f"WHY. {WHY}",
    ],
    ["42", "2026-02-01 12:00:00", "2", "ru", "4", COMMENT],
]
_FORMBRICKS = [
    [
        "No.",
        "Response ID",
        "Timestamp",
        "Finished",
        "Survey ID",
        "Formbricks ID (internal)",
        "User ID",
        "Tags",
        "url",
        "country",
        f"1. {QUESTION}",
        f"2. {WHY}",
        "order_id",
        "person.plan",
    ],
    [
        "1",
        "rsp1",
        "2026-02-01 09:00:00 UTC",
        "Yes",
        "srv1",
        "fb1",
        "",
        "",
        "https://example.ru",
        "RU",
        "4",
        f"'- {COMMENT}",
        "A-17",
        "pro",
    ],
]

EXPORTS: dict[str, Export] = {
    "surveymonkey": Export(
        "a.csv", text(SURVEYMONKEY), "Ждали долго,\nпотом привезли не то", 3, "118", "2026-02-01 09:02:00",
        {"text": WHY, "score": QUESTION, "id": "Respondent ID", "date": "End Date"},
    ),
    "qualtrics": Export(
        "a.tsv",
        lambda: b"\xff\xfe" + QUALTRICS.replace('","', '"\t"').replace(",", "\t").encode("utf-16-le"),
        "Станок встал через неделю", 3, "R_1", "2026-02-01 09:02:01",
        {"id": "ResponseId", "date": "RecordedDate"},
    ),
    "msforms": Export(
        "a.xlsx", book(lambda sheet: [sheet.append(row) for row in _FORMS]), COMMENT, 4, "1",
        "2025-08-20 12:51:45", {"text": WHY, "score": QUESTION, "id": "ID", "date": "Completion time"},
    ),
    "testograf": Export(
        "a.csv", lambda: _csv(_TESTOGRAF, ";", "utf-8-sig"), COMMENT, 4, "17", "2026-02-01 09:30:00",
        {"text": f"2. {WHY}", "text_also": (f"2. {WHY} (2)",), "score": f"1. {QUESTION}",
         "id": "Номер ответа"},
    ),
    "bitrix24": Export(
        "a.xls",
        text(
            "<html><head><meta charset=utf-8></head><body><table><tr><th>ID<th>Стадия сделки<th>Дата создания"
            "<th>NPS<th>Комментарий клиента"
            f"<tr><td>5012<td>Успех<td>01.02.2026 09:30:00<td>4<td>{COMMENT}</table>"
        ),
        COMMENT, 4, "5012", "2026-02-01 09:30:00",
        {"text": "Комментарий клиента", "score": "NPS", "id": "ID", "date": "Дата создания"},
    ),
    "typeform": Export(
        "a.csv",
        lambda: _csv([
            ["#", QUESTION, WHY, "order_id", "Start Date (UTC)", "Submit Date (UTC)", "Network ID"],
            ["a3a1", "4", COMMENT, "A-17", "2026-02-01 08:59:00", "2026-02-01 09:00:00", "f00"],
        ], end="\n"),
        COMMENT, 4, "a3a1", "2026-02-01 09:00:00",
        {"text": WHY, "score": QUESTION, "id": "#", "date": "Submit Date (UTC)"},
    ),
    "formbricks": Export(
        "a.csv", lambda: _csv(_FORMBRICKS, end="\n"), f"- {COMMENT}", 4, "rsp1", "2026-02-01 09:00:00",
        {"text": f"2. {WHY}", "score": f"1. {QUESTION}", "id": "Response ID",
         "attributes": ("person.plan", "country")},
    ),
    "google_forms": Export(
        "a.csv",
        lambda: _csv([
            ["Отметка времени", "Адрес электронной почты", QUESTION, WHY, "Довольны ли вы [Срок]"],
            ["2026/02/01 9:00:00 AM GMT+3", "ivan@example.ru", "4", COMMENT, "да"],
        ]),
        COMMENT, 4, "2", "2026-02-01 09:00:00",
        {"text": WHY, "score": QUESTION, "id": None, "date": "Отметка времени"},
    ),
    "limesurvey": Export(
        "a.csv", lambda: _csv(_LIMESURVEY, ";", "utf-8-sig") + b"\r\n",
        COMMENT, 4, "42", "2026-02-01 12:00:00",
        {"text": f"WHY. {WHY}", "score": f"NPS. {QUESTION}", "id": "id. Response ID"},
    ),
    "tally": Export(
        "a.csv",
        lambda: _csv([
            ["Submission ID", "Respondent ID", "Submitted at", QUESTION, WHY, "order_id"],
            ["jyq1", "a2O1", "2026-02-01 09:00:01", "4", COMMENT, "A-17"],
        ], end="\n"),
        COMMENT, 4, "jyq1", "2026-02-01 09:00:01",
        {"text": WHY, "score": QUESTION, "id": "Submission ID", "date": "Submitted at"},
    ),
    "yandex_forms": Export(
        "a.xlsx",
        book(lambda sheet: [
            sheet.append(row)
            for row in (["ID", "Время создания", QUESTION, WHY], ["77", "2026-02-01 09:00:01", "4", COMMENT])
        ]),
        COMMENT, 4, "77", "2026-02-01 09:00:01",
        {"text": WHY, "score": QUESTION, "id": "ID", "date": "Время создания"},
    ),
    "delighted": Export(
        "a.jsonl",
        lambda: _jsonl({
            "id": "70012", "survey_type": "nps", "score": 4, "comment": COMMENT,
            "permalink": "https://example.ru", "person": {"email": "ivan@example.ru"},
            "created_at": 1769936400, "updated_at": None,
            "person_properties": {"region": "Урал"}, "tags": [],
        }),
        COMMENT, 4, "70012", None,
        {"text": "comment", "score": "score", "id": "id", "attributes": ("person_properties.region",)},
    ),
    "promoter": Export(
        "a.jsonl",
        lambda: _jsonl({
            "id": 9, "contact": {"email": "ivan@example.ru", "attributes": {"plan": "pro"}}, "score": 4,
            "score_type": "detractor", "posted_date": "2026-02-01T09:00:00Z", "comment": COMMENT,
        }),
        COMMENT, 4, "9", "2026-02-01 09:00:00",
        {"text": "comment", "score": "score", "id": "id", "attributes": ("contact.attributes.plan",)},
    ),
    "doccano": Export(
        "a.jsonl", lambda: _jsonl({"id": 3, "text": COMMENT, "label": ["Логистика"], "ref_id": "r-1"}),
        COMMENT, None, "3", None, {"text": "text", "id": "id"},
    ),
    "label_studio": Export(
        "a.json",
        lambda: orjson.dumps([
            {"id": 1, "data": {"text": COMMENT, "ref_id": "r-1", "score": 4}, "annotations": [],
             "predictions": []}
        ]),
        COMMENT, 4, "r-1", None, {"text": "data.text", "score": "data.score"},
    ),
    "argilla": Export(
        "a.json",
        lambda: orjson.dumps([
            {"id": "x", "fields": {"text": COMMENT}, "metadata": {"region": "Урал"},
             "suggestions": {"tag": {"value": "logistics", "score": 0.9}}, "external_id": "r-1"},
        ]),
        COMMENT, None, "r-1", None, {"text": "fields.text", "attributes": ("metadata.region",)},
    ),
    "excel": Export(
        "a.csv",
        text(
            "Регион;Насколько вероятно, что порекомендуете;Почему?;Дата ответа\n"
            f'Урал;4 - нет;"{COMMENT}";46054,5\n',
            "cp1251",
        ),
        COMMENT, 4, "2", "2026-02-01 12:00:00",
        {"text": "Почему?", "score": "Насколько вероятно, что порекомендуете", "attributes": ("Регион",),
         "date": "Дата ответа"},
    ),
}  # fmt: skip
