"""Trains a recipe and kills itself with SIGKILL at a chosen moment; run by the resume tests.

    python killed_training.py RECIPE RUN MOMENT COUNT

MOMENT is what is counted, COUNT after how many of them in this process the kill comes:
"micro-batch" (inside an update, which has several), "flush" (inside a save, between two files),
"candidate" (after the weights of a validation were written, before its checkpoint), "update"
(between two updates), or "never". SIGKILL cannot be caught: nothing is cleaned up.

Where the recipe asks for several processes, the others are forks of this one, which has loaded
torch already; a training by ``python -m seq2seq`` starts them as a user's does.
"""

import os
import runpy
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, NoReturn

import torch

from seq2seq.train import checkpoint, checkpoint_writer, launch, loop
from seq2seq.train.run import train

MOMENTS: dict[str, tuple[Any, str]] = {
    "micro-batch": (loop.Loop, "_backward"),
    "update": (loop.Loop, "update"),
    "candidate": (checkpoint_writer.CheckpointWriter, "keep_candidate"),
    "flush": (checkpoint, "_flush"),
}


def die_after(function: Callable[..., Any], count: int) -> Callable[..., Any]:
    calls, process = 0, os.getpid()

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        result = function(*args, **kwargs)
        calls += 1
        if calls == count and os.getpid() == process:
            os.kill(process, signal.SIGKILL)
        return result

    return counted


class Fork:
    """What `subprocess.Popen` is asked for where ``python -P -m`` runs a module."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        stdin: int,
        stdout: int,
        stderr: IO[bytes],
    ):
        assert (command[1:3], stdin, stdout) == (["-P", "-m"], subprocess.PIPE, subprocess.DEVNULL)
        self.returncode: int | None = None
        self._asking = threading.Lock()
        read, self._write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _become(command[3:], env, (read, os.open(os.devnull, os.O_WRONLY), stderr.fileno()))
        os.close(read)

    def poll(self) -> int | None:
        """The exit code, if there is one by now; asked by two threads."""
        with self._asking:
            if self.returncode is None:
                ended, status = os.waitpid(self.pid, os.WNOHANG)
                if ended:
                    self.returncode = os.waitstatus_to_exitcode(status)
                    os.close(self._write)
            return self.returncode

    def communicate(self) -> None:
        """Wait for its end."""
        while self.poll() is None:
            time.sleep(0.01)

    def kill(self) -> None:
        """End it, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


def _become(
    program: Sequence[str], environment: Mapping[str, str], streams: Sequence[int]
) -> NoReturn:
    """Run a module as ``python -m`` does, with nothing open of the process that this one was."""
    code = 1
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(3, 1 << 16)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv[1:] = program[1:]
        runpy.run_module(program[0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)  # what is cleared away at an end is the first process's


if __name__ == "__main__":
    starting = SimpleNamespace(**vars(subprocess) | {"Popen": Fork})
    launch.subprocess = starting  # type: ignore[assignment]  # there alone
    recipe, run, moment, count = sys.argv[1:5]
    torch.set_num_threads(1)
    # A thread gets the interpreter only where the training gives it up by itself: whoever waits for
    # one that needs it waits for ever, not now and then.
    sys.setswitchinterval(1000)
    if moment != "never":
        owner, name = MOMENTS[moment]
        setattr(owner, name, die_after(getattr(owner, name), int(count)))
    train(Path(recipe), run_folder=Path(run), resume=True)
