"""The end of a run: finished parts become the output and what lies beside it."""

from collections.abc import Mapping
from pathlib import Path

from service.backfill.inputs import COMPANIONS
from service.backfill.places import put
from service.backfill.plan import Plan
from service.backfill.report import format_report
from service.backfill.tagging import CHANGES, QUARANTINE, Job
from service.backfill.totals import Totals, add_up
from service.backfill.work_folder import Entry, WorkFolder
from service.intake.outputs import OutputShape, assemble
from service.nlp.errors import OtklikError
from service.nlp.tagger import Tagger

_TABLES = {"bad": (".quarantine.csv", QUARANTINE), "changes": (".changes.csv", CHANGES)}


def finish(
    output: str, job: Job, tagger: Tagger, plan: Plan, folder: WorkFolder, entries: Mapping[int, Entry]
) -> Totals:
    """Put the parts together, move everything into place, the output last, and forget the parts.

    Whatever stops this, the parts are still there and the same comes out when it is done again.

    Raises:
        OtklikError: when the counts do not add up. OSError: when something cannot be written.
    """
    in_order = [entries[index] for index in sorted(entries)]
    totals = add_up(Totals.from_json(entry.totals) for entry in in_order)
    if totals.rows + totals.quarantined != plan.rows:
        raise OtklikError(
            f"{folder.path}: {totals.rows:,} rows tagged and {totals.quarantined:,} in quarantine do not "
            f"make the {plan.rows:,} that were read; please report this, and begin anew with --restart"
        )
    ready = {".report.html": _write_report(job, tagger, plan, totals, folder)}
    for kind, (ending, shape) in _TABLES.items():
        if any(kind in entry.files for entry in in_order):
            ready[ending] = _assemble(shape, kind, in_order, folder)
    whole = _assemble(job.merge.shape, "rows", in_order, folder)
    for ending in COMPANIONS:
        put(ready.get(ending), output + ending)
    put(whole, output)
    folder.clear()
    return totals


def _assemble(shape: OutputShape, kind: str, entries: list[Entry], folder: WorkFolder) -> Path:
    whole = folder.path / f"{kind}.{shape.format}"
    parts = (folder.part(entry.chunk, kind) for entry in entries if kind in entry.files)
    assemble(shape, parts, whole, replace=True)
    return whole


def _write_report(job: Job, tagger: Tagger, plan: Plan, totals: Totals, folder: WorkFolder) -> Path:
    path = folder.path / "report.html"
    path.write_text(format_report(job, tagger, plan, totals), encoding="utf-8")
    return path
