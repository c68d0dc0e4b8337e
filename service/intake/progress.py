"""How far a run has come: a bar on a terminal, plain lines in a log."""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm

_SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Shows rows done of all, rate and time left; use as a context."""

    def __init__(
        self,
        verb: str,
        total: int | None,
        done: int = 0,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._verb, self._total, self._done, self._skipped = verb, total, done, done
        self._stream = stream or sys.stderr
        self._clock = clock
        self._started = self._told = clock()
        self._bar = self._open_bar() if self._stream.isatty() else None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def add(self, rows: int) -> None:
        """Count `rows` more."""
        self._done += rows
        if self._bar is not None:
            self._bar.update(rows)
        elif self._clock() - self._told >= _SECONDS_BETWEEN_LINES or self._done == self._total:
            self._told = self._clock()
            print(self._line(), file=self._stream, flush=True)

    def _open_bar(self) -> "tqdm[Any]":
        from tqdm import tqdm  # a log has no bar, and a short command need not wait for it

        return tqdm(
            desc=self._verb, unit=" rows", total=self._total, initial=self._done, file=self._stream,
            smoothing=0.1, dynamic_ncols=True,
        )  # fmt: skip

    def _line(self) -> str:
        rate = (self._done - self._skipped) / max(self._clock() - self._started, 1e-9)
        line = f"{self._verb}: {self._done:,}"
        if self._total is None:
            return f"{line} rows, {rate:,.0f} rows/s"
        share = self._done / self._total if self._total else 1.0
        left = f", {tell_seconds((self._total - self._done) / rate)} left" if rate else ""
        return f"{line} of {self._total:,} rows ({share:.0%}), {rate:,.0f} rows/s{left}"


def tell_seconds(seconds: float) -> str:
    """A span of time as people say it.

    >>> tell_seconds(42.4), tell_seconds(192), tell_seconds(7_380)
    ('42 s', '3 min 12 s', '2 h 3 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3_600} h {whole % 3_600 // 60} min"
