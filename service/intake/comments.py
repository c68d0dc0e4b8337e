"""From the row of a table to the comment that is tagged, and back to a row with tags."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from service.intake.cells import parse_date, parse_score, read_text
from service.intake.layout import Layout
from service.intake.rows import Cells, Row
from service.nlp.tagger import Comment, Result, Tag, Tagger


@dataclass(frozen=True)
class RowReader:
    """How to read one row of a table."""

    layout: Layout
    max_text_chars: int
    question: str | None = None
    """What the comments answer, where the table has no column «question»."""

    def comment(self, row: Row) -> Comment:
        """The comment of a row. Raises: ValueError, saying what is wrong with the row."""
        cells, (_, score, question) = row.cells, self._places
        text = self.text(row)
        if len(text) > self.max_text_chars:
            raise ValueError(f"found {len(text)} characters, the limit is {self.max_text_chars}")
        asked = "" if question is None else read_text(cells[question])
        return Comment(text, None if score is None else parse_score(cells[score]), asked or self.question)

    def text(self, row: Row) -> str:
        """The text of a row's comment, of any length; empty where it has none."""
        for place in self._places[0]:
            if found := read_text(row.cells[place]):
                return found
        return ""

    @cached_property
    def _places(self) -> tuple[list[int], int | None, int | None]:
        """Where score, question and texts stand in a row; its comment is the first text that is not blank."""
        columns, roles = self.layout.columns, self.layout.roles
        texts = [columns.index(name) for name in (roles.text, *roles.text_also) if name is not None]
        score = None if roles.score is None else columns.index(roles.score)
        return texts, score, columns.index("question") if "question" in columns else None

    def id(self, row: Row) -> str:
        """Its id; the number of the row where it has none."""
        given = self._cell(row, self.layout.roles.id)
        return str(row.number if given is None else given)

    def date(self, row: Row) -> datetime | None:
        """When it was given, None where that is not told or not readable."""
        try:
            return parse_date(self._cell(row, self.layout.roles.date))
        except ValueError:
            return None

    def attributes(self, row: Row) -> dict[str, str]:
        """What is told of the respondent, less what is blank."""
        cells = ((name, self._cell(row, name)) for name in self.layout.roles.attributes)
        return {name[:100]: str(cell) for name, cell in cells if cell is not None and str(cell).strip()}

    def _cell(self, row: Row, name: str | None) -> Any:  # noqa: ANN401  # whatever the file holds
        return None if name is None else row.cells[self.layout.columns.index(name)]


NESTED = "tags"
"""In formats that can hold it, the column of whole tags, as the API gives them; its cells are `Result`s."""
_NESTED_FORMATS = frozenset(("parquet",))
_MAX_SHARED = 10_000
"""Kinds of tags whose cells are kept; then all are forgotten."""


def tag_columns(tagger: Tagger, format_: str = "csv") -> tuple[str, ...]:
    """Names of the columns that tagging adds: a polarity a category, then the particulars."""
    particulars = ("aspects", "departments", "kpis", "evidence", "probability", "needs_review", "model")
    nested = (NESTED,) if format_ in _NESTED_FORMATS else ()
    return (*tagger.taxonomy.category_codes, *particulars, *nested)


class TagCells:
    """The cells of `tag_columns`: lists are in the order of the tags, texts where a cell must be one.

    But for evidence and probability, they tell only which categories, aspects and polarities were tagged.
    Most results tell one of a few hundred such things; the cells of each are made once, and shared.
    """

    def __init__(self, tagger: Tagger, format_: str = "csv") -> None:
        self._codes = tagger.taxonomy.category_codes
        self._version = tagger.version
        self._nested = format_ in _NESTED_FORMATS
        self._shared: dict[tuple[tuple[Any, ...], ...], list[Any]] = {}

    def of(self, result: Result) -> list[Any]:
        """The cells of a result."""
        kinds = tuple([tag[:3] for tag in result.tags])
        shared = self._shared.get(kinds) or self._share(kinds, result.tags)
        return [
            *shared,
            [result.text[start:stop] for tag in result.tags for start, stop in tag.evidence],
            min([tag.probability for tag in result.tags], default=None),
            result.needs_review,
            self._version,
            *([result] if self._nested else ()),
        ]

    def _share(self, kinds: tuple[tuple[Any, ...], ...], tags: Sequence[Tag]) -> list[Any]:
        """The cells of tags of these kinds (category, aspect, polarity), which are kept."""
        if len(self._shared) >= _MAX_SHARED:
            self._shared.clear()
        polarity = {tag.category: tag.polarity for tag in tags}
        cells = self._shared[kinds] = [
            *map(polarity.get, self._codes),
            [f"{tag.category}/{tag.aspect}" for tag in tags if tag.aspect],
            list(dict.fromkeys(d.title for tag in tags for d in tag.departments)),
            list(dict.fromkeys(kpi.title_en for tag in tags for kpi in tag.kpis)),
        ]
        return cells


def result_cells(reader: RowReader, row: Row, result: Result) -> Cells:
    """The one cell of a row of JSON Lines: an element of the API's `results`."""
    return [{"id": reader.id(row), **result.to_json()}]
