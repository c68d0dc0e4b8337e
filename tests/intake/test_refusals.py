"""Files that cannot be read are refused in one line that names the file, the fault and the remedy."""

import gzip
import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from service.intake.columns import Columns
from service.intake.layout import ReadOptions
from service.intake.rows import BadRow, FileError, Row
from service.intake.tables import open_table
from tests.intake.awkward import TABLE
from tests.intake.makers import book


def _zip(name: str, content: bytes) -> Callable[[], bytes]:
    def make() -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
        return buffer.getvalue()

    return make


def _broken_sheet() -> bytes:
    """A workbook whose sheet breaks off."""
    return _with_sheet(lambda sheet: sheet[:-40])


def _with_sheet(change: Callable[[bytes], bytes]) -> bytes:
    whole, buffer = book(lambda sheet: sheet.append(["id", "comment"]))(), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as source, zipfile.ZipFile(buffer, "w") as copy:
        for name in source.namelist():
            content = source.read(name)
            copy.writestr(name, change(content) if name.endswith("sheet1.xml") else content)
    return buffer.getvalue()


def _entity_bomb() -> bytes:
    """A workbook whose sheet asks for an entity to be blown up."""
    return _with_sheet(
        lambda _: b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><worksheet>&b;</worksheet>'
    )


ODS = """<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>
 <table:table table:name="A"><table:table-row table:number-rows-repeated="1000000">
 <table:table-cell office:value-type="string" table:number-columns-repeated="1000"><text:p>x</text:p>
 </table:table-cell></table:table-row></table:table></office:spreadsheet></office:body>
 </office:document-content>"""


def _ods(content: bytes) -> Callable[[], bytes]:
    def make() -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
            archive.writestr("content.xml", content)
        return buffer.getvalue()

    return make


EXCEL_XML = '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>'
REFUSALS: dict[str, tuple[str, Callable[[], bytes], ReadOptions, str]] = {
    "empty CSV": ("a.csv", lambda: b"", ReadOptions(), "a.csv: the file is empty"),
    "CSV of a mark alone": ("a.csv", lambda: b"\xef\xbb\xbf", ReadOptions(), "the file is empty"),
    "blank CSV": ("a.csv", lambda: b"\r\n\r\n;;\r\n", ReadOptions(), "the file is empty"),
    "empty workbook": ("a.xlsx", book(lambda sheet: None), ReadOptions(), "all sheets are empty"),
    "empty JSON": ("a.json", lambda: b"[]", ReadOptions(), "found no object, expected a list"),
    "JSON that is no list": ("a.json", lambda: b"{}", ReadOptions(), "found no list, expected a list"),
    "JSON that is none": ("a.json", lambda: b"[", ReadOptions(), "not readable as JSON"),
    "HTML without a table": ("a.xls", lambda: b"<html><p>x", ReadOptions(), "the file is empty"),
    "HTML with an endless tag": (
        "a.xls", lambda: b"<html><!--" + b"x" * (3 << 20), ReadOptions(), "not closed",
    ),
    "missing column": (
        "a.csv", TABLE.encode, ReadOptions(columns=Columns(score="Балл")),
        "found no column «Балл»; the columns are «№», «Дата ответа»",
    ),
    "missing sheet": (
        "a.xlsx", book(lambda sheet: sheet.append(["id", "comment"])), ReadOptions(sheet="Лист"),
        "found no sheet «Лист»; the sheets are «Ответы»",
    ),
    "missing header": ("a.csv", TABLE.encode, ReadOptions(header_row=70), "found no header in row 70"),
    "long separator": ("a.csv", TABLE.encode, ReadOptions(separator=";;"), "expected one character"),
    "no encoding": ("a.csv", TABLE.encode, ReadOptions("rot13"), "cannot be read as rot13"),
    "workbook cut short": (
        "a.xlsx", lambda: book(lambda sheet: sheet.append(["id"]))()[:-99], ReadOptions(),
        "is cut short or damaged",
    ),
    "sheet cut short": ("a.xlsx", _broken_sheet, ReadOptions(), "is damaged"),
    "entity bomb": ("a.xlsx", _entity_bomb, ReadOptions(), "not readable as an Excel workbook"),
    "zip bomb": (
        "a.xlsx", _zip("xl/worksheets/sheet1.xml", b"0" * (101 << 20)), ReadOptions(), "unpacks from",
    ),
    "zip bomb of OpenDocument": ("a.ods", _ods(b" " * (101 << 20)), ReadOptions(), "unpacks from"),
    "a cell that fills the sheet": ("a.ods", _ods(ODS.encode()), ReadOptions(), "has over 20,000,000 cells"),
    "archive of exports": (
        "a.csv", _zip("Ответы.csv", b"x"), ReadOptions(), "is a zip archive of 1 files («Ответы.csv»)",
    ),
    "old workbook cut short": (
        "a.xls", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 999, ReadOptions(),
        "not readable as an Excel",
    ),
    "workbook as XML": (
        "a.xls", EXCEL_XML.encode, ReadOptions(), "XML Spreadsheet of Excel 2003; save it as .xlsx",
    ),
    "gzip cut short": (
        "a.csv.gz", lambda: gzip.compress(TABLE.encode() * 99)[:-20], ReadOptions(),
        "is cut short or damaged",
    ),
    "Parquet cut short": ("a.parquet", lambda: b"PAR1" + b"x" * 99, ReadOptions(), "not readable as Parquet"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "make", "options", "message"), REFUSALS.values(), ids=REFUSALS.keys())
