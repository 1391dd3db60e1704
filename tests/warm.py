"""Processes of their own without the seconds that every one of them spends on loading torch.

A server that has loaded what takes long forks a child for each program. The child is a process like
any other (it can be killed, has its own environment and its own output) and runs the program from
its first line; only what was loaded before the fork is there already.
"""

import atexit
import contextlib
import faulthandler
import gc
import importlib
import json
import os
import runpy
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, Self

# A program that takes longer waits for something that will never come: none of ours takes as long.
LIMIT_SECONDS = 300.0


class Ended(NamedTuple):
    """How a program ended; a negative code names the signal that killed it."""

    returncode: int
    stdout: str
    stderr: str


class Started:
    """A program on its way."""

    def __init__(self, server: "Warm", pid: int, folder: tempfile.TemporaryDirectory[str]):
        self._server, self.pid, self._folder = server, pid, folder

    def wait_until_said(self, words: str) -> None:
        """Wait for words on its standard error, or for its end."""
        said = Path(self._folder.name, "err")
        while not (said.exists() and words in said.read_text("utf-8")) and not self._has_ended():
            time.sleep(0.01)

    def _has_ended(self) -> bool:
        """Whether it only waits for somebody to ask for its exit code."""
        status = Path(f"/proc/{self.pid}/stat").read_text("ascii", errors="replace")
        return status.rpartition(")")[2].split()[0] == "Z"

    def wait(self) -> Ended:
        """Wait for its end; one that hangs is ended, and its stderr shows where it hung."""
        code = os.waitstatus_to_exitcode(self._server.ask(wait=self.pid, seconds=LIMIT_SECONDS))
        out, err = (Path(self._folder.name, name).read_text("utf-8") for name in ("out", "err"))
        self._folder.cleanup()
        sys.stderr.write(err)  # pytest shows it where a test fails
        return Ended(code, out, err)


class Warm:
    """A server that has loaded some modules.

    Args:
        modules: What to load, by name, or by path where it is no module of a package.
    """

    def __init__(self, *modules: str):
        self._process = subprocess.Popen(
            [sys.executable, __file__, *modules],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)

    def start(
        self,
        program: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        text: str = "",
        folder: Path | None = None,
    ) -> Started:
        """Start what ``python *program`` would.

        Args:
            program: ``("-c", code, *arguments)``, ``("-m", module, *arguments)`` or
                ``(script, *arguments)``.
            environment: What to set in it beside the environment of the tests.
            text: For its standard input.
            folder: Where it runs.
        """
        files = tempfile.TemporaryDirectory()
        Path(files.name, "in").write_text(text, encoding="utf-8")
        pid = self.ask(
            program=[str(word) for word in program],
            environment={**os.environ, **(environment or {})},
            files=files.name,
            folder=str(folder or Path.cwd()),
        )
        return Started(self, pid, files)

    def run(self, program: Sequence[str | Path], **given: Any) -> Ended:
        """Start a program, as in `start`, and wait for its end."""
        return self.start(program, **given).wait()

    def ask(self, **request: Any) -> int:
        """A question to the server, and its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def serve() -> dict[str, Any]:
    """Fork a child for every request; returns in the child alone, with what it is to do."""
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        if "wait" in request:
            answer = wait(request["wait"], request["seconds"])
        else:
            answer = os.fork()
            if answer == 0:
                os.setsid()
                return request
        os.write(1, f"{answer}\n".encode())
    sys.exit()


def wait(pid: int, seconds: float) -> int:
    """The status that a child ended with; one that hangs must first say where, then die."""
    if not ends_within(pid, seconds):
        # Its own children too, which it may be waiting for; one after another, because they share a
        # file for their stacks.
        for process in processes_of_group(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGABRT)
            ends_within(process, 10.0)
        os.killpg(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def ends_within(pid: int, seconds: float) -> bool:
    """Whether a process ends in this time; one that nobody waits for has ended as well."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], seconds)[0])
    finally:
        os.close(process)


def processes_of_group(group: int) -> list[int]:
    """The processes of a group, its leader first."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended since
            fields = status.read_text("ascii", errors="replace").rpartition(")")[2].split()
            if int(fields[2]) == group:  # state, parent, group
                found.append(int(status.parent.name))
    return sorted(found, key=lambda process: (process != group, process))


def become(request: dict[str, Any]) -> None:
    """Make this process the one that was asked for."""
    names = (
        ("in", os.O_RDONLY),
        ("out", os.O_WRONLY | os.O_CREAT),
        ("err", os.O_WRONLY | os.O_CREAT),
    )
    for number, (name, flags) in enumerate(names):
        file = os.open(os.path.join(request["files"], name), flags)  # noqa: PTH118
        os.dup2(file, number)
        os.close(file)
    faulthandler.enable(2)  # SIGABRT ends it with the stacks of all its threads
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - lives as long as we do
    # That of the server remembers whether it could seek in a file, and this one may be a pipe.
    sys.stderr = open(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    kind, *rest = request["program"]
    sys.argv = [kind, *rest] if kind not in ("-c", "-m") else ["-c", *rest[1:]]
    paths = request["environment"].get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [path for path in paths if path]


def run(program: Sequence[str]) -> None:
    """Run a program as ``python *program`` does."""
    match program:
        case ["-c", code, *_]:
            exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
        case ["-m", module, *_]:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case [script, *_]:
            runpy.run_path(script, run_name="__main__")


def end(error: BaseException | None) -> NoReturn:
    """End as Python would, but without taking every loaded module down, which takes as long."""
    code: Any = error.code if isinstance(error, SystemExit) else int(error is not None)
    if isinstance(code, str):
        sys.stderr.write(code + "\n")
    elif error is not None and not isinstance(error, SystemExit):
        traceback.print_exception(error)
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if not stream.closed:
            stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    # As pytest does, so that programs find the tests, and this checkout before any other seq2seq.
    sys.path[0] = str(Path(__file__).parent.parent)
    gc.disable()
    for name in sys.argv[1:]:
        if name.endswith(".py"):
            runpy.run_path(name)
        else:
            importlib.import_module(name)
    gc.freeze()  # a collection in a child would copy all that it shares
    gc.enable()
    asked = serve()
    become(asked)
    try:
        run(asked["program"])
    except BaseException as error:
        end(error)
    end(None)
