"""The journal says which model was in use when, and shows when it was tampered with."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.registry.errors import JournalError
from service.registry.journal import Action, Entry, Journal, before_current, model_at, reigns

START = datetime(2026, 11, 21, tzinfo=UTC)


def _done(version: str, minute: int, action: Action = "promote") -> Entry:
    at = START + timedelta(minutes=minute)
    return Entry(number=0, at=at, step="done", action=action, version=version)


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    """Entries come back numbered, in order, each naming the hash of the one before."""
    journal = Journal(tmp_path)
    written = [journal.append(_done(version, i)) for i, version in enumerate("ABC")]
    assert Journal(tmp_path).read() == written
    assert [entry.number for entry in written] == [1, 2, 3]
    assert len({entry.chain for entry in written}) == 3


@pytest.mark.parametrize("change", ["alter", "remove", "swap", "insert"])
def test_a_changed_past_is_noticed(tmp_path: Path, change: str) -> None:
    """Each way to rewrite what has been is told with its line."""
    journal = Journal(tmp_path)
    for i, version in enumerate("ABCD"):
        journal.append(_done(version, i))
    lines = journal.path.read_bytes().splitlines(keepends=True)
    changed = {
        "alter": [lines[0], lines[1].replace(b'"B"', b'"X"'), *lines[2:]],
        "remove": [lines[0], *lines[2:]],
        "swap": [lines[0], lines[2], lines[1], lines[3]],
        "insert": [*lines[:2], lines[1], *lines[2:]],
    }[change]
    journal.path.write_bytes(b"".join(changed))
    with pytest.raises(JournalError, match=r"promotions\.jsonl:[23]: does not follow"):
        journal.read()


@given(st.integers(0, 400))
def test_a_line_cut_short_was_never_there(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """After a crash in the middle of a line the journal goes on from the last whole one."""
    journal = Journal(tmp_path_factory.mktemp("journal"))
    journal.append(_done("A", 0))
    whole = journal.path.read_bytes()
    journal.append(_done("B", 1))
    content = journal.path.read_bytes()
    journal.path.write_bytes(content[: max(len(whole), len(content) - 1 - cut)])
    assert [entry.version for entry in journal.read()] == ["A"]
    journal.append(_done("C", 2))
    assert [entry.version for entry in journal.read()] == ["A", "C"]


def test_replay() -> None:
    """Each moment falls to the model that was in use then."""
    entries = [_done("A", 0), _done("B", 10), _done("A", 20, "rollback")]
    assert [(r.version, r.until) for r in reigns(entries)] == [
        ("A", entries[1].at),
        ("B", entries[2].at),
        ("A", None),
    ]
    assert reigns([]) == []
    found = [model_at(entries, START + timedelta(minutes=m)) for m in (-1, 0, 9, 10, 19, 99)]
    assert [reign and reign.version for reign in found] == [None, "A", "A", "B", "B", "A"]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("", None),
        ("A", None),
        ("AB", "A"),
        ("ABC", "B"),
        ("ABC<B", "A"),
        ("ABC<B<A", None),
        ("ABC<BD", "B"),
        ("ABA", "B"),
    ],
)
def test_where_a_rollback_leads(steps: str, expected: str | None) -> None:
    """Rollbacks go back one promotion each, whatever was rolled back before."""
    entries: list[Entry] = []
    action: Action = "promote"
    for minute, step in enumerate(steps):
        if step == "<":
            action = "rollback"
            continue
        entries.append(_done(step, minute, action))
        action = "promote"
    assert before_current(entries) == expected
