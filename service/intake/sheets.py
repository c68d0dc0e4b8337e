"""Which sheet of a workbook is the table."""

from collections.abc import Callable, Iterable, Sequence

from service.intake.layout import Layout, ReadOptions
from service.intake.rows import Cells, FileError, Mark


def choose_sheet(
    source: str,
    format_: str,
    names: Sequence[str],
    rows_of: Callable[[str], Iterable[Cells]],
    options: ReadOptions,
) -> Layout:
    """A layout with the sheet given, else with the first one that is not empty. Raises: FileError."""
    if options.sheet is not None and options.sheet not in names:
        known = ", ".join(f"«{name}»" for name in names)
        raise FileError(f"{source}: found no sheet «{options.sheet}»; the sheets are {known}")
    filled = (name for name in names if any(map(_is_filled, rows_of(name))))
    sheet = options.sheet or next(filled, None)
    if sheet is None:
        raise FileError(f"{source}: all sheets are empty; the first row names the columns")
    others = len(names) - 1
    return Layout(format_, (), Mark(1), sheet=sheet, note=f"{others} more left out" if others else "")


def _is_filled(cells: Cells) -> bool:
    return any(cell not in (None, "") for cell in cells)
