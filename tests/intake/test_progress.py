"""How far a run has come is told to people and to logs."""

import io

from service.intake.progress import Progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_in_a_log() -> None:
    """Every ten seconds, and at the end: rows done of all, rate, time left."""
    told, times = io.StringIO(), [0.0]
    with Progress("tagging", 4_000, done=1_000, stream=told, clock=lambda: times[-1]) as progress:
        for seconds in (5.0, 10.0, 15.0, 20.0):
            times.append(seconds)
            progress.add(500)
        progress.add(1_000)
    assert told.getvalue().splitlines() == [
        "tagging: 2,000 of 4,000 rows (50%), 100 rows/s, 20 s left",
        "tagging: 3,000 of 4,000 rows (75%), 100 rows/s, 10 s left",
        "tagging: 4,000 of 4,000 rows (100%), 150 rows/s, 0 s left",
    ]


def test_nothing_done_yet() -> None:
    """Without a rate no time left is made up; without a total there is only the rate."""
    told, now = io.StringIO(), 0.0
    with Progress("tagging", 4_000, stream=told, clock=lambda: now) as progress:
        now = 10.0
        progress.add(0)
    with Progress("reading", None, stream=told, clock=lambda: now) as progress:
        now = 20.0
        progress.add(500)
    assert told.getvalue().splitlines() == [
        "tagging: 0 of 4,000 rows (0%), 0 rows/s",
        "reading: 500 rows, 50 rows/s",
    ]


def test_a_bar_on_a_terminal() -> None:
    """A terminal gets a bar that starts where an earlier run ended."""
    told = _Terminal()
    with Progress("tagging", 200, done=100, stream=told) as progress:
        progress.add(100)
    assert "100/200" in told.getvalue()
    assert "200/200" in told.getvalue()
    assert "rows/s" in told.getvalue()
