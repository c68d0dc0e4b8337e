"""The taxonomy as people write it: YAML, checked as a whole, each mistake named with its line."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from service.nlp.errors import TaxonomyError
from service.nlp.taxonomy import Aspect, Category, Taxonomy, build_taxonomy

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=60)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Location = tuple[str | int, ...]

_MIXED_WORD = re.compile(r"\b(?=\w*[A-Za-z])(?=\w*[А-Яа-яЁё])\w+\b")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Kpi(_Strict):
    code: Code
    title_ru: Title
    title_en: Title
    unit: Title
    better: Literal["higher", "lower"]


class _Department(_Strict):
    code: Code
    title: Title


class _Aspect(_Strict):
    code: Code
    title: Title
    departments: tuple[Code, ...] = ()
    kpis: tuple[Code, ...] = ()


class _Category(_Strict):
    code: Code
    title: Title
    departments: tuple[Code, ...] = Field(min_length=1)
    kpis: tuple[Code, ...] = Field(min_length=1)
    aspects: tuple[_Aspect, ...] = ()


class _Taxonomy(_Strict):
    version: int
    kpis: tuple[_Kpi, ...] = Field(min_length=1)
    departments: tuple[_Department, ...] = Field(min_length=1)
    categories: tuple[_Category, ...] = Field(min_length=1)


@dataclass(frozen=True)
class _Mistake:
    path: Location
    message: str


def read_taxonomy(path: Path) -> Taxonomy:
    """The taxonomy in the YAML file `path`.

    Raises:
        TaxonomyError: naming file, line and remedy of every mistake found.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TaxonomyError(f"{path}: cannot be read ({error})") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", error)
        raise TaxonomyError(f"{path}:{line}: not valid YAML ({problem}); mend the line") from None
    lines = dict(_lines(node, ()))
    taxonomy, mistakes = _validate(data)
    if taxonomy is None or mistakes:
        raise TaxonomyError("\n".join(f"{path}:{_line(lines, m.path)}: {m.message}" for m in mistakes))
    return taxonomy


def _validate(data: object) -> tuple[Taxonomy | None, list[_Mistake]]:
    if not isinstance(data, dict):
        return None, [_Mistake((), "found no mapping; expected kpis, departments and categories")]
    try:
        taxonomy = build_taxonomy(_Taxonomy.model_validate(data).model_dump())
    except ValidationError as error:
        return None, [_Mistake(e["loc"], _explain(e["loc"], e["type"], e["msg"])) for e in error.errors()]
    return taxonomy, [*_repeated_codes(taxonomy), *_unknown_references(taxonomy), *_mixed_words(taxonomy)]


def _explain(path: Location, kind: str, message: str) -> str:
    where = ".".join(str(part) for part in path)
    name = path[-1] if path else ""
    if kind == "missing":
        return f"{where} is missing; add it"
    if kind == "extra_forbidden":
        return f"{where} is not a known field; remove it or mend its name"
    if kind == "string_too_short":
        return f"{where} is empty; write a {name}"
    if kind == "too_short":
        return f"{where} is empty; list at least one"
    if kind == "string_pattern_mismatch":
        return f"{where} is not a code; use Latin letters, digits and _, starting with a letter"
    return f"{where}: {message}; mend the value"


def _repeated_codes(taxonomy: Taxonomy) -> Iterator[_Mistake]:
    groups: list[tuple[Location, Iterable[Any]]] = [
        (("kpis",), taxonomy.kpis),
        (("departments",), taxonomy.departments),
        (("categories",), taxonomy.categories),
        *((("categories", i, "aspects"), c.aspects) for i, c in enumerate(taxonomy.categories)),
    ]
    for path, items in groups:
        codes = [item.code for item in items]
        for i, code in enumerate(codes):
            if code in codes[:i]:
                message = f"{path[-1]} has the code «{code}» {Counter(codes)[code]} times; give each its own"
                yield _Mistake((*path, i, "code"), message)


def _unknown_references(taxonomy: Taxonomy) -> Iterator[_Mistake]:
    known = {
        "departments": [department.code for department in taxonomy.departments],
        "kpis": [kpi.code for kpi in taxonomy.kpis],
    }
    for path, owner in _owners(taxonomy):
        for field, codes in known.items():
            for i, code in enumerate(getattr(owner, field)):
                if code not in codes:
                    message = (
                        f"«{owner.code}» names «{code}», which is not among the {field}; "
                        f"define it under {field}: or use one of {', '.join(codes)}"
                    )
                    yield _Mistake((*path, field, i), message)


def _owners(taxonomy: Taxonomy) -> Iterator[tuple[Location, Category | Aspect]]:
    for i, category in enumerate(taxonomy.categories):
        yield ("categories", i), category
        for j, aspect in enumerate(category.aspects):
            yield ("categories", i, "aspects", j), aspect


def _mixed_words(taxonomy: Taxonomy) -> Iterator[_Mistake]:
    titled: list[tuple[Location, str]] = [
        *((("kpis", i, "title_ru"), kpi.title_ru) for i, kpi in enumerate(taxonomy.kpis)),
        *((("departments", i, "title"), d.title) for i, d in enumerate(taxonomy.departments)),
        *(((*path, "title"), owner.title) for path, owner in _owners(taxonomy)),
    ]
    for path, title in titled:
        for match in _MIXED_WORD.finditer(title):
            message = f"«{match[0]}» mixes Latin and Cyrillic letters; type the word in one alphabet"
            yield _Mistake(path, message)


def _lines(node: yaml.Node | None, path: Location) -> Iterator[tuple[Location, int]]:
    if node is None:
        return
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _lines(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            yield from _lines(item, (*path, i))


def _line(lines: dict[Location, int], path: Location) -> int:
    """The line of `path`, or of the nearest parent when the field itself is not there."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)
