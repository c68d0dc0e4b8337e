"""Workbooks that are zip archives (.xlsx, .xlsb, .ods): what is too large is refused, not unpacked."""

import zipfile
from collections.abc import Mapping
from xml.parsers import expat

from service.intake.rows import FileError
from service.intake.sources import Source

ZIP = b"PK\x03\x04"

_MAX_UNPACKED_BYTES = 2 << 30
_MAX_RATIO = 200
_SMALL_BYTES = 100 << 20
_MAX_CELLS = 20_000_000
_BLOCK = 1 << 20
_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0 "
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0 "


def refuse_bomb(source: Source) -> None:
    """Refuse an archive that unpacks to more than can be held. Raises: FileError, zipfile.BadZipFile."""
    with source.open() as binary, zipfile.ZipFile(binary) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    packed = max(1, source.size())
    if unpacked > _MAX_UNPACKED_BYTES or (unpacked > _SMALL_BYTES and unpacked > _MAX_RATIO * packed):
        raise FileError(
            f"{source.name}: unpacks from {packed:,} to {unpacked:,} bytes; refused, save it as CSV"
        )


def refuse_repeats(source: Source) -> None:
    """Refuse an .ods whose few cells say that they stand for too many. Raises: FileError, BadZipFile."""
    with source.open() as binary, zipfile.ZipFile(binary) as archive:
        if "content.xml" not in archive.namelist():
            return
        counter = _Cells()
        with archive.open("content.xml") as content:
            while counter.total <= _MAX_CELLS and (block := content.read(_BLOCK)):
                counter.feed(block)
    if counter.total > _MAX_CELLS:
        raise FileError(f"{source.name}: has over {_MAX_CELLS:,} cells; save it as CSV")


class _Cells:
    """Counts the cells with a value that the rows of an OpenDocument table come to."""

    def __init__(self) -> None:
        self.total = 0
        self._in_row = 0
        self._rows = 1
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def feed(self, block: bytes) -> None:
        """Read on; what is no XML is left to the reader of the workbook to tell."""
        try:
            self._parser.Parse(block)
        except expat.ExpatError:
            return

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == f"{_TABLE}table-row":
            self._in_row, self._rows = 0, _count(attributes, "number-rows-repeated")
        elif name == f"{_TABLE}table-cell" and f"{_OFFICE}value-type" in attributes:
            self._in_row += _count(attributes, "number-columns-repeated")

    def _end(self, name: str) -> None:
        if name == f"{_TABLE}table-row":
            self.total += self._rows * self._in_row


def _count(attributes: Mapping[str, str], name: str) -> int:
    value = attributes.get(_TABLE + name, "1")
    return int(value) if value.isdecimal() else 1
