"""What is known of a table before its rows are read: found out, or told."""

from dataclasses import asdict, dataclass, field
from typing import Any

from service.intake.columns import Columns
from service.intake.rows import Mark

_SEPARATORS = {"\t": "tab"}


@dataclass(frozen=True)
class ReadOptions:
    """What the caller knows of a file; None is found out."""

    encoding: str | None = None
    separator: str | None = None
    columns: Columns = field(default_factory=Columns)


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
    sheet: str | None = None
    note: str = ""
    """What else its owner may want to check."""

    def __str__(self) -> str:
        """One line for the person who gave the file."""
        parts = [self._form(), f"comments in «{self.roles.text}»"]
        parts += [f"scores in «{self.roles.score}»"] if self.roles.score else ["no scores"]
        parts += [f"ids in «{self.roles.id}»"] if self.roles.id else ["ids are row numbers"]
        return "; ".join(parts)

    def _form(self) -> str:
        if self.separator:
            shown = _SEPARATORS.get(self.separator, self.separator)
            return f"{self.encoding}, separated by «{shown}»"
        return f"sheet «{self.sheet}»" if self.sheet else self.note or self.format

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a journal."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Layout":
        """The layout that `to_json` gave."""
        roles = Columns(**{**fields["roles"], "attributes": tuple(fields["roles"]["attributes"])})
        body = Mark(*fields["body"])
        return cls(**{**fields, "columns": tuple(fields["columns"]), "body": body, "roles": roles})
