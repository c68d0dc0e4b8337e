"""Exports of survey platforms go the way of their deliveries: by response id, by version, tagged, stored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from service.inbox.process import keep_answers
from service.intake.comments import RowReader
from service.intake.events import Answer
from service.intake.installation import ConfiguredSource
from service.intake.layout import ReadOptions
from service.intake.profiles import own_profiles
from service.intake.progress import Progress
from service.intake.rows import BadRow, Row
from service.intake.tables import open_table
from service.intake.values import content_id, identifier, moment
from service.nlp.tagger import Tagger
from service.settings import Settings
from service.store.database import Database

_BATCH = 200
"""Rows in one transaction."""

_SHOWN_REJECTS = 20


@dataclass
class FileSummary:
    """What came of an export; its text is for the person who ran the command."""

    found: str
    source: str
    answers: int = 0
    empty: int = 0
    rejected: list[BadRow] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [self.found, f"{self.answers} answers taken as «{self.source}»"]
        lines += [f"{self.empty} rows have neither a score nor a comment"] if self.empty else []
        if self.rejected:
            lines.append(f"{len(self.rejected)} rows could not be taken:")
            lines += [f"  row {bad.number}: {bad.reason}" for bad in self.rejected[:_SHOWN_REJECTS]]
        if len(self.rejected) > _SHOWN_REJECTS:
            lines.append(f"  … and {len(self.rejected) - _SHOWN_REJECTS} more")
        return "\n".join(lines)


def take_file(
    database: Database,
    tagger: Tagger,
    source: ConfiguredSource,
    path: str | Path,
    options: ReadOptions,
    settings: Settings,
) -> FileSummary:
    """Store and tag the answers in an export of `source`; taken again, it changes nothing.

    Each batch of rows is stored whole or not at all, so that a run that was broken off is just begun again.

    Raises: FileError, StoreError.
    """
    table = open_table(path, replace(options, profile=options.profile or _profile_of(source)))
    reader = RowReader(table.layout, settings.max_text_chars)
    summary = FileSummary(table.description, source.name)
    rows = table.rows()
    with Progress("taking", None) as progress:
        while batch := list(islice(rows, _BATCH)):
            answers = list(_read(batch, reader, source, summary))
            with database.write() as connection:
                keep_answers(connection, source.name, answers, tagger)
            summary.answers += len(answers)
            progress.add(len(batch))
    return summary


def _profile_of(source: ConfiguredSource) -> str | None:
    """The profile of the source's exports, where there is one of its name."""
    names = {profile.name for profile in own_profiles()}
    name = source.adapter_name.replace("-", "_")
    return name if name in names else None


def _read(
    rows: Sequence[Row | BadRow], reader: RowReader, source: ConfiguredSource, summary: FileSummary
) -> Iterator[Answer]:
    for row in rows:
        if isinstance(row, BadRow):
            summary.rejected.append(row)
            continue
        try:
            answer = _answer(row, reader, source)
        except ValueError as error:
            summary.rejected.append(BadRow(row.number, str(error)))
            continue
        if answer.text is None and answer.score is None:
            summary.empty += 1
        else:
            yield answer


def _answer(row: Row, reader: RowReader, source: ConfiguredSource) -> Answer:
    """Raises: ValueError, saying what is wrong with the row."""
    comment = reader.comment(row)
    layout = reader.layout
    cells = dict(zip(layout.columns, row.cells, strict=False))
    roles = layout.roles
    answered_at = moment(cells.get(roles.date), source.choices.zone) if roles.date else None
    given = identifier(cells.get(roles.id)) if roles.id else None
    attributes = {name: cells[name] for name in roles.attributes if cells.get(name) not in (None, "")}
    return Answer(
        id=given or content_id(cells),
        text=comment.text.strip() or None,
        score=comment.score,
        question=comment.question or _asked(roles.text),
        answered_at=answered_at,
        version=answered_at,
        attributes={name: str(value) for name, value in attributes.items()},
    )


def _asked(column: str | None) -> str | None:
    """A column's name, where it is a question."""
    return column if column and " " in column.strip() else None
