"""Exports of survey systems are recognised, and their columns are known."""

import re
from pathlib import Path

import pytest

from service.intake.columns import Columns
from service.intake.comments import RowReader
from service.intake.layout import ReadOptions
from service.intake.profiles import load_profile, own_profiles
from service.intake.rows import FileError, Row
from service.intake.tables import open_table
from tests.intake.exports import EXPORTS, Export


def test_every_profile_has_an_export() -> None:
    """No profile is without a file that it is tested on."""
    assert {profile.name for profile in own_profiles()} == set(EXPORTS)


def _check(path: Path, export: Export, options: ReadOptions) -> None:
    table = open_table(path, options)
    assert {name: getattr(table.layout.roles, name) for name in export.roles} == export.roles
    first = next(table.rows())
    assert isinstance(first, Row)
    reader = RowReader(table.layout, 10_000)
    comment = reader.comment(first)
    date = reader.date(first)
    assert (comment.text, comment.score) == (export.comment, export.score)
    assert (reader.id(first), str(date) if date else None) == (export.id, export.date)


@pytest.mark.parametrize("name", [name for name in EXPORTS if name != "excel"])
def test_recognised(name: str, tmp_path: Path) -> None:
    """An export is known by its columns, and what matters in it is read without a word from the caller."""
    export = EXPORTS[name]
    path = tmp_path / export.name
    path.write_bytes(export.make())
    assert open_table(path).layout.profile == load_profile(name).title
    _check(path, export, ReadOptions())


@pytest.mark.parametrize("name", EXPORTS)
def test_named(name: str, tmp_path: Path) -> None:
    """With the profile named, the same comes out, and its title is told."""
    export = EXPORTS[name]
    path = tmp_path / export.name
    path.write_bytes(export.make())
    _check(path, export, ReadOptions(profile=name))
    assert load_profile(name).title in open_table(path, ReadOptions(profile=name)).description


def test_a_profile_of_ones_own(tmp_path: Path) -> None:
    """A YAML file says what cannot be found out; what the caller says goes before it."""
    path = tmp_path / "a.csv"
    path.write_text("x|y|z\n\nк1|к2|к3\n1|5|дорого\n", encoding="cp866")
    profile = tmp_path / "ours.yaml"
    profile.write_text(
        "title: Наша анкета\nencoding: cp866\nseparator: '|'\nheader_row: 3\n"
        "columns: {text: к3, score: [к2], id: к1}\n",
        encoding="utf-8",
    )
    table = open_table(path, ReadOptions(profile=str(profile)))
    assert (table.columns, table.layout.roles.text, table.layout.roles.id) == (("к1", "к2", "к3"), "к3", "к1")
    assert "export of Наша анкета" in table.description
    said = ReadOptions(profile=str(profile), header_row=1, columns=Columns(text="Z"))
    assert open_table(path, said).columns == ("x", "y", "z")


def test_the_profile_of_the_readme(project: Path, tmp_path: Path) -> None:
    """The example of a profile is one, and does what it says."""
    readme = (project / "README.md").read_text(encoding="utf-8")
    [example] = [block for block in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL) if "title:" in block]
    profile, path = tmp_path / "ours.yaml", tmp_path / "a.csv"
    profile.write_text(example, encoding="utf-8")
    path.write_text(
        "Отчёт\nx;y;z;w\nОператор;Балл;Комментарий клиента;Линия\nПётр;5;дорого;2\n", encoding="cp866"
    )
    roles = open_table(path, ReadOptions(profile=str(profile))).layout.roles
    assert (roles.text, roles.score) == ("Комментарий клиента", "Балл")


FAULTS = {
    "no such profile": ("none", None, "found no profile «none»; use one of argilla, bitrix24"),
    "unknown field": ("p.yaml", "titel: x\n", "p.yaml: the profile: found «titel», expected one of columns"),
    "unknown role": ("p.yaml", "columns: {txt: a}\n", "columns: found «txt», expected one of attributes"),
    "no names": ("p.yaml", "columns: {text: 5}\n", "text: found «5», expected a name of a column"),
    "no number": ("p.yaml", "header_row: x\n", "header_row: found «x», expected a whole number"),
    "no YAML": ("p.yaml", "a: [", "p.yaml: not readable as a profile"),
    "no fields": ("p.yaml", "- a\n", "p.yaml: the profile: found"),
    "no file": ("p.yaml", None, "p.yaml: not readable as a profile"),
}


@pytest.mark.parametrize(("name", "content", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_faults_of_a_profile_are_named(
    name: str, content: str | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profile that is none is refused with file, field and what was expected."""
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(FileError) as caught:
        load_profile(name)
    assert message in str(caught.value)
