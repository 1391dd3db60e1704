"""An output file that survives whatever ends its command, and that a later one goes on behind.

Until it is whole it is called ``F.part`` and lies where F will be. What was written to it are whole
lines, except for the last one where ``kill -9`` or the machine has cut it short; a command that
goes on cuts that off. A lock, which ends with the command that holds it, keeps two commands from
writing to one file. Beside it ``F.part.json`` says what it is made with, so that it is not gone on
with by another model, from another input or with other options.
"""

import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import typer

from seq2seq.cli.output import open_output
from seq2seq.errors import DataError
from seq2seq.files import read_json_object
from seq2seq.run import write_json

BLOCK = 1 << 20
MODEL, MODEL_FILES = "model", "model_files"
"""Where the model lay, and a name for the contents of its files, which alone must be the same."""
CHANGED_INPUT = "input_changed"
"""What may differ: a line that ended a command may have been mended since."""


def part_of(output: Path) -> Path:
    """What an output is called until it is whole."""
    target = output.resolve()
    return target.with_name(f"{target.name}.part")


def record_of(part: Path) -> Path:
    """Where it is said what a part is made with."""
    return part.with_name(f"{part.name}.json")


@contextmanager
def open_kept(
    output: Path, *, resume: bool, made_with: Callable[[], Mapping[str, Any]] | None = None
) -> Iterator[tuple[TextIO, int]]:
    """Write lines to a file, behind those that an earlier command has left.

    Args:
        output: The file; a pipe or a device is written to as it stands.
        resume: Whether to go on behind what was left.
        made_with: Gives what decides the lines, as JSON holds it: options by their names, and
            what is called `MODEL`, `MODEL_FILES` and `CHANGED_INPUT`. Asked only where it is kept.

    Yields:
        Where to write, and how many lines are there already.

    Raises:
        DataError: It cannot be written, another command is writing it, lines were left that would
            be lost, nothing was left to go on behind, or it was made with something else.
    """
    if output.exists() and not output.is_file():
        with open_output(output) as stream:
            yield stream, 0
        return
    part, existed = part_of(output), output.is_file()
    if resume and not part.is_file():
        raise DataError(
            f"{part}: no such file, needed what an interrupted command has left; leave --resume out"
        )
    try:
        with _opened(part, private=existed) as file:
            done = _lines_left(file, part, resume=resume)
            with (
                _kept_if_anything(part),
                open(file.fileno(), "a", encoding="utf-8", newline="\n", closefd=False) as stream,
            ):
                if made_with is not None:
                    _keep_record(record_of(part), made_with, compare=done > 0)
                yield stream, done
            os.fsync(file.fileno())
            if existed:
                part.chmod(stat.S_IMODE(output.stat().st_mode))
            record_of(part).unlink(missing_ok=True)  # first, or a kill would leave it for ever
            part.replace(output.resolve())
    except OSError as error:
        ours = ("None", *map(str, (part, record_of(part), output)))
        if error.errno is None or str(error.filename) not in ours:
            raise
        raise DataError(f"{output}: cannot be written: {error.strerror}") from None
    if existed:
        typer.echo(f"{output}: replaced the file that was there", err=True)


def _opened(part: Path, *, private: bool) -> BinaryIO:
    """Nobody else may read what replaces a private file, not even for a moment."""
    mode = 0o600 if private else 0o666
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(part, flags, mode), "r+b")


def _lines_left(file: BinaryIO, part: Path, *, resume: bool) -> int:
    """Lock a file and cut it to whole lines; how many those are."""
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DataError(
                f"{part}: another command is writing it, needed an --output of its own; wait for "
                "its end, or name another file"
            ) from None
    lines, end, place = 0, 0, 0
    while block := file.read(BLOCK):
        lines += block.count(b"\n")
        if (last := block.rfind(b"\n")) >= 0:
            end = place + last + 1
        place += len(block)
    if lines and not resume:
        raise DataError(
            f"{part}: an interrupted command has left {lines:,} lines; add --resume to go on "
            "behind them, or remove the file"
        )
    file.truncate(end)
    return lines


@contextmanager
def _kept_if_anything(part: Path) -> Iterator[None]:
    """Where a command ends early, say where its lines are, or leave no trace if there are none."""
    before = part.stat().st_size
    try:
        yield
    except BaseException:
        if (size := part.stat().st_size) > before:
            typer.echo(f"what is done is in {part}; add --resume to go on behind it", err=True)
        elif not size:
            part.unlink()
            record_of(part).unlink(missing_ok=True)
        raise


def _keep_record(
    record: Path, made_with: Callable[[], Mapping[str, Any]], *, compare: bool
) -> None:
    """Say what lines are made with; those that are there already must be made with the same."""
    if not compare:
        write_json(record, made_with())
        return
    if not record.is_file():
        typer.echo("note: nothing says what the lines that are there were made with", err=True)
        return
    known = read_json_object(record, error=DataError, needed="what lines were made with")
    now = made_with()
    differing = [
        f"{key} {_said(known.get(key))} then, {_said(now.get(key))} now"
        for key in sorted((known.keys() | now.keys()) - {MODEL, MODEL_FILES, CHANGED_INPUT})
        if known.get(key) != now.get(key)
    ]
    if known.get(MODEL_FILES) != now.get(MODEL_FILES):
        models = f"{_said(known.get(MODEL))} then, {_said(now.get(MODEL))} now"
        differing.insert(0, f"the model's files differ, {models}")
    if differing:
        raise DataError(
            f"--resume: {'; '.join(differing)}, needed what the lines that are there were made "
            f"with; ask for that, remove {record.name} to go on all the same, or "
            f"{record.with_suffix('').name} to begin anew"
        )
    if known.get(CHANGED_INPUT) != now.get(CHANGED_INPUT):
        typer.echo("note: the input was changed since; lines that are written already are not "
                   "done again", err=True)  # fmt: skip


def _said(value: Any) -> str:
    match value:
        case None:
            return "not given"
        case True:
            return "given"
        case str():
            return f"'{value}'"
    return str(value)
