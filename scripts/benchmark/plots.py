"""Plots as SVG files, the same byte for byte from the same figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from seq2seq.errors import DataError
from seq2seq.viewer.svg import BLUE, INK, ORANGE

COLOURS = (BLUE, ORANGE, INK)


@dataclass(frozen=True)
class Bars:
    """A bar for each ratio, beside a line at 1."""

    title: str
    ratios: Mapping[str, float]


@dataclass(frozen=True)
class Lines:
    """One figure over another, a line for each name."""

    title: str
    across: str
    up: str
    lines: Mapping[str, Sequence[tuple[float, float]]]


def draw(drawn: Bars | Lines, path: Path) -> None:
    """Write a plot.

    Args:
        drawn: What to draw.
        path: The SVG file.

    Raises:
        DataError: matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError:
        raise DataError(
            "matplotlib: not installed, needed for plots; 'pip install matplotlib'"
        ) from None
    from matplotlib.figure import Figure

    # Text stays text, and names in the file come from figures alone, not from chance.
    with matplotlib.rc_context({"svg.hashsalt": "seq2seq", "svg.fonttype": "none"}):
        rows = len(drawn.ratios) if isinstance(drawn, Bars) else 8
        figure = Figure(figsize=(7, 1.2 + 0.35 * rows), layout="constrained")
        # Of the whole figure: over the bars alone, which long names leave little room, it is cut.
        figure.suptitle(drawn.title, x=0.01, horizontalalignment="left")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        if isinstance(drawn, Bars):
            draw_bars(axes, drawn)
        else:
            draw_lines(axes, drawn)
        figure.savefig(path, format="svg", metadata={"Date": None})


def draw_bars(axes: Any, drawn: Bars) -> None:
    """Bars from top to bottom in the order given, each with its number."""
    bars = axes.barh(list(drawn.ratios), list(drawn.ratios.values()), color=BLUE)
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.axvline(1, color=INK, linewidth=1)
    axes.invert_yaxis()


def draw_lines(axes: Any, drawn: Lines) -> None:
    """Lines with a mark at each measurement."""
    for (name, points), colour in zip(drawn.lines.items(), cycle(COLOURS), strict=False):
        across, up = zip(*sorted(points), strict=True)
        axes.plot(across, up, marker="o", color=colour, label=name)
    axes.set(xlabel=drawn.across, ylabel=drawn.up, xscale="log")
    measured = sorted({point[0] for points in drawn.lines.values() for point in points})
    axes.set_xticks(measured, [f"{value:,}" for value in measured])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    if len(drawn.lines) > 1:
        axes.legend(frameon=False)
