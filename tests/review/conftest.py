"""A store with comments that await review."""

import pytest

from service.nlp.tagger import Tagger
from service.store.comments import IncomingComment
from service.store.database import Database
from service.store.tagging import store_and_tag
from tests.conftest import EXAMPLE

TEXTS = (
    EXAMPLE,
    "Цена высокая, зато менеджер ответил сразу 👍 и сварка ровная",
    "Упаковка порвалась, доставка так себе",
    "Спасибо",
    "Гарантийный ремонт тянут месяц, на звонки не отвечают",
    "Дорого. Скидок нет, отсрочку не дают",
    "Отгрузили не тот размер, перезаказали, ждём",
    "Менеджер Ирина всё объяснила, счёт прислала за час",
)


@pytest.fixture
def store(sqlite_store: Database, tagger: Tagger) -> Database:
    """An embedded store with 80 tagged comments."""
    incoming = [IncomingComment("crm", str(i), text=f"{TEXTS[i % 8]} {i}", score=i % 11) for i in range(80)]
    store_and_tag(sqlite_store, tagger, incoming)
    return sqlite_store
