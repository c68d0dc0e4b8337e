"""Testograf: files; and rows of its files that a relay posts as JSON, by the headings of the export."""

import re
from collections.abc import Mapping

from service.intake.mapping import Adapter, AnswerMap, Document, Rule

_SERVICE = frozenset({"Время выполнения", "IP - адрес", "Операционная система", "Браузер", "Устройство"})
_NUMBER = re.compile(r"^\d+(\.\d+)*[.)]\s+")


def _strip_numbers(document: Document, headers: Mapping[str, str]) -> list[Document]:
    """Questions stand in the headings with their number: «3. Почему?»."""
    return [{_NUMBER.sub("", name): value for name, value in document.items() if name not in _SERVICE}]


ADAPTER = Adapter(
    title="Тестограф",
    prepare=_strip_numbers,
    rules=(
        Rule(
            then=AnswerMap(
                id='"Номер ответа" || id',
                answered_at='"Дата ответа"',
                questions="@",
            )
        ),
    ),
    documented="—",
    unconfirmed="the headings (from public code that reads real exports); whether there is a webhook at all",
)
