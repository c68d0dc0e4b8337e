"""Which letters the bytes of a text file mean, and where its lines end."""

import codecs
from dataclasses import dataclass
from typing import BinaryIO

from service.intake.rows import FileError
from service.intake.sources import Source

_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_SINGLE_BYTE = ("cp1251", "cp866", "koi8-r", "mac-cyrillic")
"""Encodings of Russian with one byte a letter: of Windows, of DOS (1C), of Unix, of the old Macintosh."""
_COMMON = frozenset("оеаинтсрвлОЕАИНТСРВЛ")
"""The ten letters that make up two thirds of Russian text."""
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Encoding:
    """How a text file is to be decoded, line by line."""

    name: str
    """As it is shown and kept."""
    newline: str
    """What ends a line."""
    start: int
    """Bytes of the mark at the file's beginning."""


def find_encoding(source: Source, given: str | None = None) -> Encoding:
    """The encoding of a text file: as `given`, else by its first bytes, else by its letters.

    A file is UTF-8 if most of its lines with other than English letters are; so one broken line does not
    turn all others into gibberish.

    Raises:
        FileError: when `given` is no encoding.
    """
    with source.open() as file:
        head = file.read(_BLOCK)
        name = (
            _known(source, given, head)
            if given
            else _by_mark(head) or _by_zeros(head) or _read_on(file, head)
        )
    mark = next((bom for bom in _BOMS if head.startswith(bom)), b"")
    codec = "utf-8" if name == "utf-8-sig" else name
    newline = "\r" if _ends_lines_with_cr(head.decode(codec, "replace")) else "\n"
    return Encoding(name, newline, len(mark))


def _known(source: Source, given: str, head: bytes) -> str:
    try:
        name = codecs.lookup(given).name
        "".encode(given)  # refuses what is a codec, but not of text
    except LookupError as error:
        raise FileError(
            f"{source.name}: cannot be read as {given} ({error}); try utf-8, cp1251 or utf-16"
        ) from None
    return (_by_mark(head) or "utf-16-le") if name == "utf-16" else name


def _by_mark(head: bytes) -> str | None:
    return next((name for bom, name in _BOMS.items() if head.startswith(bom)), None)


def _by_zeros(head: bytes) -> str | None:
    """UTF-16 without a mark: every other byte is that of the Latin or the Cyrillic page."""
    for name, high in (("utf-16-le", head[1:4096:2]), ("utf-16-be", head[:4096:2])):
        if b"\0" in high and high.count(0) + high.count(4) > 0.9 * len(high):
            return name
    return None


def _read_on(file: BinaryIO, block: bytes) -> str:
    """UTF-8 or an encoding with one byte a letter, as the first block with such letters says."""
    while block:
        if not block.isascii():
            good, bad = _count_utf8_lines(block)
            return "utf-8" if good >= bad else _likeliest(block)
        block = file.read(_BLOCK)
    return "utf-8"


def _count_utf8_lines(block: bytes) -> tuple[int, int]:
    """Lines with other than English letters that are UTF-8, and that are not."""
    good = bad = 0
    for line in block.splitlines() if len(block) < _BLOCK else _whole_lines(block):
        if not line.isascii():
            try:
                line.decode()
                good += 1
            except UnicodeDecodeError:
                bad += 1
    return good, bad


def _whole_lines(block: bytes) -> list[bytes]:
    """The lines of a block without the last one, which may be cut; if alone, without its last letter."""
    lines = block.splitlines()
    return lines[:-1] or [lines[0].decode(errors="ignore").encode() if _is_cut_utf8(lines[0]) else lines[0]]


def _is_cut_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(line) - 3
    return True


def _likeliest(block: bytes) -> str:
    """The encoding in which the letters are most like Russian; that of Windows where two are alike."""
    letters = bytes(byte for byte in block[:65_536] if byte >= 0x80)
    return max(_SINGLE_BYTE, key=lambda name: sum(c in _COMMON for c in letters.decode(name, "replace")))


def _ends_lines_with_cr(text: str) -> bool:
    """Whether lines end as on the old Macintosh."""
    return "\r" in text and "\n" not in text
