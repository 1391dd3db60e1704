"""One training at a time in a run folder: two would overwrite each other's checkpoints and model.

The lock is the operating system's, which forgets it with the process that holds it, however that
ends: a killed run leaves nothing behind that would have to be removed by hand.
"""

import errno
import fcntl
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from seq2seq.errors import CheckpointError
from seq2seq.run import Run

# What a disk answers that has no locks, as some that are shared between machines.
WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


@contextmanager
def sole_training(run: Run) -> Iterator[None]:
    """Keep every other training out of a run folder for the length of the block.

    Args:
        run: The folder; it is made, and goes again if nothing else was written to it.

    Raises:
        CheckpointError: Another training is at work there.
    """
    made = not run.folder.exists()
    descriptor = _lock(run)
    try:
        yield
    finally:
        with suppress(OSError):
            run.lock.unlink()
            if made:
                run.folder.rmdir()
        os.close(descriptor)  # last: whoever gets the lock now sees that its file is gone


def _lock(run: Run) -> int:
    """The open file that the lock is on, which others may take away until it is locked."""
    while True:
        run.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(run.lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            _take(run, descriptor)
            if _is_open_file_of(run, descriptor):
                os.truncate(descriptor, 0)
                os.write(descriptor, _holder().encode())
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _take(run: Run, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 1000).decode("utf-8", errors="replace").strip()
        raise CheckpointError(
            f"{run.folder}: another training is at work there ({holder or 'just started'}), needed "
            "a folder that no other writes to; stop that one or wait for its end, or give another "
            "folder with --run"
        ) from None
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
        sys.stderr.write(
            f"warning: {run.folder}: this disk has no locks ({error.strerror}); see to it yourself "
            "that no second training writes there\n"
        )


def _is_open_file_of(run: Run, descriptor: int) -> bool:
    """Whether the file still lies there, and not another of its name."""
    try:
        return os.path.samestat(os.fstat(descriptor), run.lock.stat())
    except FileNotFoundError:
        return False


def _holder() -> str:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return f"process {os.getpid()} on {socket.gethostname()} since {since}\n"
