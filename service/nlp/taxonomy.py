"""The tree of tags, who answers for each and which KPI it moves.

People write it as YAML, which `service.nlp.taxonomy_file` reads and checks. A model carries it as JSON,
which is read here, and without the library that checks: it was checked before the model was made.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

from service.nlp.errors import TaxonomyError


@dataclass(frozen=True)
class Kpi:
    """An internal figure that customers' words bear on."""

    code: str
    title_ru: str
    title_en: str
    unit: str
    better: Literal["higher", "lower"]


@dataclass(frozen=True)
class Department:
    """Who answers for a tag."""

    code: str
    title: str


@dataclass(frozen=True)
class Aspect:
    """What within a category; empty departments or KPIs mean those of the category."""

    code: str
    title: str
    departments: tuple[str, ...] = ()
    kpis: tuple[str, ...] = ()


@dataclass(frozen=True)
class Category:
    """A subject of customers' opinions."""

    code: str
    title: str
    departments: tuple[str, ...]
    kpis: tuple[str, ...]
    aspects: tuple[Aspect, ...] = ()


@dataclass(frozen=True)
class Taxonomy:
    """All categories, departments and KPIs, in the order of the file."""

    version: int
    kpis: tuple[Kpi, ...]
    departments: tuple[Department, ...]
    categories: tuple[Category, ...]

    @cached_property
    def category_codes(self) -> tuple[str, ...]:
        """Category codes in file order: the order of every array over categories."""
        return tuple(category.code for category in self.categories)

    def aspect_codes(self, category: str) -> tuple[str, ...]:
        """Aspect codes of `category` in file order."""
        return tuple(aspect.code for aspect in self._categories[category].aspects)

    def category(self, code: str) -> Category:
        """The category with this code. Raises: KeyError."""
        return self._categories[code]

    def departments_of(self, category: str, aspect: str | None) -> tuple[Department, ...]:
        """Who answers for the tag: the aspect's departments, or else the category's."""
        own = self._aspects[category, aspect].departments if aspect else ()
        codes = own or self._categories[category].departments
        return tuple(self._departments[code] for code in codes)

    def kpis_of(self, category: str, aspect: str | None) -> tuple[Kpi, ...]:
        """Which KPIs the tag moves: the aspect's, or else the category's."""
        own = self._aspects[category, aspect].kpis if aspect else ()
        return tuple(self._kpis[code] for code in own or self._categories[category].kpis)

    def tagged_for(
        self, department: str | None = None, kpi: str | None = None
    ) -> list[tuple[str, str | None]]:
        """The categories and aspects whose tags go to `department` and move `kpi` (codes; None is any)."""
        subjects = [(c.code, a) for c in self.categories for a in (None, *self.aspect_codes(c.code))]
        return [
            subject
            for subject in subjects
            if department in (None, *(own.code for own in self.departments_of(*subject)))
            and kpi in (None, *(own.code for own in self.kpis_of(*subject)))
        ]

    def check_tag(self, category: str, aspect: str | None) -> None:
        """Raises: TaxonomyError, naming what is not in the taxonomy and what is."""
        if category not in self._categories:
            codes = ", ".join(self.category_codes)
            raise TaxonomyError(f"found the category «{category}», expected one of {codes}")
        if aspect is not None and (category, aspect) not in self._aspects:
            codes = ", ".join(self.aspect_codes(category)) or "none"
            raise TaxonomyError(f"found the aspect «{aspect}» of {category}, expected one of {codes}")

    @cached_property
    def _categories(self) -> dict[str, Category]:
        return {category.code: category for category in self.categories}

    @cached_property
    def _aspects(self) -> dict[tuple[str, str | None], Aspect]:
        return {(c.code, aspect.code): aspect for c in self.categories for aspect in c.aspects}

    @cached_property
    def _departments(self) -> dict[str, Department]:
        return {department.code: department for department in self.departments}

    @cached_property
    def _kpis(self) -> dict[str, Kpi]:
        return {kpi.code: kpi for kpi in self.kpis}


def parse_taxonomy(text: str) -> Taxonomy:
    """The taxonomy in the JSON `text`, as `format_taxonomy` writes it. Raises: TaxonomyError."""
    try:
        return build_taxonomy(json.loads(text))
    except (ValueError, TypeError, KeyError) as error:
        raise TaxonomyError(f"not the JSON of a taxonomy ({error!r})") from None


def format_taxonomy(taxonomy: Taxonomy) -> str:
    """`taxonomy` as JSON, the same text for the same taxonomy."""
    return json.dumps(asdict(taxonomy), ensure_ascii=False, indent=1) + "\n"


def build_taxonomy(fields: Mapping[str, Any]) -> Taxonomy:
    """The taxonomy of plain `fields` that were checked before. Raises: TypeError, KeyError."""
    return Taxonomy(
        version=fields["version"],
        kpis=tuple(Kpi(**kpi) for kpi in fields["kpis"]),
        departments=tuple(Department(**department) for department in fields["departments"]),
        categories=tuple(map(_build_category, fields["categories"])),
    )


def _build_category(fields: Mapping[str, Any]) -> Category:
    aspects = tuple(Aspect(**_tuples(aspect)) for aspect in fields["aspects"])
    return Category(**_tuples(fields) | {"aspects": aspects})


def _tuples(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The same with tuples for lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
