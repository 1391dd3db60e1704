"""The other processes of a run: the same command again, beside this process, which is the first.

On a CPU a second thread is worth less than a second core: products are short in a model of a few
million weights, and after each of them the threads wait for each other. Processes meet once an
update, to add up their gradients.
"""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate.state import AcceleratorState, GradientState

from seq2seq.errors import TrainingError
from seq2seq.train.ranks import agree

# A launcher has started this process if it set the first of these, or one of those of MPI.
LAUNCHED = "WORLD_SIZE"
MPI_SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
# Each of them numbers the processes of its own, from 0.
RANKS = ("RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK")
THREADS = "OMP_NUM_THREADS"
GLOO_INTERFACE = "GLOO_SOCKET_IFNAME"
READY = "SEQ2SEQ_READY_FILE"
# A process that is gone shows in the next exchange at once, and its exit code a little later.
PATIENCE_SECONDS = 5.0
# Where it does not show (nobody has met yet, or GPUs exchange), the first is ended after this.
STUCK_SECONDS = 30.0
# How long another process may take to end when the work of all is done: nothing is its to save.
END_SECONDS = 30.0
USER_ERROR, INTERRUPTED = 2, 130

_kept_groups: list[object] = []  # see `keep_group`
_kept_stores: list[object] = []  # what the processes meet by is served for as long as it is kept


@dataclass(frozen=True)
class Other:
    """A process of this run that is not the first."""

    rank: int
    process: subprocess.Popen[bytes]
    said: Path
    ready: Path

    @property
    def failed(self) -> bool:
        """Whether it has ended and should not have."""
        return self.process.poll() not in {None, 0}

    @property
    def lost(self) -> bool:
        """Whether it has ended, in whatever way, without having come to the meeting."""
        return self.failed or (self.process.poll() is not None and not self.ready.exists())

    def error(self) -> BaseException:
        """What its end means: a mistake of the user's, a kill, an interruption or a fault."""
        code, said = self.process.returncode, self.said.read_text("utf-8", errors="replace").strip()
        if code == INTERRUPTED:
            return KeyboardInterrupt()
        ended = f"process {self.rank + 1} ended with exit code {code}"
        if code < 0:
            return TrainingError(ended)
        if code == USER_ERROR:
            return TrainingError(f"{ended}: {said.rpartition('error: ')[2]}")
        return RuntimeError(f"{ended}:\n{said}")


