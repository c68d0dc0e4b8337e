"""`otklik tag`: a file in, the same file with tags out."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from tqdm import tqdm

from service.intake.columns import Columns, detect_columns, parse_score
from service.intake.tables import (
    BadRow,
    FileError,
    ReadOptions,
    Row,
    Table,
    create_table,
    is_jsonl,
    open_table,
)
from service.nlp.artefact import load_tagger
from service.nlp.tagger import Comment, Result, Tagger
from service.settings import Settings

_BATCH = 1_024
_SAMPLE = 200
_SHOWN_REJECTS = 20


@dataclass(frozen=True)
class FileOptions:
    """What the caller says of a file to be tagged."""

    columns: Columns = field(default_factory=Columns)
    question: str | None = None
    encoding: str | None = None
    separator: str | None = None
    replace_output: bool = False


@dataclass
class Summary:
    """What came of a file; its text is for the person who ran the command."""

    found: str
    rows: int = 0
    review: int = 0
    tags: Counter[tuple[str, str]] = field(default_factory=Counter)
    rejected: list[BadRow] = field(default_factory=list)

    def count(self, result: Result) -> None:
        """Count a tagged row."""
        self.rows += 1
        self.review += result.needs_review
        self.tags.update((tag.title, tag.polarity) for tag in result.tags)

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
    columns: Columns
    names: tuple[str, ...]
    question: str | None
    as_json: bool
    max_text_chars: int

    def cell(self, row: Row, name: str | None) -> Any:  # noqa: ANN401  # whatever the file holds
        return None if name is None else row[self.names.index(name)]

    def comment(self, row: Row) -> Comment:
        """Raises: ValueError, saying what is wrong with the row."""
        text = self.cell(row, self.columns.text)
        text = "" if text is None else str(text)
        if len(text) > self.max_text_chars:
            raise ValueError(f"found {len(text)} characters, the limit is {self.max_text_chars}")
        question = self.cell(row, "question") if "question" in self.names else None
        return Comment(text, parse_score(self.cell(row, self.columns.score)), question or self.question)

    def id(self, number: int, row: Row) -> str:
        given = self.cell(row, self.columns.id)
        return str(number if given is None else given)

    def output(self, number: int, row: Row, result: Result) -> Row:
        if self.as_json:
            return [{"id": self.id(number, row), **result.to_json()}]
        return [*row, *tag_cells(result, self.tagger)]

    def rejected_output(self, number: int, row: Row, reason: str) -> Row:
        if self.as_json:
            return [{"id": self.id(number, row), "error": reason}]
        return [*row, *(None,) * len(tag_columns(self.tagger))]


def tag_file(source: Path, output: Path, models: Path, options: FileOptions) -> Summary:
    """Tag the comments in `source` and write `output`, whole or not at all.

    A row that cannot be tagged stays in the output without tags, and in the summary with its
    number and the reason.

    Raises:
        FileError, ArtefactError: naming the file, what was found and what to do.
    """
    if source.resolve() == output.resolve():
        raise FileError(f"{output}: input and output are one file; give another name to --output")
    settings = Settings.from_env()
    tagger = load_tagger(models)
    with open_table(source, ReadOptions(options.encoding, options.separator)) as table:
        sample = list(islice(table.rows, _SAMPLE))
        good = [row[1] for row in sample if not isinstance(row, BadRow)]
        columns = detect_columns(table.columns, good, options.columns)
        job = _Job(
            tagger, columns, table.columns, options.question, is_jsonl(output), settings.max_text_chars
        )
        summary = Summary(_describe(source, table, columns))
        names = _output_columns(table.columns, tag_columns(tagger))
        with create_table(output, names, table, options.replace_output) as writer:
            for row in _tag_rows(chain(sample, table.rows), job, summary):
                writer.write(row)
    return summary


def tag_columns(tagger: Tagger) -> tuple[str, ...]:
    """Names of the columns that tagging adds: a polarity a category, then the particulars."""
    particulars = ("aspects", "departments", "kpis", "evidence", "probability", "needs_review", "model")
    return (*tagger.taxonomy.category_codes, *particulars)


def tag_cells(result: Result, tagger: Tagger) -> list[Any]:
    """The cells of `tag_columns`; lists are in the order of the tags, texts where a cell must be one."""
    polarity = {tag.category: tag.polarity for tag in result.tags}
    return [
        *(polarity.get(code) for code in tagger.taxonomy.category_codes),
        [f"{tag.category}/{tag.aspect}" for tag in result.tags if tag.aspect],
        list(dict.fromkeys(d.title for tag in result.tags for d in tag.departments)),
        list(dict.fromkeys(kpi.title_en for tag in result.tags for kpi in tag.kpis)),
        [span.of(result.text) for tag in result.tags for span in tag.evidence],
        min((tag.probability for tag in result.tags), default=None),
        result.needs_review,
        tagger.version,
    ]


def _tag_rows(rows: Iterator[tuple[int, Row] | BadRow], job: _Job, summary: Summary) -> Iterator[Row]:
    with tqdm(desc="tagging", unit=" rows", disable=None) as progress:
        while batch := list(islice(rows, _BATCH)):
            yield from _tag_batch(batch, job, summary)
            progress.update(len(batch))


def _tag_batch(batch: Sequence[tuple[int, Row] | BadRow], job: _Job, summary: Summary) -> Iterator[Row]:
    comments: dict[int, Comment] = {}
    reasons: dict[int, str] = {}
    for position, row in enumerate(batch):
        if isinstance(row, BadRow):
            summary.rejected.append(row)
            continue
        try:
            comments[position] = job.comment(row[1])
        except ValueError as error:
            reasons[position] = str(error)
            summary.rejected.append(BadRow(row[0], str(error)))
    results = dict(zip(comments, job.tagger.tag(list(comments.values())), strict=True))
    for position, row in enumerate(batch):
        if isinstance(row, BadRow):
            cells = row.fitted(len(job.names))
            yield job.rejected_output(row.number, cells, row.reason)
        elif position in results:
            summary.count(results[position])
            yield job.output(*row, results[position])
        else:
            yield job.rejected_output(*row, reasons[position])


def _output_columns(theirs: Sequence[str], ours: Sequence[str]) -> list[str]:
    """All columns; one of ours whose name is taken gets a prefix."""
    return [*theirs, *(f"otklik_{name}" if name in theirs else name for name in ours)]


def _describe(source: Path, table: Table, columns: Columns) -> str:
    parts = [f"{source}: {table.description}", f"comments in «{columns.text}»"]
    parts += [f"scores in «{columns.score}»"] if columns.score else ["no scores"]
    parts += [f"ids in «{columns.id}»"] if columns.id else ["ids are row numbers"]
    return "; ".join(parts)
