"""The comments a second of all that tag them, as bars: an SVG that any browser shows."""

from collections.abc import Mapping
from html import escape

_WIDTH, _ROW, _LABELS, _PAD = 860, 34, 330, 16


def draw_bars(title: str, rates: Mapping[str, float]) -> str:
    """Horizontal bars on a common scale, the longest first; each with its number."""
    ordered = sorted(rates.items(), key=lambda item: -item[1])
    longest = ordered[0][1]
    height = _PAD * 3 + 20 + _ROW * len(ordered)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="system-ui, sans-serif" font-size="14">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{_PAD}" y="{_PAD + 16}" font-size="17" font-weight="600">{escape(title)}</text>',
    ]
    for row, (name, rate) in enumerate(ordered):
        y = _PAD * 2 + 20 + row * _ROW
        length = max(1.0, (_WIDTH - _LABELS - 100) * rate / longest)
        colour = "#0b6e4f" if name.startswith("Отклик") else "#9aa5b1"
        parts += [
            f'<text x="{_LABELS - 10}" y="{y + 19}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{_LABELS}" y="{y + 4}" width="{length:.1f}" height="{_ROW - 12}" fill="{colour}"/>',
            f'<text x="{_LABELS + length + 8:.1f}" y="{y + 19}">{rate:,.0f}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"
