"""Starts the workers of a run: further processes that run the command of the first one.

On a CPU a second thread is worth less than a second core: products are short in a model of a few
million weights, and after each of them the threads wait for each other. Processes meet once an
update, to add up their gradients.
"""

import atexit
import gc
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
from seq2seq.train.ranks import broadcast

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
# How long a worker may take to end when the work of all is done: it has nothing to save.
END_SECONDS = 30.0
USER_ERROR, INTERRUPTED = 2, 130

_kept_groups: list[object] = []  # see `keep_group`
_kept_stores: list[object] = []  # a store is served for as long as it is kept


@dataclass(frozen=True)
class Worker:
    """A process of this run that the first has started."""

    rank: int
    process: subprocess.Popen[bytes]
    stderr: Path
    ready: Path

    @property
    def failed(self) -> bool:
        """Whether it has ended and should not have."""
        return self.process.poll() not in {None, 0}

    @property
    def lost(self) -> bool:
        """Whether it has ended, in whatever way, without having reached the rendezvous."""
        return self.failed or (self.process.poll() is not None and not self.ready.exists())

    def error(self) -> BaseException:
        """What its end means: a mistake of the user's, a kill, an interruption or a fault."""
        code, said = (
            self.process.returncode,
            self.stderr.read_text("utf-8", errors="replace").strip(),
        )
        if code == INTERRUPTED:
            return KeyboardInterrupt()
        ended = f"process {self.rank + 1} ended with exit code {code}"
        if code < 0:
            return TrainingError(ended)
        if code == USER_ERROR:
            return TrainingError(f"{ended}: {said.rpartition('error: ')[2]}")
        return RuntimeError(f"{ended}:\n{said}")


