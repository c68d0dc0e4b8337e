"""The taxonomy file is checked as a whole, and each mistake is named with its line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from service.nlp.errors import TaxonomyError
from service.nlp.taxonomy import Taxonomy, format_taxonomy, parse_taxonomy
from service.nlp.taxonomy_file import read_taxonomy


def test_shipped_file_is_sound(taxonomy: Taxonomy) -> None:
    """The shipped taxonomy has the five categories, in the order of every array."""
    assert taxonomy.category_codes == ("quality", "logistics", "sales", "support", "price")


@pytest.mark.parametrize(
    ("category", "aspect", "departments", "kpis"),
    [
        ("quality", "welding", ["quality_control", "production"], ["FPY", "CRR"]),
        ("logistics", "deadlines", ["logistics", "planning"], ["OTD", "PCT"]),
        ("logistics", "packaging", ["logistics", "quality_control"], ["CRR"]),
        ("logistics", None, ["logistics"], ["OTD"]),
        ("sales", "documents", ["sales"], ["QLT"]),
        ("support", "resolution", ["service"], ["FRT", "SLA"]),
        ("price", None, ["commercial"], ["QWR"]),
    ],
)
def test_who_answers(
    taxonomy: Taxonomy, category: str, aspect: str | None, departments: list[str], kpis: list[str]
) -> None:
    """A tag goes to its aspect's departments and KPIs, or else to its category's."""
    assert [d.code for d in taxonomy.departments_of(category, aspect)] == departments
    assert [kpi.code for kpi in taxonomy.kpis_of(category, aspect)] == kpis


BREAKS: dict[str, tuple[Callable[[str], str], str, str]] = {
    "unknown KPI": (
        lambda text: text.replace("kpis: [QLT]", "kpis: [QLTT]"),
        "kpis: [QLTT]",
        "names «QLTT», which is not among the kpis; define it under kpis: or use one of FPY",
    ),
    "unknown department": (
        lambda text: text.replace("departments: [service]", "departments: [servise]"),
        "departments: [servise]",
        "names «servise», which is not among the departments",
    ),
    "double category": (
        lambda text: text.replace("code: support", "code: sales"),
        "",
        "has the code «sales» 2 times; give each its own",
    ),
    "double aspect": (
        lambda text: text.replace("code: welding", "code: geometry"),
        "{code: geometry, title: Сварка}",
        "has the code «geometry» 2 times",
    ),
    "empty title": (
        lambda text: text.replace("title: Цена и условия", 'title: "  "'),
        'title: "  "',
        "is empty; write a title",
    ),
    "mixed letters": (
        lambda text: text.replace("title: Отдел продаж", "title: Oтдел продаж"),
        "title: Oтдел продаж",
        "«Oтдел» mixes Latin and Cyrillic letters; type the word in one alphabet",
    ),
    "no categories": (
        lambda text: text[: text.index("categories:")] + "categories: []\n",
        "categories: []",
        "categories is empty; list at least one",
    ),
    "categories missing": (
        lambda text: text[: text.index("categories:")],
        "",
        "categories is missing; add it",
    ),
    "unknown field": (
        lambda text: text.replace("better: lower}", "worse: higher}", 1),
        "worse: higher}",
        "is not a known field; remove it or mend its name",
    ),
    "not YAML": (lambda text: text.replace("kpis:\n", "kpis: [\n", 1), "", "not valid YAML"),
    "no mapping": (lambda text: "- 1\n", "- 1", "found no mapping"),
    "bad code": (
        lambda text: text.replace("code: planning", "code: план"),
        "code: план",
        "is not a code; use Latin letters",
    ),
}


@pytest.mark.parametrize(("spoil", "line", "message"), BREAKS.values(), ids=BREAKS.keys())
def test_each_break_is_named(
    spoil: Callable[[str], str], line: str, message: str, project: Path, tmp_path: Path
) -> None:
    """A bad file is refused with file, line and remedy."""
    text = spoil((project / "data" / "taxonomy.yaml").read_text(encoding="utf-8"))
    path = tmp_path / "taxonomy.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TaxonomyError) as caught:
        read_taxonomy(path)
    assert message in str(caught.value)
    number = int(str(caught.value).removeprefix(f"{path}:").split(":")[0])
    assert line in text.splitlines()[number - 1]


def test_all_mistakes_at_once(project: Path, tmp_path: Path) -> None:
    """Two mistakes are two lines of one message."""
    text = (project / "data" / "taxonomy.yaml").read_text(encoding="utf-8")
    path = tmp_path / "taxonomy.yaml"
    path.write_text(text.replace("[QLT]", "[X]").replace("[QWR]", "[Y]"), encoding="utf-8")
    with pytest.raises(TaxonomyError) as caught:
        read_taxonomy(path)
    assert len(str(caught.value).splitlines()) == 2


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(TaxonomyError, match=r"nowhere\.yaml: cannot be read"):
        read_taxonomy(tmp_path / "nowhere.yaml")


def test_json_round_trip(taxonomy: Taxonomy) -> None:
    """What the artefact carries is the whole taxonomy."""
    assert parse_taxonomy(format_taxonomy(taxonomy)) == taxonomy


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_damaged_json(text: str) -> None:
    """Damaged JSON is a TaxonomyError, not a crash."""
    with pytest.raises(TaxonomyError):
        parse_taxonomy(text)
