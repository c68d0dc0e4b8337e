"""Behavioural cases are read strictly and judged by what they claim."""

from pathlib import Path

import pytest

from service.nlp.errors import OtklikError
from service.nlp.tagger import Tagger
from service.nlp.taxonomy import Taxonomy
from tests.conftest import EXAMPLE
from training.behaviour import Capability, format_outcomes, read_capabilities, run_capabilities

LATE = "Задержали поставку на две недели"


def _run(tagger: Tagger, kind: str, **case: object) -> bool:
    """Whether the one case passes."""
    capability = Capability(capability="c", title="Т", kind=kind, cases=({"text": LATE, **case},))
    (outcome,) = run_capabilities(tagger, [capability])
    return not outcome.failures


@pytest.mark.parametrize(
    ("case", "passes"),
    [
        ({"has": ["logistics/deadlines problem"], "lacks": ["price", "logistics praise"]}, True),
        ({"has": ["logistics"]}, True),
        ({"has": ["logistics praise"]}, False),
        ({"has": ["logistics/packaging"]}, False),
        ({"has": ["price"]}, False),
        ({"lacks": ["logistics problem"]}, False),
        ({"empty": True}, False),
    ],
)
def test_minimum_functionality(tagger: Tagger, case: dict[str, object], passes: bool) -> None:
    """A late delivery is a logistics problem, and nothing else."""
    assert _run(tagger, "minimum", **case) is passes


def test_invariance_compares_with_the_text_itself(tagger: Tagger) -> None:
    """Capital letters keep the tags; another statement does not."""
    assert _run(tagger, "invariance", variants=[LATE.upper(), LATE + "!!!"])
    assert not _run(tagger, "invariance", variants=[LATE, "Спасибо"])


def test_direction_adds_and_removes(tagger: Tagger) -> None:
    """What is added must appear beside what was there; what is turned must go."""
    assert _run(tagger, "directional", plus=EXAMPLE, adds=["quality praise"])
    assert not _run(tagger, "directional", plus=LATE, adds=["quality praise"])
    assert not _run(tagger, "directional", plus="А станок сам отличный", adds=["quality praise"])
    assert not _run(tagger, "directional", plus=EXAMPLE, adds=["quality"], removes=["logistics problem"])


def test_shipped_cases_are_many_and_all_known(project: Path, taxonomy: Taxonomy) -> None:
    """At least 300 cases, none left out for a category or aspect that the taxonomy lacks."""
    folder = project / "data" / "checklist"
    capabilities = read_capabilities(folder, taxonomy)
    cases = sum(len(own.cases) for own in capabilities)
    assert cases >= 300
    assert cases == sum(
        text.count("- text:") for text in (p.read_text("utf-8") for p in folder.glob("*.yaml"))
    )


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("kind: minimum\ncapability: c\ntitle: t\ncases: [{text: a, has: [price bad]}]", "found «bad»"),
        ("kind: minimum\ncapability: c\ntitle: t\ncases: [{text: a, hass: [price]}]", "hass"),
        ("kind: [", "c.yaml"),
    ],
)
def test_a_faulty_file_is_named(tmp_path: Path, taxonomy: Taxonomy, written: str, named: str) -> None:
    """The message names the file and the field."""
    (tmp_path / "c.yaml").write_text(written, encoding="utf-8")
    with pytest.raises(OtklikError, match=named):
        read_capabilities(tmp_path, taxonomy)


def test_cases_about_an_unknown_category_are_left_out(tmp_path: Path, taxonomy: Taxonomy) -> None:
    """A factory may have other categories than the shipped cases."""
    text = (
        "kind: minimum\ncapability: c\ntitle: t\ncases: [{text: a, has: [garden]}, {text: b, has: [price]}]"
    )
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    (capability,) = read_capabilities(tmp_path, taxonomy)
    assert [case.text for case in capability.cases] == ["b"]


def test_the_table_ends_with_the_sum(tagger: Tagger, project: Path, taxonomy: Taxonomy) -> None:
    """Worst first, all at the end."""
    lines = format_outcomes(
        run_capabilities(tagger, read_capabilities(project / "data" / "checklist", taxonomy))
    )
    rates = [int(line.split("|")[-2].strip().rstrip("%")) for line in lines.splitlines()[2:-1]]
    assert rates == sorted(rates, reverse=True)
    assert lines.splitlines()[-1].startswith("| all | |")
