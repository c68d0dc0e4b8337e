"""What kind of file it is: by its first bytes, whatever its name says."""

import re
import zipfile

from service.intake.rows import FileError
from service.intake.sources import Source

READERS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "csv",
    ".xls": "csv",  # a text that was called so; what Excel wrote is told by its first bytes
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xlsb": "xls",
    ".ods": "xls",
    ".htm": "html",
    ".html": "html",
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
"""The reader for each ending of a name."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
_HTML = re.compile(
    rb"\s*(<\?xml[^>]*\?>\s*)?<(!doctype html|html|head|meta|style|body|table)\b", re.IGNORECASE
)
_EXCEL_XML = b"urn:schemas-microsoft-com:office:spreadsheet"
_HEAD = 4_096


def find_format(source: Source) -> str:
    """Name of the reader for a file. Raises: FileError, when there is none."""
    by_name = READERS.get(source.suffix)
    if by_name is None:
        known = ", ".join(READERS)
        raise FileError(f"{source.name}: «{source.suffix}» is not a known ending; use one of {known}")
    with source.open() as file:
        head = file.read(_HEAD)
    if head.startswith(_OLE):
        return "xls"
    if head.startswith(_ZIP):
        return _in_zip(source)
    if head.startswith(b"PAR1"):
        return "parquet"
    text = head.removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"").removeprefix(b"\xff\xfe")
    if by_name in ("csv", "html", "xls", "xlsx") and _EXCEL_XML in text:
        raise FileError(f"{source.name}: is an XML Spreadsheet of Excel 2003; save it as .xlsx")
    if by_name in ("csv", "xls", "xlsx") and _HTML.match(text):
        return "html"
    return by_name


def _in_zip(source: Source) -> str:
    """The kind of workbook that a zip archive holds."""
    with source.open() as file:
        try:
            with zipfile.ZipFile(file) as archive:
                names = archive.namelist()
        except zipfile.BadZipFile as error:
            raise FileError(f"{source.name}: is cut short or damaged ({error})") from None
    if "xl/workbook.bin" in names or "content.xml" in names:
        return "xls"
    if any(name.startswith("xl/") for name in names):
        return "xlsx"
    shown = ", ".join(f"«{name}»" for name in names[:3])
    raise FileError(f"{source.name}: is a zip archive of {len(names)} files ({shown}); unpack it first")
