"""How results reach stdout or a file: text for people, or one JSON object for programs."""

import json
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TextIO

import typer

from seq2seq.errors import DataError
from seq2seq.files import replacing
from seq2seq.lines import PACKED, STDIN


class Report(Protocol):
    """A result that can say itself both ways."""

    def to_text(self) -> str:
        """For people."""
        ...

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        ...


def print_report(report: Report, *, as_json: bool) -> None:
    """Print a result the way that was asked for."""
    if as_json:
        print_json(report.to_json())
    else:
        typer.echo(report.to_text())


def print_json(content: Any) -> None:
    """Print one JSON object, readable for people too."""
    typer.echo(as_json_text(content))


def as_json_text(content: Any) -> str:
    """JSON that people can read too."""
    return json.dumps(content, indent=2, ensure_ascii=False)


def silence_transformers() -> None:
    """Let it show no progress, and report no weights of tasks: what is missing is refused."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()


def check_output(output: Path) -> None:
    """Refuse what cannot become the output, before any work is done for it.

    Raises:
        DataError: It is a folder, or its name asks for packing.
    """
    if output.suffix in PACKED:
        raise DataError(f"{output}: output is plain text, needed a name without {output.suffix}")
    if output.is_dir():
        raise DataError(f"{output}: a folder, needed the name of a file in it")
    if not output.parent.is_dir():
        raise DataError(f"{output}: cannot be written: {output.parent} is no folder; make it first")


def refuse_overwriting(outputs: Sequence[Path], inputs: Sequence[Path]) -> None:
    """Refuse to write over a file that is read, which would be lost.

    Args:
        outputs: What will be written.
        inputs: What is read; ``-`` is standard input.

    Raises:
        DataError: Two are one file, by whatever names or links.
    """
    read = [found for path in inputs if (found := _regular(path))]
    for output in outputs:
        written = _regular(output)
        if written and any(os.path.samestat(written, one) for one in read):
            raise DataError(
                f"{output}: the file that is read, which would be lost, needed another to write to"
            )


def _regular(path: Path) -> os.stat_result | None:
    """Of a regular file; None of whatever else has that name."""
    try:
        found = os.fstat(0) if str(path) == STDIN else path.stat()
    except (OSError, ValueError):
        return None
    return found if stat.S_ISREG(found.st_mode) else None


@contextmanager
def open_output(output: Path | None) -> Iterator[TextIO]:
    """Stdout, or a file that appears under its name only when it is whole.

    An existing file is replaced, which is said on stderr.

    Args:
        output: The file; None for stdout.

    Raises:
        DataError: It cannot be written.
    """
    if output is None:
        yield sys.stdout
        return
    existed = output.is_file()
    try:
        with replacing(output) as stream:
            yield stream
    except OSError as error:
        if error.filename != str(output):
            raise
        raise DataError(f"{output}: cannot be written: {error.strerror}") from None
    if existed:
        typer.echo(f"{output}: replaced the file that was there", err=True)
