"""Makes files: texts, workbooks, pages."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet


def text(content: str, encoding: str = "utf-8") -> Callable[[], bytes]:
    """The bytes of a text."""
    return lambda: content.encode(encoding)


def book(fill: Callable[[Worksheet], None], *others: str) -> Callable[[], bytes]:
    """The bytes of a workbook; `others` are empty sheets before the one that is filled."""

    def make() -> bytes:
        workbook = openpyxl.Workbook()
        for name in others:
            workbook.create_sheet(name, 0)
        sheet = workbook.worksheets[-1]
        sheet.title = "Ответы"
        fill(sheet)
        buffer = io.BytesIO()
        workbook.save(buffer)
        return buffer.getvalue()

    return make


def append(rows: list[list[Any]], merged: tuple[str, ...] = ()) -> Callable[[Worksheet], None]:
    """Fill a sheet with rows, and merge cells."""

    def fill(sheet: Worksheet) -> None:
        for row in rows:
            sheet.append(row)
        for cells in merged:
            sheet.merge_cells(cells)

    return fill


def without_size(workbook: bytes) -> bytes:
    """A workbook whose sheet notes a wrong size, as some exporters write it."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as source, zipfile.ZipFile(target, "w") as copy:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("sheet1.xml"):
                start = content.index(b'<dimension ref="') + len(b'<dimension ref="')
                content = content[:start] + b"A1" + content[content.index(b'"', start) :]
            copy.writestr(name, content)
    return target.getvalue()


def html(rows: list[list[Any]], charset: str) -> bytes:
    """A page as a CRM writes it."""
    cells = "".join(
        "<tr>" + "".join(f"<td class=xl24>{cell or ''}</td>\n" for cell in row) + "</tr>\n" for row in rows
    )
    head = f'<meta http-equiv=Content-Type content="text/html; charset={charset}"><style>td{{x:1}}</style>'
    return f"<html>\n<head>{head}</head><body><table border=1>{cells}</table></body></html>".encode(charset)
