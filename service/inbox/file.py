"""Stores and tags the rows of a file, batch by batch: what cannot be stored is named, the rest is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from service.intake.comments import RowReader
from service.intake.rows import BadRow, Row
from service.intake.tables import Table
from service.nlp.tagger import Tagger
from service.store.comments import IncomingComment
from service.store.database import Database
from service.store.tagging import store_and_tag

_BATCH = 1_000
"""Rows that are stored together. After a stop, the same file again changes nothing that is stored."""

_MAX_ID_CHARS = 200


@dataclass(slots=True)
class Summary:
    """What came of a file."""

    created: int = 0
    updated: int = 0
    erased: int = 0
    """Left out: their deletion was asked for once."""
    rejected: list[BadRow] = field(default_factory=list)

    def __str__(self) -> str:
        """One line."""
        kept_out = f", {self.erased} left out (deleted on request)" if self.erased else ""
        return f"{self.created} comments stored and tagged, {self.updated} known already{kept_out}"


@dataclass(frozen=True, slots=True)
class FileStore:
    """Where the rows of one file go."""

    database: Database
    tagger: Tagger
    source: str

    def add(self, table: Table, reader: RowReader) -> Iterator[Summary]:
        """Store the rows of `table`; after each batch, what has come of the file so far."""
        summary = Summary()
        rows = table.rows()
        while batch := list(islice(rows, _BATCH)):
            incoming = list(self._read(batch, reader, summary))
            for kept in store_and_tag(self.database, self.tagger, incoming):
                setattr(summary, kept.outcome, getattr(summary, kept.outcome) + 1)
            yield summary

    def _read(
        self, batch: Sequence[Row | BadRow], reader: RowReader, summary: Summary
    ) -> Iterator[IncomingComment]:
        for row in batch:
            if isinstance(row, BadRow):
                summary.rejected.append(row)
                continue
            try:
                yield self._incoming(row, reader)
            except ValueError as error:
                summary.rejected.append(BadRow(row.number, str(error)))

    def _incoming(self, row: Row, reader: RowReader) -> IncomingComment:
        comment, external_id = reader.comment(row), reader.id(row)
        if len(external_id) > _MAX_ID_CHARS:
            raise ValueError(f"found an id of {len(external_id)} characters, the limit is {_MAX_ID_CHARS}")
        return IncomingComment(
            source=self.source,
            external_id=external_id,
            text=comment.text,
            score=comment.score,
            question=comment.question,
            answered_at=_with_zone(reader.date(row)),
            attributes=reader.attributes(row) or None,
        )


def _with_zone(moment: datetime | None) -> datetime | None:
    """Tables tell no zone: the clock of this machine is meant."""
    return None if moment is None else moment.astimezone(UTC)
