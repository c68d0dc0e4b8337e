"""What is known of a table before its rows are read: found out, or told."""

from dataclasses import asdict, dataclass, field
from typing import Any, cast

from service.intake.columns import Columns
from service.intake.rows import Mark

_SEPARATORS = {"\t": "tab"}


@dataclass(frozen=True)
class ReadOptions:
    """What the caller knows of a file; None is found out."""

    encoding: str | None = None
    separator: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    """Number of the first row with names of columns, the file's first row being 1."""
    header_rows: int | None = None
    """How many rows name the columns; 0 if none does: they are then called 1, 2, 3, …"""
    columns: Columns = field(default_factory=Columns)
    profile: str | None = None
    """Name of a profile, or path of one; one of ours is recognised."""


@dataclass(frozen=True)
class Layout:
    """How to read a table. Two runs over one file can go on from one another if theirs are equal."""

    format: str
    """Name of the reader: «csv», «xlsx», «parquet», «jsonl»."""
    columns: tuple[str, ...]
    """Names of the columns."""
    body: Mark
    """Where the first row under the header starts."""
    roles: Columns = field(default_factory=Columns)
    """Which column holds what."""
    encoding: str | None = None
    separator: str | None = None
    newline: str = "\n"
    """What ends a line of CSV."""
    sheet: str | None = None
    title_rows: int = 0
    """Rows above the header."""
    header_rows: int = 1
    profile: str | None = None
    """Name of the survey system whose export this is."""
    note: str = ""
    """What else its owner may want to check."""

    def __str__(self) -> str:
        """One line for the person who gave the file."""
        parts = [*self._form(), *self._header(), f"comments in «{self.roles.text}»"]
        parts += [f"scores in «{self.roles.score}»"] if self.roles.score else ["no scores"]
        parts += [f"ids in «{self.roles.id}»"] if self.roles.id else ["ids are row numbers"]
        parts += [f"dates in «{self.roles.date}»"] if self.roles.date else []
        attributes = ", ".join(f"«{name}»" for name in self.roles.attributes)
        return "; ".join([*parts, *([f"of the respondent: {attributes}"] if attributes else [])])

    def _form(self) -> list[str]:
        shown = _SEPARATORS.get(self.separator or "", self.separator)
        parts = [f"sheet «{self.sheet}»"] if self.sheet else []
        parts += [f"{self.encoding}, separated by «{shown}»"] if self.separator else []
        parts += [self.note] if self.note else []
        return [*parts, *([f"export of {self.profile}"] if self.profile else [])]

    def _header(self) -> list[str]:
        titles = [f"{self.title_rows} rows above the header"] if self.title_rows else []
        return [*titles, *([f"{self.header_rows} header rows"] if self.header_rows != 1 else [])]

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a journal."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Layout":
        """The layout that `to_json` gave."""
        found = {name: tuple(v) if isinstance(v, list) else v for name, v in fields["roles"].items()}
        known = {"columns": tuple(fields["columns"]), "body": Mark(*fields["body"])}
        return cls(**{**fields, **known, "roles": Columns(**cast(dict[str, Any], found))})