def test_refusals(
    name: str, make: Callable[[], bytes], options: ReadOptions, message: str, tmp_path: Path
) -> None:
    """Nothing is read half, nothing ends in a traceback."""
    path = tmp_path / name
    path.write_bytes(make())
    with pytest.raises(FileError) as caught:
        list(open_table(path, options).rows())
    assert message in str(caught.value)
    assert name in str(caught.value)


def test_urls() -> None:
    """What fsspec reaches is read as a file is, packed or not; what it does not is named."""
    memory = fsspec.filesystem("memory")
    memory.pipe("/exports/a.csv.gz", gzip.compress(TABLE.encode("cp1251")))
    memory.pipe("/exports/a.xlsx", book(lambda sheet: sheet.append(["id", "comment"]))())
    packed = open_table("memory://exports/a.csv.gz")
    [first, *_] = packed.chunks(1)
    assert [len(chunk.rows) for chunk in packed.chunks(2, first.after)] == [2]
    assert open_table("memory://exports/a.xlsx", ReadOptions(columns=Columns(text="comment"))).columns
    for name, message in {
        "memory://exports/b.csv": "found no such file",
        "nowhere://a.csv": "cannot be read",
    }.items():
        with pytest.raises(FileError, match=f"{name}: {message}"):
            open_table(name)


def test_a_folder_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    """The path is named."""
    with pytest.raises(FileError, match="is a folder, expected a file"):
        open_table(tmp_path)
    with pytest.raises(FileError, match="found no such file"):
        open_table(tmp_path / "a.csv")


_READ = """
import resource, sys
from service.intake.rows import FileError
from service.intake.tables import open_table
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    rows = list(open_table(sys.argv[1]).rows())
    print([(row.number, getattr(row, "reason", "")[:40]) for row in rows])
except FileError as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize(
    ("header", "megabytes"), [("", 20), ("id;comment\n1;ёж\n", 200)], ids=["alone", "under a header"]
)
def test_one_line_of_200_megabytes(header: str, megabytes: int, tmp_path: Path) -> None:
    """Without a header it is refused, under one it is a bad row; either way in little memory."""
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.write(header.encode())
        for _ in range(megabytes):
            file.write("ж;".encode() * ((1 << 20) // 3) + b"x")
        file.write("\n2;да\n".encode())
    done = subprocess.run([sys.executable, "-c", _READ, path], capture_output=True, text=True, check=True)
    told, grown = done.stdout.splitlines()
    if header:
        assert told == "[(2, ''), (3, 'found a row of 209,715,201 bytes (from b'), (4, '')]"
    else:
        assert "a.csv:1: found a row of 20,971,521 bytes" in told
    assert int(grown) < 60 << 10, "kilobytes"


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    """Reading ends with what is there; the row that was cut is bad."""
    path = tmp_path / "a.csv"
    path.write_text("id;score;comment\n" + "7;5;ёж\n" * 30_000, encoding="utf-8")
    rows = open_table(path).rows()
    first = next(rows)
    with path.open("r+b") as file:
        file.truncate(199_999)
    others = list(rows)
    assert isinstance(first, Row)
    assert isinstance(others[-1], BadRow)
    assert all(isinstance(row, Row) for row in others[:-1])


def test_memory_does_not_grow_with_rows(tmp_path: Path) -> None:
    """Many rows of CSV are gone through in the memory of a few."""
    path = tmp_path / "a.csv"
    path.write_text("id;score;comment\n" + "7;5;поставили не тот артикул\n" * 200_000, encoding="utf-8")
    count = _READ.replace(
        "list(open_table(sys.argv[1]).rows())", "[]; n = sum(1 for _ in open_table(sys.argv[1]).rows())"
    )
    done = subprocess.run(
        [sys.executable, "-c", count.replace("print([(", "print(n, [("), path],
        capture_output=True,
        text=True,
        check=True,
    )
    told, grown = done.stdout.splitlines()
    assert told == "200000 []"
    assert int(grown) < 20 << 10, "kilobytes"
