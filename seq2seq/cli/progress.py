"""How far a command has come, on one line of a terminal."""

import sys
import time
from pathlib import Path

import typer

from seq2seq.lines import PACKED

BLOCK = 1 << 20


class Progress:
    """Says how many lines are done, of how many, and how long the rest will take.

    Says nothing where nobody looks at a terminal, or where lines are answered as they come.

    Args:
        source: What is read; of a packed file or a pipe nobody knows how many lines it has.
        before: Lines that were done before.
        live: Whether lines are answered as they come.
        total: How many lines there are, where only some of the source are to be done.
    """

    def __init__(self, source: Path, before: int, *, live: bool, total: int | None = None):
        self.shown = sys.stderr.isatty() and not live
        self.before = before
        self.total = count_lines(source) if self.shown and total is None else total
        self.start = time.monotonic()

    def show(self, done: int) -> None:
        """Write the line anew.

        Args:
            done: Lines since the beginning.
        """
        if self.shown:
            seconds = time.monotonic() - self.start
            text = progress_text(done, self.before, self.total, seconds)
            typer.echo(f"\r{text} ", err=True, nl=False)


def progress_text(done: int, before: int, total: int | None, seconds: float) -> str:
    """Put progress into words.

    Args:
        done: Lines that were done.
        before: Lines that were done before.
        total: All lines; None where that is not known.
        seconds: The time for those that were done.

    Returns:
        For example ``1,200 of 5,000 lines, 0:35 left``.
    """
    here = before + done
    if not total or here > total:
        return f"{here:,} lines"
    left = round(seconds * (total - here) / max(1, done))
    hours, rest = divmod(left, 3600)
    clock = f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
    return f"{here:,} of {total:,} lines, {clock} left"


def count_lines(path: Path) -> int | None:
    """How many lines a plain file has; None where that cannot be told without unpacking it."""
    if not path.is_file() or path.suffix in PACKED:
        return None
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(BLOCK), b""))
