"""Runs of the command, each in a process forked from one that has loaded what takes long.

A forked process can hang, be killed, close its streams or fill a folder without harm to the next.
"""

import _thread
import gc
import importlib
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.fuzz.inputs import Input, make

MODULES = ("torch", "transformers", "datasets", "seq2seq.cli.app", "seq2seq.translate", "seq2seq.score.report",
           "seq2seq.doctor", "seq2seq.probe.study", "seq2seq.engines.stock", "seq2seq.data.prepare",
           "transformers.models.m2m_100.modeling_m2m_100", "sacrebleu.metrics", "seq2seq.train.run",
           "seq2seq.publish.plan", "seq2seq.publish.export", "langcodes")  # fmt: skip
SECONDS = 40  # more than any needs that has a core for itself
MOST_BYTES = 6 << 30  # what asks for more must not take the machine with it
CODES = {"reader left": 141, "SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}
"""The exit codes that an interruption may have, beside 0 and 2."""
PREFIX = f"seq2seq-fuzz-{os.getpid()}-"  # others may run beside us


@dataclass(frozen=True)
class Outcome:
    """How one run ended, and what is wrong with that."""

    kind: str
    number: int
    arguments: tuple[str, ...]
    code: int
    stderr: str
    problems: tuple[str, ...]

    def cause(self) -> str:
        """The last line of what was said, which names the exception if there was one."""
        lines = self.stderr.strip().splitlines()
        return f"{', '.join(self.problems)}: {lines[-1][:140] if lines else ''}"


def load() -> None:
    """Import what the commands import; a fork has it then, and looks for no garbage in it."""
    for module in MODULES:
        importlib.import_module(module)
    gc.freeze()


def run(kind: str, seed: int, number: int, *, seconds: float = SECONDS) -> Outcome:
    """Make an input, run it for no longer than some time, and judge how it ended."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        top = Path(name)
        folder = top / "work"
        folder.mkdir()
        tried = make(kind, seed, number, folder)
        code = _call(tried, folder, top, seconds)
        streams = [top / "out", top / "err"]
        if not all(stream.is_file() for stream in streams):
            return Outcome(kind, number, tried.arguments, code, "", ("removed files around it",))
        out, said = streams[0].read_bytes(), streams[1].read_text("utf-8", "replace")
        problems = tuple(find_problems(tried, code, out, said, top))
        for path in sorted(top.rglob("*")):
            if path.is_fifo():
                path.unlink()
    return Outcome(kind, number, tried.arguments, code, said, problems)


def _call(tried: Input, folder: Path, top: Path, seconds: float) -> int:
    """The exit code; -14 where the time ran out."""
    (top / "in").write_bytes(tried.stdin)
    child = os.fork()
    if child == 0:
        _become(tried, folder, top)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        _end_pipes(tried, folder)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -signal.SIGALRM


def _end_pipes(tried: Input, folder: Path) -> None:
    """Give pipes that are read as text their end, for which a program rightly waits.

    Settings must not be waited for; a recipe is all of them that a command line can name.
    """
    for word in tried.arguments:
        with suppress(OSError, ValueError):  # no name of a file, or nobody reads it yet
            if not word.endswith(".toml") and (folder / word).is_fifo():
                os.close(os.open(folder / word, os.O_WRONLY | os.O_NONBLOCK))


def _become(tried: Input, folder: Path, top: Path) -> None:
    """Run the command in this process and end it."""
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
        os.chdir(folder)
        os.environ["HOME"] = str(folder)
        for number, (path, flags) in enumerate(
            (
                (top / "in", os.O_RDONLY),
                (top / "out", os.O_WRONLY | os.O_CREAT),
                (top / "err", os.O_WRONLY | os.O_CREAT),
            )
        ):
            os.dup2(os.open(path, flags), number)
        if tried.interruption in ("reader left", "full disk"):
            os.dup2(_poor_output(tried.interruption), 1)
        sys.stdin, sys.stdout, sys.stderr = (
            open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
            for number, mode in ((0, "r"), (1, "w"), (2, "w"))
        )
        # as the interpreter gives arguments that are no text
        sys.argv = ["seq2seq", *tried.arguments]
        from seq2seq.cli import app

        if tried.interruption in signal.Signals.__members__:
            _interrupt_later(app, signal.Signals[tried.interruption], tried.after_seconds)
        try:
            app.main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except BaseException:
                code = code or 1
        os._exit(code & 0xFF)


def _poor_output(kind: str) -> int:
    """Something to write to that takes nothing: a pipe without a reader, or a full disk."""
    if kind == "full disk":
        return os.open("/dev/full", os.O_WRONLY)
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def _interrupt_later(program: ModuleType, number: signal.Signals, seconds: float) -> None:
    """Send a signal some time after the command has begun."""
    original = program.command_line

    def interrupt() -> None:
        time.sleep(seconds)
        os.kill(os.getpid(), number)

    def begin(words: list[str]) -> Any:
        # One of threading's would be waited for until it runs, and a signal that ends this wait
        # may leave a lock that is released twice.
        _thread.start_new_thread(interrupt, ())
        return original(words)

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup ignores it
    setattr(program, "command_line", begin)  # noqa: B010 - a module has no such attribute to mypy


def find_problems(tried: Input, code: int, out: bytes, said: str, top: Path) -> list[str]:
    """What is wrong with how a run ended.

    Args:
        tried: What was run.
        code: Its exit code; negative for the signal that ended it.
        out: What it wrote to stdout.
        said: What it wrote to stderr.
        top: The folder around its own, in which nothing else may stand.
    """
    problems = []
    if code == -signal.SIGALRM:
        return ["no end"]
    if code not in (0, 2, CODES.get(tried.interruption)):
        problems.append(f"exit code {code}")
    if "Traceback (most recent call last)" in said:
        problems.append("traceback")
    if code == 2 and not said.strip():
        problems.append("exit code 2 without a word")
    if code == 0 and tried.lines is not None and out.count(b"\n") != tried.lines:
        problems.append(f"{out.count(bytes([10]))} lines out for {tried.lines} in")
    known = {"work", "in", "out", "err"}
    strangers = sorted(path.name for path in top.iterdir() if path.name not in known)
    if strangers:
        problems.append(f"wrote outside its folder: {strangers}")
    return problems


def clear_leftovers() -> None:
    """Remove folders of runs that were killed themselves."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        shutil.rmtree(path, ignore_errors=True)
