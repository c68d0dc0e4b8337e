"""The evaluation table: a model beside its baselines, with intervals, for people and for programs."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from training.scoring import Report

TITLES = {
    "macro_f1": "macro-F1",
    "polarity": "polarity right",
    "aspect": "aspect right",
    "left_empty": "no label left empty",
    "evidence": "evidence overlap",
    "needs_review": "needs review",
    "calibration": "calibration error",
}


def format_table(reports: Mapping[str, Report]) -> str:
    """A Markdown table: one row a figure, one column a model; «–» where a model says nothing of it."""
    names = list(reports)
    rows = list(dict.fromkeys(name for report in reports.values() for name in report.figures))
    cases = {row: max(r.figures[row].cases for r in reports.values() if row in r.figures) for row in rows}
    lines = ["| figure | cases | " + " | ".join(names) + " |", "| --- |" + " ---: |" * (len(names) + 1)]
    for row in rows:
        cells = [str(reports[name].figures.get(row, "–")) for name in names]
        lines.append(f"| {TITLES.get(row, row)} | {cases[row]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def format_json(reports: Mapping[str, Report]) -> str:
    """The same figures as JSON: model → {comments, figures: {name: {value, low, high, cases}}}."""
    return json.dumps({name: asdict(report) for name, report in reports.items()}, indent=1)
