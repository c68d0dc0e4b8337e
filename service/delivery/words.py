"""What tags are called where the factory's people read them."""

from collections.abc import Sequence

from service.nlp.heads import Polarity
from service.nlp.tagger import Result, Tag
from service.nlp.taxonomy import Taxonomy

POLARITY: dict[Polarity, str] = {"problem": "проблема", "praise": "похвала", "neutral": "нейтрально"}


def tag_name(title: str, polarity: Polarity) -> str:
    """A tag as people read it.

    >>> tag_name("Сроки и логистика", "problem")
    'Сроки и логистика: проблема'
    """
    return f"{title}: {POLARITY[polarity]}"


def tag_names(result: Result) -> list[str]:
    """The names of a result's tags."""
    return [tag_name(tag.title, tag.polarity) for tag in result.tags]


def all_tag_names(taxonomy: Taxonomy) -> set[str]:
    """Every name that a tag can have: how one's own are told from others'."""
    return {tag_name(category.title, polarity) for category in taxonomy.categories for polarity in POLARITY}


def department_titles(result: Result) -> list[str]:
    """Who answers for the result's tags, each once."""
    return list(dict.fromkeys(one.title for tag in result.tags for one in tag.departments))


def kpi_titles(result: Result) -> list[str]:
    """Which KPIs the tags move, each once."""
    return list(dict.fromkeys(one.title_en for tag in result.tags for one in tag.kpis))


def describe(result: Result) -> str:
    """A result in lines for a person: what, by which words, whose, which KPI."""
    return "\n".join(_lines(result)) or "Отклик: ни о чём определённом"


def _lines(result: Result) -> Sequence[str]:
    return [line for tag in result.tags for line in _tag_lines(tag, result.text)]


def _tag_lines(tag: Tag, text: str) -> list[str]:
    quotes = "; ".join(f"«{span.of(text)}»" for span in tag.evidence)
    owners = ", ".join(one.title for one in tag.departments)
    kpis = ", ".join(one.title_en for one in tag.kpis)
    return [f"{tag_name(tag.title, tag.polarity)} — {quotes}", f"  Отвечает: {owners}. Показатели: {kpis}."]
