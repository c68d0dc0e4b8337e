"""`otklik backfill`: files in, one file with tags out, whatever stops it on the way."""

import json
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.backfill.engines import Engine, start_engine
from service.backfill.finish import finish
from service.backfill.inputs import find_inputs, hash_source, stamp
from service.backfill.merge import merge
from service.backfill.pieces import Runner, row_pieces, text_pieces
from service.backfill.places import refuse_folder, refuse_taken, work_path
from service.backfill.plan import Plan, PlannedInput, Task, differences, read_plan, write_plan
from service.backfill.retag import find_earlier
from service.backfill.survey import Watched, survey
from service.backfill.tagging import Input, Job, hash_manifest, load_model
from service.backfill.totals import Totals
from service.backfill.work_folder import WorkFolder, hold
from service.intake.comments import RowReader, tag_columns
from service.intake.layout import ReadOptions
from service.intake.outputs import output_format
from service.intake.progress import Progress
from service.intake.rows import FileError
from service.intake.sources import find_source
from service.intake.tables import open_table
from service.nlp.artefact import current_version
from service.nlp.errors import OtklikError
from service.nlp.tagger import Tagger

_BYTES_WORTH_WORKERS = 1_000_000
"""Smaller inputs are done before a second process has started."""


class StoppedError(OtklikError):
    """The user stopped the run; the message says what is kept."""


@dataclass(frozen=True)
class Request:
    """What the caller wants."""

    names: tuple[str, ...]
    """Files, folders and URLs."""
    output: str
    models: Path
    model: str | None = None
    """Version of the model; the current one by default."""
    read: ReadOptions = field(default_factory=ReadOptions)
    question: str | None = None
    max_text_chars: int = 10_000
    chunk_rows: int = 2_000
    """Rows that are tagged and committed together."""
    retag: bool = False
    force: bool = False
    """Replace an output that is there."""
    restart: bool = False
    """Drop what an earlier run has done."""
    workers: int | None = None
    engine: str | None = None
    address: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    totals: Totals
    output: str
    seconds: float


@dataclass(frozen=True)
class _Prepared:
    """Everything that is known before the first row is tagged."""

    watched: tuple[Watched, ...]
    job: Job
    task: Task
    tagger: Tagger


def backfill(request: Request, tell: Callable[[str], None] | None = None) -> Outcome:
    """Tag all inputs and write one output, whole or not at all; or go on with a run that was stopped.

    Raises:
        OtklikError: naming the file or option, what was found and what to do. What is done is kept.
        StoppedError: on Ctrl-C.
    """
    tell = tell or _tell
    started = time.monotonic()
    refuse_folder(request.output)
    with hold(work_path(request.output)) as folder:
        try:
            prepared = _prepare(request, tell)
            with closing(_start_engine(request, prepared)) as engine:  # workers load the model meanwhile
                plan = _begin_or_go_on(request, prepared, folder, tell)
                totals = _carry_out(request, prepared, plan, folder, engine)
        except KeyboardInterrupt:
            raise StoppedError(_what_is_kept(folder)) from None
        except OSError as error:
            raise FileError(f"{folder.path}: {error.strerror or error}. {_what_is_kept(folder)}") from None
        finally:
            if not folder.plan.exists():
                folder.remove()
    return Outcome(totals, request.output, time.monotonic() - started)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201  # a command talks to its user


def _prepare(request: Request, tell: Callable[[str], None]) -> _Prepared:
    names = find_inputs(request.names, request.output)
    stamped = [(name, stamp(find_source(name))) for name in names]
    watched = tuple(Watched(open_table(name, request.read), stamp) for name, stamp in stamped)
    tagger, model_hash = _load(request)
    inputs = tuple(_input(request, own, tagger) for own in watched)
    for own in watched:
        tell(own.table.description)
    tables = [own.table for own in watched]
    kept = [_kept(own) for own in inputs]
    ours = (*(["file"] if len(tables) > 1 else []), *tag_columns(tagger, output_format(Path(request.output))))
    job = Job(
        request.models.absolute(),
        tagger.version,
        model_hash,
        inputs,
        merge(Path(request.output), tables, kept, ours),
    )
    return _Prepared(watched, job, _task(request, watched, job), tagger)


