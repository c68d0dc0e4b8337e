"""Sheets of cells: from rows of any width to the rows of a table."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from service.intake.headers import find_header
from service.intake.layout import Layout, ReadOptions
from service.intake.rows import BadRow, FileError, Row, raw_row

SAMPLE = 60
"""Rows in which the header is looked for."""


def with_header(form: Layout, sample: Sequence[Row | BadRow], options: ReadOptions, source: str) -> Layout:
    """The layout with the columns that the first rows name. Raises: FileError."""
    rows = [row for row in sample if isinstance(row, Row) and not _is_blank(row)]
    if sample and isinstance(sample[0], BadRow) and options.header_row is None:
        bad = sample[0]
        raise FileError(f"{source}:{bad.number}: {bad.reason}; mend this row, or give --header-row")
    header = find_header(rows, form.body, options.header_row, options.header_rows, source)
    return replace(
        form,
        columns=header.columns,
        body=header.body,
        title_rows=header.title_rows,
        header_rows=header.header_rows,
    )


def fit_rows(rows: Iterable[Row | BadRow], layout: Layout) -> Iterator[Row | BadRow]:
    """Rows with as many cells as the table has columns; a row with others is bad, a blank one is left out.

    Blank cells on the right count for nothing. Cells that are not there are blank in formats that leave
    blank ones out, and a fault in those that do not.
    """
    width = len(layout.columns)
    is_exact = layout.format in ("csv", "html")
    for row in rows:
        # Most rows are whole and begin with something: they are told at a glance.
        if isinstance(row, BadRow) or (len(row.cells) == width and (row.cells[0] or not _is_blank(row))):
            yield row
        elif not _is_blank(row):
            yield _fit(row, width, is_exact)


def _fit(row: Row, width: int, is_exact: bool) -> Row | BadRow:
    cells = row.cells
    if len(cells) > width and _is_blank(row._replace(cells=cells[width:])):
        return row._replace(cells=cells[:width])
    if len(cells) < width and not is_exact:
        return row._replace(cells=(*cells, *(None,) * (width - len(cells))))
    reason = f"found {len(cells)} cells, expected {width}"
    return BadRow(row.number, reason, raw_row(row), row.after, cells)


def _is_blank(row: Row) -> bool:
    return all(cell is None or cell == "" for cell in row.cells)
