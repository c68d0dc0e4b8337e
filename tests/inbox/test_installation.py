"""`intake.yaml`: what it may say, and what is said of its mistakes."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from service.intake.installation import Installation, InstallationError, read_installation
from service.intake.mapping import Choices
from service.settings import SettingsError, expand
from training.settings import PROJECT


def _read(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> Installation:
    path = tmp_path / "intake.yaml"
    path.write_text(text, encoding="utf-8")
    return read_installation(path, lambda value: expand(value, environment or {}))


def test_everything_that_may_be_said(tmp_path: Path) -> None:
    """A source of one's own has an adapter, secrets of the environment, a zone and questions."""
    text = (
        "sources:\n"
        "  typeform: {secrets: ['${OLD}', '${NEW}']}\n"
        "  shop: {adapter: webask, tokens: 1234567890123456, zone: Europe/Moscow, fields: {score: q1}}\n"
    )
    installation = _read(tmp_path, text, {"OLD": "a", "NEW": "b"})
    typeform, shop = installation.find("typeform"), installation.find("shop")
    assert typeform
    assert (typeform.secrets, typeform.tokens) == (("a", "b"), ())
    assert shop
    assert (shop.tokens, shop.adapter_name) == (("1234567890123456",), "webask")
    assert shop.choices == Choices(score="q1", zone=ZoneInfo("Europe/Moscow"))


def test_no_file_lets_nothing_in(tmp_path: Path) -> None:
    """Without a file the adapters are known, and have neither secret nor token."""
    found = read_installation(tmp_path / "none.yaml", expand).find("tally")
    assert found
    assert (found.secrets, found.tokens) == ((), ())
    assert read_installation(tmp_path / "none.yaml", expand).find("nobody") is None


def test_the_shipped_example() -> None:
    """The example is sound."""
    installation = read_installation(PROJECT / "data" / "examples" / "intake.yaml", expand)
    assert set(installation.sources) == {"generic", "typeform", "shop-survey"}


MISTAKES = {
    "not YAML": ("sources: [", "cannot be read as YAML"),
    "an unknown key": ("sources:\n  tally: {secret: a}\n", "sources.tally.secret: Extra inputs"),
    "an unknown adapter": (
        "sources:\n  shop: {tokens: 1234567890123456}\n",
        "found no adapter «shop»; set adapter",
    ),
    "secrets where nothing is signed": ("sources:\n  webask: {secrets: a}\n", "does not sign; set tokens"),
    "no proof": ("sources:\n  tally: {}\n", "neither secrets nor tokens"),
    "a short token": ("sources:\n  tally: {tokens: abc}\n", "under 16 characters"),
    "an empty secret": ("sources:\n  tally: {secrets: ['']}\n", "an empty secret"),
    "an unknown zone": ("sources:\n  tally: {secrets: a, zone: Moscow}\n", "found «Moscow», expected a zone"),
    "a name that is none": ("sources:\n  'a b': {adapter: tally, secrets: a}\n", "sources.a b"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name: str, tmp_path: Path) -> None:
    """A mistake is refused with its place and what to do, and no secret is repeated."""
    text, expected = MISTAKES[name]
    with pytest.raises(InstallationError) as caught:
        _read(tmp_path, text)
    assert expected in str(caught.value)
    assert "intake.yaml" in str(caught.value)


def test_a_variable_that_is_not_set(tmp_path: Path) -> None:
    """A secret that the environment does not have is named by its variable."""
    with pytest.raises(SettingsError, match=r"\$\{NEW\}: the environment has no such variable"):
        _read(tmp_path, "sources:\n  tally: {secrets: '${NEW}'}\n")
