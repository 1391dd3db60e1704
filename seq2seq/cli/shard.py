"""One of several equal parts of a file, so that several machines share the work."""

import re
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from seq2seq.cli.kept_output import part_of
from seq2seq.errors import DataError
from seq2seq.lines import iterate_lines

SHARD = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")


class Lines(NamedTuple):
    """The lines of a part: how many stand before it, and how many it has; None for all the rest."""

    before: int = 0
    length: int | None = None


def lines_of_shard(source: Path, shard: str | None) -> Lines:
    """Find the lines of a part.

    The parts follow each other, and their sizes differ by at most one line.

    Args:
        source: What is to be cut; read once to count its lines.
        shard: ``I/N``, the I-th of N parts; None for the whole.

    Returns:
        Where the part begins, and how long it is.

    Raises:
        DataError: It is no such name of a part, or the source cannot be read twice.
    """
    if shard is None:
        return Lines()
    found = SHARD.fullmatch(shard)
    part, parts = map(int, found.groups()) if found else (0, 0)
    if not 1 <= part <= parts:
        raise DataError(f"--shard {shard}: needed I/N, the I-th of N parts, such as 1/4")
    if not source.is_file():
        raise DataError(
            f"--shard {shard}: the lines of {source} cannot be counted first, needed --input F, a "
            "file"
        )
    total = sum(1 for _ in iterate_lines(source))
    start, end = (total * number // parts for number in (part - 1, part))
    return Lines(start, end - start)


def lines_behind(
    source: Path, part: Lines, done: int, *, reread: int, output: Path | None
) -> Iterator[str]:
    """Read the lines of a part that are not written yet.

    Args:
        source: What they are read from.
        part: The lines that are asked for.
        done: How many of them are written.
        reread: How many of those to read again, because the lines that follow belong to the same
            chunk; none are where nothing is left to do.
        output: Where they are written, for messages.

    Returns:
        The lines.

    Raises:
        DataError: More are written than the part has, or the source cannot be read.
    """
    first, length = part
    given = iterate_lines(source)
    skipped = sum(1 for _ in islice(given, first + done - reread))
    written = list(islice(given, reread))
    found = skipped + len(written) - first
    most = found if length is None else length
    if done > most:
        raise DataError(
            f"--resume: {done:,} lines are there already, the input has {most:,}, needed the input "
            f"that they were made of; name it, or remove {part_of(output or Path())}"
        )
    left = islice(given, None if length is None else length - done)
    following = list(islice(left, 1)) if written else []
    return chain(written if following else [], following, left)
