"""Attention as SVG: a map of one head, and a grid with one figure for every head.

The colours are blue for attention or above chance and orange for below, which people who cannot
tell red from green can tell apart. They stand in the elements as attributes, so that a picture
looks right by itself; a page's style sheet overrides them by class, for a dark background.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from seq2seq.viewer.content import Grid, Role
from seq2seq.viewer.escape import escape, visible

LEVELS = 16
CONTRAST = 0.7  # below 1, so that small weights can be seen beside large ones
BLUE, ORANGE, INK, LINE = "#1f6feb", "#d9660f", "#1c1e21", "#d9dbdf"
ROLE_COLOURS: Mapping[Role, str] = {
    "pronoun": INK,
    "correct": "#0b5cc0",
    "distractor": "#b4500a",
    "cue": "#5b5f66",
    "decision": INK,
}
LABEL_LETTERS = 16
STYLE = 'font-family="system-ui, sans-serif"'


def level(weight: float) -> int:
    """How strongly a weight from 0 to 1 is drawn, from 0 (not at all) to 16."""
    return int(LEVELS * min(max(weight, 0.0), 1.0) ** CONTRAST + 0.5)


def heat_map(
    weights: Float[np.ndarray, "rows columns"],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    title: str,
    row_roles: Mapping[int, Role] | None = None,
    column_roles: Mapping[int, Role] | None = None,
) -> str:
    """One attention map as an ``<svg>`` element for HTML; ``as_file`` makes a file of it.

    Args:
        weights: attention, or a difference of two: what is negative is orange.
        rows: what reads.
        columns: what is read.
        title: what a screen reader says, and a file viewer shows.
        row_roles: rows to point out: pronoun, antecedent, distractor, cue.
        column_roles: the same for columns.
    """
    cell = cell_size(max(len(rows), len(columns)))
    font = min(13, cell - 2)
    left = _label_width(rows, font)
    top = _label_width(columns, font)
    width, height = left + cell * len(columns) + 2, top + cell * len(rows) + 2
    parts = [
        f'<svg class="map" role="img" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" {STYLE} font-size="{font}"><title>{escape(title)}</title>',
        f'<rect class="field" x="{left}" y="{top}" width="{cell * len(columns)}" '
        f'height="{cell * len(rows)}" fill="none" stroke="{LINE}"/>',
        f'<g transform="translate({left} {top}) scale({cell})">{_cells(weights)}</g>',
    ]
    for number, label in enumerate(rows):
        y = top + cell * (number + 0.5)
        place = f'x="{left - 6}" y="{y:g}" dominant-baseline="central" text-anchor="end"'
        parts.append(_label(label, place, (row_roles or {}).get(number)))
    for number, label in enumerate(columns):
        x = left + cell * (number + 0.5)
        place = f'transform="translate({x:g} {top - 6}) rotate(-90)" dominant-baseline="central"'
        parts.append(_label(label, place, (column_roles or {}).get(number)))
    return "".join([*parts, "</svg>"])


def head_grid(grid: Grid, *, selected: tuple[int, int] | None = None) -> str:
    """Layers by heads, each cell with its accuracy in percent and coloured by it.

    Blue picks the right noun more often than not, orange the wrong one, which says as much about
    the head; white is chance. What is significant is bold, what was chosen has a star. Layers and
    heads are counted from 0.

    Args:
        grid: a figure for each head, or one for each layer.
        selected: layer and head, from 0, to draw a frame around.
    """
    layers, heads = grid.accuracy.shape
    over = "head (from 0)" if grid.by_head else "all heads"
    wide, high, left, top = 36, 26, 64, 40
    width, height = left + wide * heads + 2, top + high * layers + 2
    parts = [
        f'<svg class="heads" role="img" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" {STYLE} font-size="12"><title>{escape(grid.title)}</title>',
        f'<text class="label" x="{left}" y="14" fill="{INK}">{over}</text>',
    ]
    for head in range(heads if grid.by_head else 0):
        x = left + wide * (head + 0.5)
        parts.append(
            f'<text class="label" x="{x:g}" y="32" text-anchor="middle" fill="{INK}">{head}</text>'
        )
    for layer in range(layers):
        y = top + high * layer
        parts.append(
            f'<text class="label" x="{left - 8}" y="{y + high / 2:g}" text-anchor="end" '
            f'dominant-baseline="central" fill="{INK}">layer {layer}</text>'
        )
        for head in range(heads):
            bold = grid.significant is not None and bool(grid.significant[layer, head])
            figure = float(grid.accuracy[layer, head])
            parts.append(_head_cell(figure, left + wide * head, y, bold=bold))
    if selected is not None:
        x, y = left + wide * selected[1], top + high * selected[0]
        parts.append(
            f'<rect class="selected" x="{x}" y="{y}" width="{wide - 2}" height="{high - 2}" '
            f'rx="4" fill="none" stroke="{INK}" stroke-width="2"/>'
        )
    if grid.chosen is not None:
        x, y = left + wide * (grid.chosen[1] + 1) - 8, top + high * grid.chosen[0] + 6
        parts.append(
            f'<text class="label" x="{x}" y="{y}" text-anchor="middle" font-size="10" '
            f'dominant-baseline="central" fill="{INK}">★</text>'
        )
    return "".join([*parts, "</svg>"])


def as_file(svg: str) -> str:
    """An ``<svg>`` element as a file of its own, on white, for a model card or an image viewer."""
    space = ' xmlns="http://www.w3.org/2000/svg"'
    ground = '<rect width="100%" height="100%" fill="#fff"/>'
    head, end, rest = svg.replace("<svg", f"<svg{space}", 1).partition("</title>")
    return head + end + ground + rest


def cell_size(count: int) -> int:
    """Side of a cell, small for a map of many, but its labels can be read."""
    return 24 if count <= 20 else 16 if count <= 40 else 13


def short(label: str) -> str:
    """A label that fits beside a map; where it is cut an ellipsis says so."""
    label = visible(label)
    return label if len(label) <= LABEL_LETTERS else label[: LABEL_LETTERS - 1] + "…"


def _cells(weights: Float[np.ndarray, "rows columns"]) -> str:
    """All cells of the same strength as one path, which keeps large maps small."""
    paths: dict[int, list[str]] = {}
    for row, line in enumerate(weights.tolist()):
        levels = [level(abs(weight)) * (-1 if weight < 0 else 1) for weight in line]
        column = 0
        while column < len(levels):
            end = column + 1
            while end < len(levels) and levels[end] == levels[column]:
                end += 1
            if levels[column]:
                run = f"M{column} {row}h{end - column}v1h{column - end}z"
                paths.setdefault(levels[column], []).append(run)
            column = end
    return "".join(
        f'<path class="{"more" if strength > 0 else "less"}" '
        f'fill="{BLUE if strength > 0 else ORANGE}" fill-opacity="{abs(strength) / LEVELS:g}" '
        f'd="{"".join(runs)}"/>'
        for strength, runs in sorted(paths.items())
    )


def _label(text: str, place: str, role: Role | None) -> str:
    place += ' unicode-bidi="plaintext"'  # a cut word's ellipsis stands where it was cut
    if role is None:
        return f'<text class="label" {place} fill="{INK}">{escape(short(text))}</text>'
    return (
        f'<text class="label {role}" {place} fill="{ROLE_COLOURS[role]}" font-weight="700">'
        f"{escape(short(text))}</text>"
    )


def _head_cell(accuracy: float, x: float, y: float, *, bold: bool) -> str:
    colour, weight = (BLUE if accuracy > 0.5 else ORANGE), ' font-weight="700"' if bold else ""
    strength = min(abs(accuracy - 0.5) * 2, 1.0) * 0.75
    return (
        f'<rect class="{"more" if accuracy > 0.5 else "less"}" x="{x:g}" y="{y:g}" width="34" '
        f'height="24" rx="4" fill="{colour}" fill-opacity="{strength:.2f}" stroke="{LINE}"/>'
        f'<text class="label" x="{x + 17:g}" y="{y + 12:g}" text-anchor="middle" '
        f'dominant-baseline="central" fill="{INK}"{weight}>{100 * accuracy:.0f}</text>'
    )


def _label_width(labels: Sequence[str], font: int) -> int:
    """Room for the longest label, in bold; wide letters such as CJK take two places."""
    longest = max(
        (sum(2 if ord(letter) > 0x2E7F else 1 for letter in short(label)) for label in labels),
        default=0,
    )
    return round(longest * font * 0.72) + 14
