"""Tables for a terminal, where a Chinese character takes two columns, in Markdown, on pages."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rich.cells import cell_len


@dataclass(frozen=True)
class Bar:
    """A cell whose figure a page draws as a bar, too.

    Attributes:
        text: the figure as it is printed.
        share: how much of the bar is filled; a negative one leaves it empty.
        chance: whether a line in the middle marks chance.
    """

    text: str
    share: float
    chance: bool = False

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Table:
    """A table of a report, the same for a terminal, in Markdown and on a page.

    Attributes:
        title: the question that it answers.
        head: names of the columns; those that no row fills are left out.
        rows: a cell for each column.
        hint: how it is to be read.
        chosen: number of the row that stands out.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str | Bar, ...], ...]
    hint: str = ""
    chosen: int | None = None

    def __post_init__(self) -> None:
        columns = list(zip(self.head, *self.rows, strict=True))
        filled = [column for column in columns if any(map(str, column[1:]))]
        head, *rows = zip(*filled, strict=True) if filled else [()]
        object.__setattr__(self, "head", head)
        object.__setattr__(self, "rows", tuple(rows))

    def __str__(self) -> str:
        return align([self.head, *([*map(str, row)] for row in self.rows)])


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Fill a cell with spaces.

    Args:
        text: What stands in it.
        width: Columns to fill.
        right: Whether the text stands at the right.
    """
    filling = " " * (width - cell_len(text))
    return filling + text if right else text + filling


def align(rows: Sequence[Sequence[str]], *, left: Collection[int] = (0,)) -> str:
    """Write rows of as many cells each, every column as wide as its widest cell.

    Args:
        rows: The head among them.
        left: Columns whose text stands at the left; numbers stand at the right.

    Returns:
        The lines, without spaces at their ends.
    """
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            pad(cell, width, right=number not in left)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def markdown(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; empty text for no rows.

    Args:
        head: Names of the columns.
        rows: A cell for each column.
    """
    if not rows:
        return ""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
