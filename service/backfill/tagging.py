"""What a worker does, wherever it runs: a piece of the run in, its part of the output out."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from service.backfill.merge import Merge
from service.backfill.packing import pack, unpack
from service.backfill.repeats import as_tagged
from service.backfill.retag import Earlier, changes_of
from service.backfill.totals import BadPlace, Totals
from service.intake.comments import RowReader, TagCells, result_cells
from service.intake.outputs import OutputShape, encode_chunk
from service.intake.rows import BadRow, Cells, Row, raw_row
from service.nlp.artefact import load_tagger
from service.nlp.errors import ArtefactError
from service.nlp.tagger import Comment, Result, Tagger

QUARANTINE = OutputShape("csv", ("file", "row", "reason", "original", "original_base64"), 0)
CHANGES = OutputShape("csv", ("file", "row", "category", "before", "now", "comment"), 0)

_MAX_SHOWN_CHARS = 1_000


@dataclass(frozen=True)
class Input:
    """One of the tables of a run."""

    name: str
    reader: RowReader
    earlier: Earlier | None = None
    """In a re-tag: where the tags of the earlier run stand."""


@dataclass(frozen=True)
class Job:
    """What holds for all pieces of a run; sent to each worker once."""

    models: Path
    model: str
    model_hash: str
    inputs: tuple[Input, ...]
    merge: Merge


@dataclass(frozen=True)
class Texts:
    """A piece: comments to be tagged for others to look up."""

    index: int
    comments: tuple[Comment, ...]


@dataclass(frozen=True)
class Rows:
    """A piece: rows of one input."""

    index: int
    input: int
    rows: tuple[Row | BadRow, ...]
    known: Mapping[Comment, bytes]
    """What is said of those of its comments that are tagged already, packed."""


@dataclass(frozen=True)
class Part:
    """What a piece came to."""

    index: int
    files: dict[str, bytes]
    """By kind: «rows», «bad», «changes» or «texts»."""
    totals: Totals
    done: int
    """Rows of the input that it accounts for."""


def work(job: Job, piece: Texts | Rows) -> Part:
    """Do a piece. The same piece gives the same part. Raises: ArtefactError."""
    tagger = load_model(job.models, job.model, job.model_hash)
    return _tag_texts(piece, tagger) if isinstance(piece, Texts) else _tag_rows(job, piece, tagger)


def hash_manifest(folder: Path) -> str:
    """One hash for all of a model: that of the manifest, which holds the hash of each file."""
    return hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()


def read_texts(part: bytes) -> list[bytes]:
    """What is said of the comments of a `Texts` piece, packed, in its order."""
    return part.splitlines()


def comments_of(source: Input, rows: Sequence[Row | BadRow]) -> Iterator[Comment]:
    """The comments of those rows that can be tagged."""
    for row in rows:
        if isinstance(row, Row):
            with suppress(ValueError):  # the quarantine takes the row, when its turn comes
                yield source.reader.comment(row)


@lru_cache(maxsize=1)
def load_model(models: Path, version: str, expected: str) -> Tagger:
    """The model of a run, once a process. Raises: ArtefactError, when it is another one than `expected`."""
    folder = models / version
    if (folder / "manifest.json").is_file() and hash_manifest(folder) != expected:
        raise ArtefactError(f"{folder} is not the model of this run; give all workers the same models")
    return load_tagger(models, version)


@lru_cache(maxsize=1)
def _cells_of(tagger: Tagger, format_: str) -> TagCells:
    return TagCells(tagger, format_)


def _tag_texts(piece: Texts, tagger: Tagger) -> Part:
    packed = b"".join(pack(said) + b"\n" for said in tagger.say(piece.comments))
    return Part(piece.index, {"texts": packed}, Totals(), 0)


def _tag_rows(job: Job, piece: Rows, tagger: Tagger) -> Part:
    source, totals = job.inputs[piece.input], Totals()
    comments, bad = _read_comments(source, piece.rows, totals)
    results = _tag_comments(comments, piece.known, tagger)
    shape = job.merge.shape
    rows = [_output(job, piece.input, row, results[row.number], tagger) for row in _good(piece, results)]
    for result in results.values():
        totals.count(result)
    changes = [
        [source.name, row.number, *change, comments[row.number].text]
        for row in (_good(piece, results) if source.earlier else ())
        for change in changes_of(source.earlier, row.cells, results[row.number])
    ]
    totals.changes.update(tuple(map(str, change[2:5])) for change in changes)
    totals.changed_rows = len({change[1] for change in changes})
    files = {
        "rows": encode_chunk(shape, rows) if rows else b"",
        "bad": encode_chunk(QUARANTINE, bad) if bad else b"",
        "changes": encode_chunk(CHANGES, changes) if changes else b"",
    }
    return Part(piece.index, files, totals, len(piece.rows))


def _good(piece: Rows, results: Mapping[int, Result]) -> Iterator[Row]:
    return (row for row in piece.rows if isinstance(row, Row) and row.number in results)


def _read_comments(
    source: Input, rows: Sequence[Row | BadRow], totals: Totals
) -> tuple[dict[int, Comment], list[Cells]]:
    """The comments by number of row, and the rows of the quarantine."""
    comments: dict[int, Comment] = {}
    bad: list[Cells] = []
    for row in rows:
        try:
            if isinstance(row, BadRow):
                raise ValueError(row.reason)
            comments[row.number] = source.reader.comment(row)
        except ValueError as error:
            totals.count_bad(BadPlace(source.name, row.number, str(error)))
            bad.append(_quarantined(source, row, str(error)))
    return comments, bad


def _quarantined(source: Input, row: Row | BadRow, reason: str) -> Cells:
    """A row of the quarantine: the original as text for people, and byte for byte in base64."""
    raw = raw_row(row) if isinstance(row, Row) else row.raw
    shown = raw.decode(source.reader.layout.encoding or "utf-8", errors="backslashreplace")
    return [source.name, row.number, reason, shown[:_MAX_SHOWN_CHARS], base64.b64encode(raw).decode()]


def _tag_comments(
    comments: Mapping[int, Comment], known: Mapping[Comment, bytes], tagger: Tagger
) -> dict[int, Result]:
    """The result of each row's comment; a text that occurs twice is tagged once."""
    unknown = [
        comment for comment in dict.fromkeys(map(as_tagged, comments.values())) if comment not in known
    ]
    fresh = dict(zip(unknown, tagger.say(unknown), strict=True))
    results = {}
    for number, comment in comments.items():
        key = as_tagged(comment)
        said = fresh[key] if key in fresh else unpack(known[key])
        results[number] = tagger.result(comment, said)
    return results


def _output(job: Job, number: int, row: Row, result: Result, tagger: Tagger) -> Cells:
    """A row of the output; where there are several inputs it tells its file."""
    source = job.inputs[number]
    several = len(job.inputs) > 1
    if job.merge.shape.format == "jsonl":
        [found] = result_cells(source.reader, row, result)
        return [found | {"file": source.name} if several else found]
    file_cell = [source.name] if several else []
    return [
        *job.merge.cells(number, row.cells),
        *file_cell,
        *_cells_of(tagger, job.merge.shape.format).of(result),
    ]
