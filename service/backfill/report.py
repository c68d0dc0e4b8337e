"""The report beside an output: one page in Russian that needs no network, the same for the same run."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import PurePath

from service.backfill.bars import BAR_STYLE, format_bars
from service.backfill.plan import Plan
from service.backfill.tagging import Job
from service.backfill.totals import Totals, by_polarity
from service.intake.layout import Layout
from service.nlp.tagger import Tagger

_STYLE = """
:root { color-scheme: light dark;
  --ink: #1c2430; --soft: #5b6675; --line: #dde2e8; --card: #f6f7f9; --page: #fff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8ebef; --soft: #9aa5b3; --line: #333c48; --card: #1d232b; --page: #14181e }
}
body { font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; color: var(--ink);
  background: var(--page); max-width: 60rem; margin: 2.5rem auto; padding: 0 1.25rem }
h1 { font-size: 1.6rem; margin: 0 0 .25rem } h2 { font-size: 1.15rem; margin: 2.25rem 0 .75rem }
.soft { color: var(--soft); margin: 0 }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem;
  margin: 1.5rem 0 }
.card { background: var(--card); border-radius: .6rem; padding: .8rem 1rem }
.card b { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums }
.card span { color: var(--soft); font-size: .88rem }
table { border-collapse: collapse; width: 100%; font-size: .92rem } .wide { overflow-x: auto }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
"""

_POLARITIES = {"problem": "проблема", "praise": "похвала", "neutral": "нейтрально", "": "нет"}


def format_report(job: Job, tagger: Tagger, plan: Plan, totals: Totals) -> str:
    """The page."""
    name = escape(", ".join(PurePath(own.name).name for own in job.inputs[:3]))
    if len(job.inputs) > 3:
        name += f" и ещё {len(job.inputs) - 3}"
    parts = [
        f"<h1>Что пишут клиенты</h1><p class=soft>{name} · модель {escape(job.model)}</p>",
        _cards(plan, totals),
        _section("О чём и с каким знаком", format_bars(by_polarity(totals.tags), "Отзывы по темам")),
        _section("Каких отделов касается", format_bars(by_polarity(totals.departments), "Отзывы по отделам")),
        _section("Что изменилось с прошлой разметки", _changes(tagger, totals)) if totals.changes else "",
        _section("Строки, которые не удалось разметить", _quarantine(totals)) if totals.quarantined else "",
        _section("Прочитанные файлы", _inputs(job, plan)),
    ]
    return (
        '<!doctype html><html lang="ru"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Отклик: {name}</title><style>{_STYLE}{BAR_STYLE}</style></head>\n"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def number(value: int) -> str:
    r"""A number as Russians write it.

    >>> number(1234567)
    '1\xa0234\xa0567'
    """
    return f"{value:,}".replace(",", "\N{NO-BREAK SPACE}")


def share(part: int, whole: int) -> str:
    r"""A share as Russians write it.

    >>> share(1, 3), share(0, 0)
    ('33,3\xa0%', '0,0\xa0%')
    """
    return f"{100 * part / whole if whole else 0:.1f}\N{NO-BREAK SPACE}%".replace(".", ",")


def _cards(plan: Plan, totals: Totals) -> str:
    cards = [
        (number(totals.rows), f"строк размечено из {number(plan.rows)}"),
        (share(totals.review, totals.rows), f"стоит просмотреть: {number(totals.review)}"),
        (share(totals.untagged, totals.rows), f"ни о чём определённом: {number(totals.untagged)}"),
        (number(totals.quarantined), "строк в карантине"),
    ]
    answered = totals.groups.total()
    if answered:
        balance = totals.groups["promoter",] - totals.groups["detractor",]
        cards.insert(1, (_signed(round(100 * balance / answered)), f"NPS по {number(answered)} оценкам"))
    boxes = (f"<div class=card><b>{value}</b><span>{label}</span></div>" for value, label in cards)
    return f"<div class=cards>{''.join(boxes)}</div>"


def _signed(value: int) -> str:
    """A balance with its sign.

    >>> _signed(12), _signed(-7), _signed(0)
    ('+12', '−7', '0')
    """
    return f"+{value}" if value > 0 else str(value).replace("-", "−")


def _section(title: str, body: str) -> str:
    return f"<h2>{title}</h2>{body}\n"


def _table(header: Sequence[str], rows: Iterable[Sequence[str | int]]) -> str:
    def cells(tag: str, values: Sequence[str | int]) -> str:
        return "".join(
            f"<{tag}{' class=number' if place == len(header) - 1 else ''}>"
            f"{number(value) if isinstance(value, int) else escape(value)}</{tag}>"
            for place, value in enumerate(values)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<div class=wide><table><tr>{cells('th', header)}</tr>{body}</table></div>"


def _changes(tagger: Tagger, totals: Totals) -> str:
    titles = {category.code: category.title for category in tagger.taxonomy.categories}
    rows = [
        (titles.get(category, category), _POLARITIES.get(was, was), _POLARITIES.get(now, now), count)
        for (category, was, now), count in sorted(totals.changes.items())
    ]
    note = f"<p class=soft>Иначе размечено строк: {number(totals.changed_rows)}</p>"
    return note + _table(("Тема", "Было", "Стало", "Строк"), rows)


def _quarantine(totals: Totals) -> str:
    rows = [(bad.file, bad.reason, bad.row) for bad in totals.bad_places]
    left = totals.quarantined - len(rows)
    note = f"<p class=soft>… и ещё {number(left)}; все — в файле карантина</p>" if left else ""
    return _table(("Файл", "Причина", "Строка"), rows) + note


def _describe(layout: Layout) -> str:
    """How the table was read, for who was not there when the command told it."""
    roles = layout.roles
    named = {"комментарии": roles.text, "оценки": roles.score, "номера": roles.id, "даты": roles.date}
    parts = [f"лист «{layout.sheet}»"] if layout.sheet else []
    if layout.separator:
        shown = "табуляция" if layout.separator == "\t" else layout.separator
        parts.append(f"{layout.encoding}, разделитель «{shown}»")
    parts += [f"выгрузка {layout.profile}"] if layout.profile else []
    parts += [f"{what} — «{column}»" for what, column in named.items() if column]
    return "; ".join([*parts, *([] if roles.score else ["оценок нет"])])


def _inputs(job: Job, plan: Plan) -> str:
    counts = [0] * len(job.inputs)
    for chunk in plan.chunks:
        counts[chunk[0]] += chunk[3]
    rows = [
        (own.name, _describe(own.reader.layout), count) for own, count in zip(job.inputs, counts, strict=True)
    ]
    return _table(("Файл", "Как прочитан", "Строк"), rows)
