"""Comments that are stored and tagged, without a model: what the tests of the outgoing side start from."""

from service.nlp.context import nps_group
from service.nlp.spans import Span
from service.nlp.tagger import Result, Tag
from service.nlp.taxonomy import Taxonomy
from service.store.comments import IncomingComment
from service.store.database import Database
from service.store.tagging import Kept, store_tagged, to_tag

TEXT = "Задержали поставку на две недели"
MODEL = "2026-11-21-test"


def result(taxonomy: Taxonomy, text: str = TEXT, score: int | None = 3, *, category: str = "logistics",
           aspect: str | None = "deadlines", polarity: str = "problem") -> Result:  # fmt: skip
    """A result with one tag whose evidence is the whole text."""
    tag = Tag(
        category, aspect, polarity, taxonomy.category(category).title, 0.97, (Span(0, len(text)),),
        taxonomy.departments_of(category, aspect), taxonomy.kpis_of(category, aspect),
    )  # fmt: skip
    return Result(text, nps_group(score), False, (tag,), category, 0.97)


def keep(
    database: Database, taxonomy: Taxonomy, *ids: str, source: str = "survey", text: str | None = TEXT,
    score: int | None = 3, model: str = MODEL, category: str = "logistics", aspect: str | None = "deadlines",
    polarity: str = "problem", attributes: dict[str, object] | None = None,
) -> list[Kept]:  # fmt: skip
    """Store comments, each with the same tag, in one transaction."""
    incoming = [IncomingComment(source, one, text, score, attributes=attributes) for one in ids]
    results = [
        result(taxonomy, one.text or "", score, category=category, aspect=aspect, polarity=polarity)
        for one in to_tag(incoming)
    ]
    with database.write() as connection:
        return store_tagged(connection, incoming, results, model)