def _load(request: Request) -> tuple[Tagger, str]:
    version = request.model or current_version(request.models)
    manifest = request.models / version / "manifest.json"
    model_hash = hash_manifest(manifest.parent) if manifest.is_file() else ""
    return load_model(request.models, version, model_hash), model_hash


def _input(request: Request, watched: Watched, tagger: Tagger) -> Input:
    reader = RowReader(watched.table.layout, request.max_text_chars, request.question)
    earlier = find_earlier(watched.table, request.models, tagger) if request.retag else None
    return Input(watched.table.source.name, reader, earlier)


def _kept(own: Input) -> tuple[str, ...]:
    """The columns that go into the output as they are."""
    left_out = own.earlier.columns if own.earlier else ()
    return tuple(name for name in own.reader.layout.columns if name not in left_out)


def _task(request: Request, watched: tuple[Watched, ...], job: Job) -> Task:
    inputs = tuple(
        PlannedInput(
            name=own.table.source.name,
            bytes=own.stamp[0],
            sha256=hash_source(own.table.source),
            layout=_plain(own.table.layout.to_json()),
        )
        for own in watched
    )
    options = {
        "--question": request.question,
        "--chunk-rows": request.chunk_rows,
        "--retag": request.retag,
        "OTKLIK_MAX_TEXT_CHARS": request.max_text_chars,
    }
    return Task(inputs=inputs, model=job.model, model_hash=job.model_hash, options=options)


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    """The values as they come back from a plan that was written."""
    plain: dict[str, Any] = json.loads(json.dumps(fields))
    return plain


def _begin_or_go_on(
    request: Request, prepared: _Prepared, folder: WorkFolder, tell: Callable[[str], None]
) -> Plan:
    if request.restart:
        folder.clear()
    plan = read_plan(folder.plan)
    if plan is None:
        refuse_taken(request.output, request.force)
        folder.clear()
        places, repeats = survey(prepared.watched, prepared.job.inputs, request.chunk_rows)
        pairs = tuple((comment.text, comment.context) for comment in repeats)
        plan = Plan(task=prepared.task, chunks=places, repeats=pairs)
        write_plan(folder.plan, plan)
        return plan
    changed = differences(plan.task, prepared.task)
    if changed:
        raise FileError(
            f"{folder.path} holds a run that was begun otherwise: {'; '.join(changed)}. Give the command as "
            "it was to go on with it, or --restart to drop what it has done"
        )
    done = plan.rows_done(folder.entries())
    tell(f"going on with the run in {folder.path}: {done:,} of {plan.rows:,} rows are done")
    return plan


def _carry_out(
    request: Request, prepared: _Prepared, plan: Plan, folder: WorkFolder, engine: Engine
) -> Totals:
    entries = folder.entries()
    done = plan.rows_done(entries)
    with Progress("tagging", plan.rows, done) as progress:
        runner = Runner(engine, folder, progress, entries)
        runner.do(text_pieces(plan, entries))
        runner.do(row_pieces(plan, prepared.watched, prepared.job.inputs, folder, entries))
    return finish(request.output, prepared.job, prepared.tagger, plan, folder, entries)


def _start_engine(request: Request, prepared: _Prepared) -> Engine:
    is_small = sum(own.stamp[0] for own in prepared.watched) < _BYTES_WORTH_WORKERS
    return start_engine(prepared.job, request.workers, request.engine, request.address, is_small)


def _what_is_kept(folder: WorkFolder) -> str:
    plan = read_plan(folder.plan)
    if plan is None:
        return "Nothing was written"
    done = plan.rows_done(folder.entries())
    return (
        f"{done:,} of {plan.rows:,} rows are done and kept in {folder.path}; "
        "the same command goes on from there"
    )
