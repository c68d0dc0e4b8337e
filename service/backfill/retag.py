"""What an earlier run said of each comment, and what has changed since."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from service.intake.comments import NESTED, tag_columns
from service.intake.rows import Cells, FileError, Row
from service.intake.tables import Table
from service.nlp.errors import TaxonomyError
from service.nlp.tagger import Result, Tagger
from service.nlp.taxonomy import Taxonomy, parse_taxonomy

_OWN_PREFIX = "otklik_"


@dataclass(frozen=True)
class Earlier:
    """Where the tags of the earlier run stand in a table."""

    model: str
    columns: tuple[str, ...]
    """Columns that the run before added; they are left out and made anew."""
    polarities: tuple[tuple[str, int], ...]
    """Categories, and the position of the column that tells the polarity of each."""


def find_earlier(table: Table, models: Path, tagger: Tagger) -> Earlier:
    """Where the tags of the run that wrote `table` stand.

    The categories are those of the model that the table names, or of `tagger` if it is gone.

    Raises:
        FileError: when the table is not the output of an earlier run.
    """
    particulars = tag_columns(tagger)[len(tagger.taxonomy.category_codes) :]
    nested = (NESTED,) if table.layout.format == "parquet" else ()
    named = {name: _own(table.columns, name) for name in (*particulars, *nested)}
    missing = [name for name in particulars if named[name] is None]
    if missing:
        raise FileError(
            f"{table.source.name}: found no column «{missing[0]}»; --retag reads what an earlier run wrote "
            "as a table (.csv, .xlsx, .parquet)"
        )
    model = _first_model(table, str(named["model"]))
    codes = _taxonomy_of(models / model, tagger.taxonomy).category_codes
    polarities = {code: name for code in codes if (name := _own(table.columns, code))}
    ours = {name for name in (*named.values(), *polarities.values()) if name}
    return Earlier(
        model,
        tuple(name for name in table.columns if name in ours),
        tuple((code, table.columns.index(name)) for code, name in polarities.items()),
    )


def changes_of(earlier: Earlier | None, cells: Cells, result: Result) -> Iterator[tuple[str, str, str]]:
    """What is said otherwise than before: category, polarity before, polarity now; «» where none."""
    if earlier is None:
        return
    before = {code: str(cells[place] or "") for code, place in earlier.polarities}
    now: dict[str, str] = {tag.category: tag.polarity for tag in result.tags}
    for code in sorted(before.keys() | now.keys()):
        if before.get(code, "") != now.get(code, ""):
            yield code, before.get(code, ""), now.get(code, "")


def _own(columns: Sequence[str], name: str) -> str | None:
    """The column of ours that is called `name`: with the prefix where the plain name was taken."""
    for candidate in (_OWN_PREFIX + name, name):
        if candidate in columns:
            return candidate
    return None


def _first_model(table: Table, column: str) -> str:
    place = table.columns.index(column)
    for row in table.rows():
        if isinstance(row, Row) and row.cells[place]:
            return Path(str(row.cells[place])).name
    raise FileError(f"{table.source.name}: no row tells the model that tagged it; is it the output of a run?")


def _taxonomy_of(folder: Path, otherwise: Taxonomy) -> Taxonomy:
    try:
        return parse_taxonomy((folder / "taxonomy.json").read_text(encoding="utf-8"))
    except (OSError, TaxonomyError):
        return otherwise
