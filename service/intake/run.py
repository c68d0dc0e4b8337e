"""`otklik tag`: a file in, the same file with tags out."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from service.intake.comments import RowReader, TagCells, result_cells, tag_columns
from service.intake.layout import ReadOptions
from service.intake.outputs import ColumnWriter, RowWriter, create_table, output_format, output_shape
from service.intake.progress import Progress
from service.intake.rows import BadRow, Cells, FileError, Row
from service.intake.sources import is_url
from service.intake.tables import open_table
from service.nlp.artefact import load_tagger
from service.nlp.tagger import Comment, Result, TagColumns, Tagger
from service.settings import Settings

_BATCH = 1_024
"""Rows that are held at once with what is written of them: of 10,000 characters each, they take 500 MiB."""
_SHOWN_REJECTS = 20


@dataclass(frozen=True)
class FileOptions:
    """What the caller says of a file to be tagged."""

    read: ReadOptions = field(default_factory=ReadOptions)
    question: str | None = None
    replace_output: bool = False


@dataclass
class Summary:
    """What came of a file; its text is for the person who ran the command."""

    found: str
    rows: int = 0
    review: int = 0
    tags: Counter[tuple[str, str]] = field(default_factory=Counter)
    rejected: list[BadRow] = field(default_factory=list)

    def count(self, results: Collection[Result]) -> None:
        """Count tagged rows."""
        self.rows += len(results)
        self.review += sum([result.needs_review for result in results])
        self.tags.update([(tag.title, tag.polarity) for result in results for tag in result.tags])

    def count_columns(self, columns: TagColumns, tagger: Tagger) -> None:
        """Count tagged rows from columns."""
        self.rows += len(columns.needs_review)
        self.review += int(columns.needs_review.sum())
        for number, count in zip(*np.unique(tagger.number_kinds(columns), return_counts=True), strict=True):
            self.tags[tagger.kinds[number].title, tagger.kinds[number].polarity] += int(count)

    def __str__(self) -> str:
        lines = [self.found, f"{self.rows} rows tagged, {self.review} of them need review"]
        for title in dict.fromkeys(title for title, _ in self.tags):
            of = {polarity: self.tags[title, polarity] for polarity in ("problem", "praise", "neutral")}
            lines.append(f"  {title}: " + ", ".join(f"{count} {name}" for name, count in of.items()))
        if self.rejected:
            lines.append(f"{len(self.rejected)} rows could not be tagged and have no tags in the output:")
            lines += [f"  row {bad.number}: {bad.reason}" for bad in self.rejected[:_SHOWN_REJECTS]]
            if len(self.rejected) > _SHOWN_REJECTS:
                lines.append(f"  … and {len(self.rejected) - _SHOWN_REJECTS} more")
        return "\n".join(lines)


@dataclass(frozen=True)
class _Job:
    """How to read a row of one table and to write its result."""

    tagger: Tagger
    reader: RowReader
    format: str
    cells: TagCells

    def output(self, row: Row, result: Result) -> Cells:
        if self.format == "jsonl":
            return result_cells(self.reader, row, result)
        return [*row.cells, *self.cells.of(result)]

    def rejected_output(self, row: Row | BadRow, reason: str) -> Cells:
        if self.format == "jsonl":
            id_ = self.reader.id(row) if isinstance(row, Row) else str(row.number)
            return [{"id": id_, "error": reason}]
        return [*self.cells_of(row), *(None,) * len(tag_columns(self.tagger, self.format))]

    def cells_of(self, row: Row | BadRow) -> Cells:
        return row.cells if isinstance(row, Row) else row.fitted(len(self.reader.layout.columns))


def tag_file(source: str | Path, output: Path, models: Path, options: FileOptions) -> Summary:
    """Tag the comments in `source` and write `output`, whole or not at all.

    A row that cannot be tagged stays in the output without tags, and in the summary with its
    number and the reason.

    Raises:
        FileError, ArtefactError: naming the file, what was found and what to do.
    """
    if not is_url(str(source)) and Path(source).resolve() == output.resolve():
        raise FileError(f"{output}: input and output are one file; give another name to --output")
    tagger = load_tagger(models)
    table = open_table(source, options.read)
    shape = output_shape(output, table, tag_columns(tagger, output_format(output)))
    reader = RowReader(table.layout, Settings.from_env().max_text_chars, options.question)
    job = _Job(tagger, reader, shape.format, TagCells(tagger, shape.format))
    summary = Summary(table.description)
    with create_table(output, shape, options.replace_output) as writer:
        for batch in _batches(table.rows()):
            _tag_batch(batch, job, writer, summary)
    return summary


def _batches(rows: Iterator[Row | BadRow]) -> Iterator[Sequence[Row | BadRow]]:
    with Progress("tagging", None) as progress:
        while batch := list(islice(rows, _BATCH)):
            yield batch
            progress.add(len(batch))


def _tag_batch(batch: Sequence[Row | BadRow], job: _Job, writer: RowWriter, summary: Summary) -> None:
    """Tag rows and write them; those that cannot be tagged are written without tags."""
    comments: dict[int, Comment] = {}
    reasons: dict[int, str] = {}
    for place, row in enumerate(batch):
        try:
            if isinstance(row, BadRow):
                raise ValueError(row.reason)
            comments[place] = job.reader.comment(row)
        except ValueError as error:
            reasons[place] = str(error)
            summary.rejected.append(BadRow(row.number, str(error)))
    if isinstance(writer, ColumnWriter):
        _write_columns(batch, comments, job, writer, summary)
    else:
        writer.write(list(_output_rows(batch, comments, reasons, job, summary)))


def _write_columns(
    batch: Sequence[Row | BadRow],
    comments: Mapping[int, Comment],
    job: _Job,
    writer: ColumnWriter,
    summary: Summary,
) -> None:
    columns = job.tagger.tag_columns(list(comments.values()))
    summary.count_columns(columns, job.tagger)
    texts = {place: comment.text for place, comment in comments.items()}
    writer.write_tagged([job.cells_of(row) for row in batch], texts, columns, job.tagger)


def _output_rows(
    batch: Sequence[Row | BadRow],
    comments: Mapping[int, Comment],
    reasons: Mapping[int, str],
    job: _Job,
    summary: Summary,
) -> Iterator[Cells]:
    results = dict(zip(comments, job.tagger.tag(list(comments.values())), strict=True))
    summary.count(results.values())
    for place, row in enumerate(batch):
        if isinstance(row, Row) and place in results:
            yield job.output(row, results[place])
        else:
            yield job.rejected_output(row, reasons[place])
