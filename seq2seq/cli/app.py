"""The command line as a program, and what becomes of an error.

Data goes to stdout, progress to stderr. The exit code is 0; 2 for what the user can mend (one
line); 1 for a fault of ours (one line, the traceback if ``SEQ2SEQ_TRACEBACK`` is set); and, as a
shell counts signals, 130 after Ctrl-C, 143 after SIGTERM, 129 after the terminal has gone, and 141
where whoever read our output has left, as after ``| head``. Training that saves itself after
SIGTERM ends with 130 too: one code for all that can be resumed. Nothing imported here loads torch:
asking for help must not take seconds.
"""

import atexit
import gc
import io
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import typer

from seq2seq.cli.commands import ReaderLeft, command_line
from seq2seq.cli.ending_signals import EndingSignals
from seq2seq.errors import DataError, Seq2SeqError

OURS, YOURS, INTERRUPTED, READER_LEFT = 1, 2, 130, 141
TRACEBACK = "SEQ2SEQ_TRACEBACK"
"""If this is set in the environment, a fault of ours shows where it happened."""


def main() -> None:
    """Run the command line; the only place that turns an error into an exit code."""
    atexit.register(gc.freeze)  # garbage among all that torch is made of: a third of a second
    # As often as by default costs a third of the time in which a corpus is made.
    gc.set_threshold(100_000, 20, 20)
    _prepare_streams()
    signals = EndingSignals()
    with signals.obeyed():
        sys.exit(_run(signals))


def _run(signals: EndingSignals) -> int:
    try:
        code = _code_of_command()
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except Seq2SeqError as error:
        return _end(str(error), YOURS)
    except (ReaderLeft, BrokenPipeError):
        _flush_or_give_up(sys.stdout)
        _flush_or_give_up(sys.stderr)
        return READER_LEFT
    except OSError as error:
        if error.errno is None:  # libraries raise it for much else
            return _end_with_our_fault(error, signals)
        if error.filename is None:  # who writes to a file names it
            return _end(f"standard output: cannot be written: {error.strerror}", YOURS)
        return _end(f"{error.filename}: cannot be read or written: {error.strerror}", YOURS)
    except KeyboardInterrupt:  # before the command listens, or after its end
        return _end("interrupted", INTERRUPTED)
    except Exception as error:
        return _end_with_our_fault(error, signals)


def _code_of_command() -> int:
    if sys.stdout is None:
        raise DataError(
            "standard output: it is closed, needed a place for results; send them to a file or "
            "to /dev/null"
        )
    try:
        command_line(sys.argv[1:])(prog_name="seq2seq")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _end(message: str, code: int) -> int:
    _flush_or_give_up(sys.stdout)
    with suppress(OSError):  # the code still tells of an error that nobody can be told in words
        typer.echo(f"error: {message}", err=True)
    _flush_or_give_up(sys.stderr)
    return code


def _end_with_our_fault(error: Exception, signals: EndingSignals) -> int:
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    if signals.came:  # in a library that made an error of its own of it
        return _end("interrupted", 128 + signals.came[-1])
    reason = (str(error).strip().splitlines() or [""])[0]
    return _end(
        f"a fault of ours: {type(error).__name__}: {reason}; run it again with {TRACEBACK}=1 to "
        "see where, and report it",
        OURS,
    )


def _flush_or_give_up(stream: TextIO | None) -> None:
    """Write what a stream still holds; where it takes no more, let go of that.

    Python would try again when it ends, and complain then.
    """
    if stream is None:
        return
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _prepare_streams() -> None:
    """Make text UTF-8 whatever the locale says, and closed streams harmless."""
    # A file that is opened while 0, 1 or 2 is closed gets that number, and what libraries print.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Names of files may be no text at all: stdout repeats their bytes, as other programs
            # do; an error must be able to name one.
            errors = {sys.stdin: "strict", sys.stdout: "surrogateescape"}
            stream.reconfigure(encoding="utf-8", errors=errors.get(stream, "backslashreplace"))
