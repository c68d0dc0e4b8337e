"""Lines of a text file as bytes, of any length in little memory."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from service.intake.rows import Mark

MAX_ROW_BYTES = 1 << 20
"""A longer row is bad: quotes that are not closed would else swallow the rest of the file."""
_KEPT_BYTES = 1 << 16
"""Of a line that is too long to be kept."""
_LIMIT = MAX_ROW_BYTES + 4
"""Bytes that are read of a line at once; a whole number of letters, also where one has four bytes."""
_BLOCK = 1 << 16


class Line(NamedTuple):
    """A line of the file, which may be a part of a row."""

    number: int
    raw: bytes
    size: int
    """Bytes in the file; more than those of `raw` if it is too long to be kept."""
    end: int
    """Where the next line starts."""

    @property
    def fault(self) -> str:
        """What is wrong with a line that is too long; empty for others."""
        if self.size == len(self.raw):
            return ""
        return (
            f"found a row of {self.size:,} bytes (from byte {self.end - self.size}), the limit is "
            f"{MAX_ROW_BYTES:,}; only its first {len(self.raw):,} are kept here"
        )


def read_lines(file: BinaryIO, newline: bytes, start: Mark) -> Iterator[Line]:
    """The lines from `start` on, each with its end; of one that is too long, the beginning."""
    readline = file.readline if newline == b"\n" else _WideLines(file, newline).readline
    number, end = start
    while raw := readline(_LIMIT):
        size = len(raw)
        if size > MAX_ROW_BYTES:
            kept = raw[:_KEPT_BYTES]
            while not raw.endswith(newline) and (raw := readline(_LIMIT)):
                size += len(raw)
            raw = kept
        end += size
        yield Line(number, raw, size, end)
        number += 1


class _WideLines:
    """Lines that do not end with the one byte of a line feed: in UTF-16, or as on the old Macintosh."""

    def __init__(self, file: BinaryIO, newline: bytes) -> None:
        self._file = file
        self._newline = newline
        self._block = b""
        self._at = 0

    def readline(self, limit: int) -> bytes:
        """The next line with its end, or `limit` bytes of it; nothing at the end of the file."""
        while (stop := self._find_end()) < 0 and len(self._block) - self._at < limit:
            more = self._file.read(_BLOCK)
            if not more:
                stop = len(self._block)
                break
            self._block, self._at = self._block[self._at :] + more, 0
        stop = self._at + limit if stop < 0 else min(stop, self._at + limit)
        line, self._at = self._block[self._at : stop], stop
        return line

    def _find_end(self) -> int:
        """The end of the line, at a whole letter; -1 if it is not in the block."""
        width = len(self._newline)
        found = self._block.find(self._newline, self._at)
        while found >= 0 and (found - self._at) % width:
            found = self._block.find(self._newline, found + 1)
        return found + width if found >= 0 else -1
