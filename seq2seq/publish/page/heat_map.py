"""Attention as a picture: an SVG element whose every name is text and nothing else."""

import html
import unicodedata
from collections.abc import Sequence

LEAST, FAINTEST, CONTRAST = 0.005, 0.06, 0.7
LONGEST_LABEL = 16  # letters
PLAIN = 'unicode-bidi="plaintext"'  # each name in its own direction
NUMBERED_SIDE, NUMBERED_LEAST, STRONG = 34, 0.095, 0.6
STYLE = """\
<style>
.attention { overflow-x: auto; margin: 0 0 .5rem; }
.attention text { fill: currentColor; }
.attention .weight { fill: #1f6feb; }
.attention .weight:hover { stroke: currentColor; stroke-width: 1.5; }
.attention .share { font-size: 11px; pointer-events: none; }
.attention .strong { fill: #fff; }
.attention .field { fill: none; stroke: currentColor; stroke-opacity: .25; }
.dark .attention .weight { fill: #79b0ff; }
.dark .attention .strong { fill: #0b1a33; }
.note { opacity: .8; margin: .25rem 0; }
</style>"""


def heat_map(
    weights: Sequence[Sequence[float]],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    title: str,
) -> str:
    """Draw weights as an ``<svg>`` element.

    Args:
        weights: From 0 to 1, a list for each row.
        rows: Names.
        columns: Names.
        title: What a screen reader says.

    Returns:
        Markup in which every name is text and nothing else.
    """
    side, font = _sizes(max(len(rows), len(columns)))
    left, top = _room(rows, font), _room(columns, font)
    width, height = left + side * len(columns) + 2, top + side * len(rows) + 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="{font}" '
        f'aria-label="{escape(title)}">',
        f'<rect class="field" x="{left}" y="{top}" width="{side * len(columns)}" '
        f'height="{side * len(rows)}"/>',
    ]
    for number, name in enumerate(columns):
        x = left + side * (number + 0.5)
        place = f'transform="translate({x:g} {top - 7}) rotate(-90)" dominant-baseline="central"'
        parts.append(f"<text {place} {PLAIN}>{escape(_short(name))}</text>")
    for row, (name, weighed) in enumerate(zip(rows, weights, strict=True)):
        y = top + side * row
        place = f'x="{left - 7}" y="{y + side / 2:g}" dominant-baseline="central"'
        parts.append(f'<text {place} text-anchor="end" {PLAIN}>{escape(_short(name))}</text>')
        parts += [
            _cell(left + side * column, y, side, weight, (name, columns[column]))
            for column, weight in enumerate(weighed)
            if weight >= LEAST
        ]
    return "".join([*parts, "</svg>"])


def escape(text: str) -> str:
    """Text as HTML that shows every character: none acts as markup or without being seen.

    Marks of direction, say, could turn a line around; they become ``⟦U+202E⟧``. Dollar signs and
    braces are written as numbers, because pages fill templates that they could open.
    """
    seen = "".join(one if one.isprintable() else f"⟦U+{ord(one):04X}⟧" for one in text)
    numbers = {ord(one): f"&#{ord(one)};" for one in "${}"}
    return html.escape(seen, quote=True).translate(numbers)


def _cell(x: float, y: float, side: int, weight: float, names: tuple[str, str]) -> str:
    opacity = FAINTEST + (1 - FAINTEST) * min(weight, 1.0) ** CONTRAST
    number = ""
    if side >= NUMBERED_SIDE and weight >= NUMBERED_LEAST:
        kind = "share strong" if weight >= STRONG else "share"
        number = (
            f'<text class="{kind}" x="{x + side / 2:g}" y="{y + side / 2:g}" '
            f'text-anchor="middle" dominant-baseline="central">{100 * weight:.0f}</text>'
        )
    return (
        f'<rect class="weight" x="{x + 0.5:g}" y="{y + 0.5:g}" width="{side - 1}" '
        f'height="{side - 1}" fill-opacity="{opacity:.3f}">'
        f"<title>{' ← '.join(map(_apart, names))}: {weight:.1%}</title></rect>{number}"
    )


def _apart(name: str) -> str:
    """A name, isolated where it runs from right to left and would turn what is beside it around."""
    shown = escape(name)
    turns = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in name)
    return f"\u2068{shown}\u2069" if turns else shown


def _sizes(most: int) -> tuple[int, int]:
    """Side of a cell and size of the letters, for so many rows or columns."""
    side = 34 if most <= 14 else 26 if most <= 28 else 18 if most <= 60 else 12
    return side, min(15, side - 2)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…"


def _room(names: Sequence[str], font: int) -> int:
    """What the longest name needs; characters as wide as Chinese ones count twice."""
    widths = (sum(1 + (letter > "\u2e7f") for letter in _short(name)) for name in names)
    return round(max(widths, default=0) * font * 0.62) + 14
