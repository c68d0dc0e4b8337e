"""Stacked bars by polarity, as an SVG inside a page."""

from collections.abc import Mapping
from html import escape

BAR_STYLE = """
.bars { width: 100%; height: auto; font-size: 14px } .bars text { fill: var(--ink) }
.bars .problem { fill: #c8502d } .bars .praise { fill: #2a8f7b } .bars .neutral { fill: #98a2b0 }
.bars .inside { fill: #fff; text-anchor: middle } .bars .total { fill: var(--soft) }
"""

_TITLES = {"problem": "проблема", "praise": "похвала", "neutral": "нейтрально"}
_WIDTH, _LABEL_WIDTH, _TOTAL_WIDTH = 900, 320, 60
_TOP, _STEP, _HEIGHT = 40, 38, 26
_WIDE_ENOUGH = 34
"""Pixels of a bar that has room for its number."""
_MAX_LABEL_CHARS = 36


def format_bars(rows: Mapping[str, Mapping[str, int]], label: str) -> str:
    """A bar a row, its length the row's sum; a table of the same numbers is in the tooltips."""
    if not rows:
        return "<p class=soft>Ни одной метки</p>"
    longest = max(sum(row.values()) for row in rows.values())
    scale = (_WIDTH - _LABEL_WIDTH - _TOTAL_WIDTH) / max(1, longest)
    bars = (_bar(title, row, _TOP + place * _STEP, scale) for place, (title, row) in enumerate(rows.items()))
    height = _TOP + len(rows) * _STEP
    return (
        f'<svg class=bars role="img" aria-label="{escape(label)}" viewBox="0 0 {_WIDTH} {height}">'
        f"{_legend()}{''.join(bars)}</svg>"
    )


def _legend() -> str:
    marks = (
        f'<rect class={code} x="{_LABEL_WIDTH + place * 130}" y="6" width="14" height="14" rx="3"/>'
        f'<text x="{_LABEL_WIDTH + place * 130 + 20}" y="18">{title}</text>'
        for place, (code, title) in enumerate(_TITLES.items())
    )
    return "".join(marks)


def _bar(title: str, row: Mapping[str, int], top: int, scale: float) -> str:
    middle = top + _HEIGHT / 2 + 5
    pieces = [f'<text x="{_LABEL_WIDTH - 12}" y="{middle}" text-anchor="end">{_short(title)}</text>']
    left = float(_LABEL_WIDTH)
    for code, count in row.items():
        width = count * scale
        if count:
            pieces.append(_piece(title, code, count, left, top, width))
        left += width
    total = f"{sum(row.values()):,}".replace(",", "\N{NO-BREAK SPACE}")
    pieces.append(f'<text class=total x="{left + 8:.1f}" y="{middle}">{total}</text>')
    return "".join(pieces)


def _piece(title: str, code: str, count: int, left: float, top: int, width: float) -> str:
    shown = f"{count:,}".replace(",", "\N{NO-BREAK SPACE}")
    tip = f"{escape(title)} — {_TITLES[code]}: {shown}"
    rect = (
        f'<rect class={code} x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_HEIGHT}">'
        f"<title>{tip}</title></rect>"
    )
    if width < max(_WIDE_ENOUGH, 9 * len(shown)):
        return rect
    return f'{rect}<text class=inside x="{left + width / 2:.1f}" y="{top + _HEIGHT / 2 + 5}">{shown}</text>'


def _short(title: str) -> str:
    """A title that fits beside its bar.

    >>> _short("Отдел главного конструктора и перспективных разработок")
    'Отдел главного конструктора и персп…'
    """
    fits = len(title) <= _MAX_LABEL_CHARS
    return escape(title if fits else title[: _MAX_LABEL_CHARS - 1] + "…")