@contextmanager
def launched_workers(
    command: Sequence[str], count: int, *, on_gpus: bool = False
) -> Iterator[None]:
    """Start workers that take part in the run of this process, and end them after the block.

    Does nothing where one process is wanted, or where a launcher has started this one. Threads are
    shared out among the processes, unless OMP_NUM_THREADS says how many each may have.

    Args:
        command: What each worker runs; it must come to ``note_ready`` and then to the same work
            as the block.
        count: Processes that take part, this one among them.
        on_gpus: Whether each of them needs a GPU.

    Raises:
        TrainingError: A worker has found a mistake or was killed, or there are fewer GPUs.
        RuntimeError: A worker has failed.
    """
    if count == 1 or _is_one_of_several():
        yield
        return
    if on_gpus and torch.cuda.device_count() < count:
        raise TrainingError(
            f"train.processes = {count}: {torch.cuda.device_count()} GPU(s) found, one needed for "
            "each process"
        )
    _forget_group()  # of a run before this one
    _kept_groups.clear()
    threads, before, workers = torch.get_num_threads(), dict(os.environ), list[Worker]()
    each = threads if THREADS in os.environ else max(1, threads // count)
    shared, _store = _rendezvous(count, each)
    done = threading.Event()
    with tempfile.TemporaryDirectory(prefix="seq2seq-") as folder:
        try:
            for rank in range(1, count):
                workers.append(_start(command, rank, Path(folder), shared))
            _wait_until_ready(workers)
            threading.Thread(target=_watch, args=(workers, done), daemon=True).start()
            os.environ.update(shared, RANK="0", LOCAL_RANK="0")
            torch.set_num_threads(each)
            yield
            _wait_for_end(workers)
        except RuntimeError as error:  # what torch raises where a worker is gone
            _tell_why(workers, error)
            raise
        finally:
            done.set()
            for worker in workers:
                worker.process.kill()  # they have nothing to save
            for worker in workers:
                worker.process.communicate()  # waits for its end, and closes its pipe
            _forget_group()
            os.environ.clear()
            os.environ.update(before)
            torch.set_num_threads(threads)


def _is_one_of_several() -> bool:
    return LAUNCHED in os.environ or any(os.environ.get(n, "1") != "1" for n in MPI_SIZES)


def has_launcher() -> bool:
    """Whether a launcher such as torchrun has started this process, not the first one of a run."""
    return _is_one_of_several() and READY not in os.environ


def shrink_group(count: int) -> bool:
    """End the process group, and form a new one of its first processes; none of one alone.

    Every process must call it.

    Args:
        count: Processes that go on.

    Returns:
        Whether this process is among them; the others have no more to do.
    """
    rank, size = torch.distributed.get_rank(), torch.distributed.get_world_size()
    shared: dict[str, str] = {}
    if rank == 0 and count > 1:
        shared, store = _rendezvous(count, torch.get_num_threads())
        _kept_stores[:] = [store]
    shared = broadcast(shared, size)
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
    """Tell the first process that this worker has come as far as the rendezvous."""
    if READY in os.environ:
        Path(os.environ[READY]).touch()


def keep_group() -> None:
    """Refer to the group of this run from here to the next run or the end: the last to do so.

    A group of gloo waits for its threads when the last reference to it goes, and they need the
    interpreter to give back the tensors of an exchange just made. Python's reference gives up the
    interpreter while it waits; the one of DistributedDataParallel does not, and all would wait for
    ever.
    """
    if torch.distributed.is_initialized():
        _kept_groups[:] = [torch.distributed.group.WORLD]
        atexit.unregister(_let_group_go)
        atexit.register(_let_group_go)


def _let_group_go() -> None:
    """Wait for the threads of the group while there is an interpreter.

    Where one of them asks for the interpreter that has ended, Python ends the thread, and C++ the
    process: "terminate called without an active exception".
    """
    gc.collect()  # what is left of DistributedDataParallel must not be the last to refer to it
    _kept_groups.clear()


def _rendezvous(count: int, threads: int) -> tuple[dict[str, str], object]:
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


def _start(command: Sequence[str], rank: int, folder: Path, shared: Mapping[str, str]) -> Worker:
    said, ready = folder / f"{rank}.txt", folder / f"{rank}.ready"
    own = {"RANK": str(rank), "LOCAL_RANK": str(rank), READY: str(ready)}
    own["PYTHONPATH"] = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
    with said.open("wb") as stderr:
        process = subprocess.Popen(
            command, env=os.environ | shared | own, stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=stderr,
        )  # fmt: skip
    return Worker(rank, process, said, ready)


def _wait_until_ready(workers: Sequence[Worker]) -> None:
    """Without this, one that fails on its way would be waited for in vain."""
    while not all(worker.ready.exists() for worker in workers):
        if lost := next((worker for worker in workers if worker.lost), None):
            raise lost.error()
        time.sleep(0.02)


def _wait_for_end(workers: Sequence[Worker]) -> None:
    end = time.monotonic() + END_SECONDS
    while any(worker.process.poll() is None for worker in workers) and time.monotonic() < end:
        time.sleep(0.01)
    if failed := _first_failed(workers):
        raise failed.error()


def _watch(workers: Sequence[Worker], done: threading.Event) -> None:
    """End this process where it waits for one that is gone; nothing else could."""
    while not done.wait(1.0):
        failed = _first_failed(workers)
        if failed and not done.wait(STUCK_SECONDS):
            sys.stderr.write(f"error: {failed.error()}\n")
            sys.stderr.flush()
            for worker in workers:
                worker.process.kill()
            os._exit(USER_ERROR)


def _tell_why(workers: Sequence[Worker], error: RuntimeError) -> None:
    """Raise or print the error of a worker, where one failed too."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (failed := _first_failed(workers)) and time.monotonic() < end:
        time.sleep(0.1)
    if not failed:
        return
    reason = failed.error()
    if not isinstance(reason, RuntimeError):
        raise reason from error
    if str(reason) != str(error):  # a fault of both, or of the worker alone: both are shown
        sys.stderr.write(f"{reason}\n")


def _first_failed(workers: Sequence[Worker]) -> Worker | None:
    return next((worker for worker in workers if worker.failed), None)


def _forget_group() -> None:
    """Let a run in this process find no trace of the one before it."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


def worker_command(
    recipe: Path, overrides: Sequence[str], run: Path, *, resume: bool, device: str
) -> list[str]:
    """The command that starts a worker of the same training.

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
    return [sys.executable, "-P", "-m", "seq2seq.train.worker", "train", *given]
