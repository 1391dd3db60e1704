"""Tables for a terminal, where a Chinese character takes two columns, and in Markdown."""

from collections.abc import Collection, Sequence

from rich.cells import cell_len


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
