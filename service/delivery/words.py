"""What tags are called where the factory's people read them."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from service.nlp.heads import Polarity
from service.nlp.taxonomy import Taxonomy

TagView: TypeAlias = Mapping[str, Any]
"""A tag as the API gives it."""

POLARITY: dict[Polarity, str] = {"problem": "проблема", "praise": "похвала", "neutral": "нейтрально"}


def tag_name(title: str, polarity: Polarity) -> str:
    """A tag as people read it.

    >>> tag_name("Сроки и логистика", "problem")
    'Сроки и логистика: проблема'
    """
    return f"{title}: {POLARITY[polarity]}"


def tag_names(tags: Sequence[TagView]) -> list[str]:
    """The names of the tags."""
    return [tag_name(tag["title"], tag["polarity"]) for tag in tags]


def all_tag_names(taxonomy: Taxonomy) -> set[str]:
    """Every name that a tag can have: how one's own are told from others'."""
    return {tag_name(category.title, polarity) for category in taxonomy.categories for polarity in POLARITY}


def titles(tags: Sequence[TagView], what: str) -> list[str]:
    """The titles of the tags' `departments` or `kpis`, each once."""
    return list(dict.fromkeys(one["title"] for tag in tags for one in tag[what]))


def describe(tags: Sequence[TagView]) -> str:
    """The tags in lines for a person: what, by which words, whose, which KPI."""
    return "\n".join(line for tag in tags for line in _lines(tag)) or "Ни о чём определённом"


def _lines(tag: TagView) -> list[str]:
    quotes = "; ".join(f"«{one['text']}»" for one in tag["evidence"])
    owners = ", ".join(titles([tag], "departments"))
    kpis = ", ".join(titles([tag], "kpis"))
    name = tag_name(tag["title"], tag["polarity"])
    return [f"{name} — {quotes}", f"  Отвечает: {owners}. Показатели: {kpis}."]