@contextmanager
def processes_beside(
    command: Sequence[str], count: int, *, on_gpus: bool = False
) -> Iterator[None]:
    """Let a command take part in this process's run, as so many processes more.

    Does nothing where one process is wanted, or where a launcher has started this one. Threads are
    shared out among the processes, unless OMP_NUM_THREADS says how many each may have.

    Args:
        command: What the other processes run; it must come to ``note_ready`` and then to the
            same work as the block.
        count: Processes that take part, this one among them.
        on_gpus: Whether each of them needs a GPU.

    Raises:
        TrainingError: Another process has found a mistake or was killed, or there are fewer GPUs.
        RuntimeError: Another process has failed.
    """
    if count == 1 or _has_others():
        yield
        return
    if on_gpus and torch.cuda.device_count() < count:
        raise TrainingError(
            f"train.processes = {count}: {torch.cuda.device_count()} GPU(s) found, one needed for "
            "each process"
        )
    _forget_group()  # of a run before this one
    _kept_groups.clear()
    threads, before, others = torch.get_num_threads(), dict(os.environ), list[Other]()
    each = threads if THREADS in os.environ else max(1, threads // count)
    shared, _store = _meeting_place(count, each)
    done = threading.Event()
    with tempfile.TemporaryDirectory(prefix="seq2seq-") as folder:
        try:
            for rank in range(1, count):
                others.append(_start(command, rank, Path(folder), shared))
            _wait_until_ready(others)
            threading.Thread(target=_watch, args=(others, done), daemon=True).start()
            os.environ.update(shared, RANK="0", LOCAL_RANK="0")
            torch.set_num_threads(each)
            yield
            _wait_for_end(others)
        except RuntimeError as error:  # what torch raises where another process is gone
            _tell_why(others, error)
            raise
        finally:
            done.set()
            for other in others:
                other.process.kill()  # nothing is theirs to save
            for other in others:
                other.process.wait()
            _forget_group()
            os.environ.clear()
            os.environ.update(before)
            torch.set_num_threads(threads)


def _has_others() -> bool:
    return LAUNCHED in os.environ or any(os.environ.get(n, "1") != "1" for n in MPI_SIZES)


def is_launched() -> bool:
    """Whether a launcher has started this process, and not the first process of a run."""
    return _has_others() and READY not in os.environ


def goes_on_among(count: int) -> bool:
    """End the group of all processes, and let its first ones form a new one; alone, in none.

    Every process must call it.

    Args:
        count: Processes that go on.

    Returns:
        Whether this process is among them; the others have no more to do.
    """
    rank, size = torch.distributed.get_rank(), torch.distributed.get_world_size()
    shared: dict[str, str] = {}
    if rank == 0 and count > 1:
        shared, store = _meeting_place(count, torch.get_num_threads())
        _kept_stores[:] = [store]
    shared = agree(shared, size)
    _forget_group()
    if rank < count:
        for name in (LAUNCHED, "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
            if count == 1:
                del os.environ[name]
        os.environ.update(shared)
    return rank < count


def is_first() -> bool:
    """Whether this is the first of the processes that whatever launcher has started."""
    return all(int(os.environ.get(name, "0")) == 0 for name in RANKS)


def note_ready() -> None:
    """Tell the first process that this one has come as far as meeting it."""
    if READY in os.environ:
        Path(os.environ[READY]).touch()


def keep_group() -> None:
    """Refer to the group of this run from here until the next run: the last reference is Python's.

    A group of gloo waits for its threads when the last reference to it goes, and they need the
    interpreter to give back the tensors of an exchange just made. Python's reference gives up the
    interpreter while it waits; the one of DistributedDataParallel does not, and all would wait for
    ever.
    """
    if torch.distributed.is_initialized():
        _kept_groups[:] = [torch.distributed.group.WORLD]


def _meeting_place(count: int, threads: int) -> tuple[dict[str, str], object]:
    """Variables as torchrun sets them, and the store that the processes find each other by.

    Nobody outside this machine can connect: the store would listen to everybody unless it is given
    a socket, gloo would take whatever interface the machine's name belongs to.
    """
    # Being asked for port 0, the system gives a free one.
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    store = torch.distributed.TCPStore(  # type: ignore[attr-defined]  # though documented
        "127.0.0.1", port, is_master=True, wait_for_workers=False,
        master_listen_fd=listening.detach(),
    )  # fmt: skip
    shared = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "LOCAL_WORLD_SIZE": str(count),
        THREADS: str(threads),
        "MKL_NUM_THREADS": str(threads),
        LAUNCHED: str(count),
    }
    loopback = {name for _, name in socket.if_nameindex()} & {"lo", "lo0"}
    if loopback and GLOO_INTERFACE not in os.environ:
        shared[GLOO_INTERFACE] = min(loopback)
    return shared, store


def _start(command: Sequence[str], rank: int, folder: Path, shared: Mapping[str, str]) -> Other:
    said, ready = folder / f"{rank}.txt", folder / f"{rank}.ready"
    own = {"RANK": str(rank), "LOCAL_RANK": str(rank), READY: str(ready)}
    own["PYTHONPATH"] = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
    with said.open("wb") as stderr:
        process = subprocess.Popen(
            command, env=os.environ | shared | own, stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=stderr,
        )  # fmt: skip
    return Other(rank, process, said, ready)


def _wait_until_ready(others: Sequence[Other]) -> None:
    """Without this, one that fails on its way would be waited for in vain."""
    while not all(other.ready.exists() for other in others):
        if lost := next((other for other in others if other.lost), None):
            raise lost.error()
        time.sleep(0.02)


def _wait_for_end(others: Sequence[Other]) -> None:
    end = time.monotonic() + END_SECONDS
    while any(other.process.poll() is None for other in others) and time.monotonic() < end:
        time.sleep(0.01)
    if failed := _first_failed(others):
        raise failed.error()


def _watch(others: Sequence[Other], done: threading.Event) -> None:
    """End this process where it waits for one that is gone; nothing else could."""
    while not done.wait(1.0):
        failed = _first_failed(others)
        if failed and not done.wait(STUCK_SECONDS):
            sys.stderr.write(f"error: {failed.error()}\n")
            sys.stderr.flush()
            for other in others:
                other.process.kill()
            os._exit(USER_ERROR)


def _tell_why(others: Sequence[Other], error: RuntimeError) -> None:
    """Raise or print what another process ended of, where one did while this one failed."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (failed := _first_failed(others)) and time.monotonic() < end:
        time.sleep(0.1)
    if not failed:
        return
    reason = failed.error()
    if not isinstance(reason, RuntimeError):
        raise reason from error
    if str(reason) != str(error):  # a fault of both, or of the other alone: both are shown
        sys.stderr.write(f"{reason}\n")


def _first_failed(others: Sequence[Other]) -> Other | None:
    return next((other for other in others if other.failed), None)


def _forget_group() -> None:
    """Let a run in this process find no trace of the one before it."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


def train_command(
    recipe: Path, overrides: Sequence[str], run: Path, *, resume: bool, device: str
) -> list[str]:
    """What starts the same training in another process.

    Args:
        recipe: The recipe.
        overrides: ``key=value`` changes to it.
        run: The run folder.
        resume: Whether the run goes on.
        device: What each process computes on: ``cpu`` or ``cuda``.

    Returns:
        The command and its arguments.
    """
    sets = [word for override in overrides for word in ("--set", override)]
    resumed = ["--resume"] if resume else []
    given = [str(recipe), *sets, "--run", str(run), "--device", device, *resumed]
    # -P: what lies in the current folder must not stand in for an installed package.
    return [sys.executable, "-P", "-m", "seq2seq.train.follow", "train", *given]
