"""The other processes of a run: the same command again, beside this process, which is the first.

On a CPU a small model gains little from a second thread: its products are short, and after each of
them the threads wait for each other. Processes meet once an update, to add up their gradients.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate.state import AcceleratorState, GradientState

from seq2seq.errors import TrainingError

# Variables that torch and Accelerate read, as torchrun sets them for its processes.
LAUNCHED = "WORLD_SIZE"
READY = "SEQ2SEQ_READY_FILE"
PATIENCE_SECONDS = 5.0
LAST_LINES = 5


@dataclass(frozen=True)
class Other:
    """A process of this run that is not the first."""

    rank: int
    process: subprocess.Popen[bytes]
    said: Path
    ready: Path

    def failure(self) -> str | None:
        """How it ended, if it did and should not have."""
        if self.process.poll() in {None, 0}:
            return None
        lines = self.said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last = "\n".join(lines[-LAST_LINES:]) or "it said nothing"
        return f"process {self.rank + 1} ended with exit code {self.process.returncode}: {last}"


@contextmanager
def processes_beside(command: Sequence[str], count: int) -> Iterator[None]:
    """Let a command take part in this process's run, as so many processes more.

    Does nothing where one process is wanted, or where a launcher has started this one.

    Args:
        command: What the other processes run; it must come to ``note_ready`` and then to the
            same work as the block.
        count: Processes that take part, this one among them.

    Raises:
        TrainingError: Another process has failed.
    """
    if count == 1 or LAUNCHED in os.environ:
        yield
        return
    threads = torch.get_num_threads()
    each = max(1, threads // count)
    # The others find each other through this; being asked for port 0, the system gives a free one.
    store = torch.distributed.TCPStore(  # type: ignore[attr-defined]  # though documented
        "127.0.0.1", 0, is_master=True, wait_for_workers=False
    )
    shared = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(store.port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "LOCAL_WORLD_SIZE": str(count),
        "OMP_NUM_THREADS": str(each),
        LAUNCHED: str(count),
    }
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="seq2seq-") as folder:
        others = [_start(command, rank, Path(folder), shared) for rank in range(1, count)]
        try:
            _wait_until_ready(others)
            os.environ.update(shared, RANK="0", LOCAL_RANK="0")
            torch.set_num_threads(each)
            yield
            _wait_for_end(others)
        except RuntimeError as error:  # what torch raises where another process is gone
            if failure := _failure_soon(others):
                raise TrainingError(failure) from error
            raise
        finally:
            _stop(others)
            _leave_group()
            os.environ.clear()
            os.environ.update(before)
            torch.set_num_threads(threads)


def note_ready() -> None:
    """Tell the first process that this one has come as far as meeting it."""
    if READY in os.environ:
        Path(os.environ[READY]).touch()


def _start(command: Sequence[str], rank: int, folder: Path, shared: Mapping[str, str]) -> Other:
    said, ready = folder / f"{rank}.txt", folder / f"{rank}.ready"
    own = {"RANK": str(rank), "LOCAL_RANK": str(rank), READY: str(ready)}
    with said.open("wb") as stderr:
        process = subprocess.Popen(
            command, env=os.environ | shared | own, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=stderr,
        )  # fmt: skip
    return Other(rank, process, said, ready)


def _wait_until_ready(others: Sequence[Other]) -> None:
    """Without this, one that fails on its way would be waited for in vain."""
    while not all(other.ready.exists() for other in others):
        if failure := _failure(others):
            raise TrainingError(failure)
        time.sleep(0.02)


def _wait_for_end(others: Sequence[Other]) -> None:
    for other in others:
        other.process.wait()
    if failure := _failure(others):
        raise TrainingError(failure)


def _failure(others: Sequence[Other]) -> str | None:
    return next(filter(None, (other.failure() for other in others)), None)


def _failure_soon(others: Sequence[Other]) -> str | None:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if failure := _failure(others):
            return failure
        time.sleep(0.1)
    return None


def _stop(others: Sequence[Other]) -> None:
    for other in others:
        other.process.terminate()
    for other in others:
        try:
            other.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            other.process.kill()
            other.process.wait()


def _leave_group() -> None:
    """Let the next run in this process find no trace of the others."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()


def train_command(recipe: Path, overrides: Sequence[str], run: Path, *, resume: bool) -> list[str]:
    """What starts the same training in another process.

    Args:
        recipe: The recipe.
        overrides: ``key=value`` changes to it.
        run: The run folder.
        resume: Whether the run goes on.

    Returns:
        The command and its arguments.
    """
    sets = [word for override in overrides for word in ("--set", override)]
    resumed = ["--resume"] if resume else []
    given = [str(recipe), *sets, "--run", str(run), *resumed]
    return [sys.executable, "-m", "seq2seq", "train", *given]
