"""What a full or broken disk means for a run, in one line that says what is kept."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seq2seq.errors import TrainingError
from seq2seq.run import Run
from seq2seq.train.checkpoint import steps_saved

# Answers of a disk as a whole; a write that gets one of them names no file.
OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}


@contextmanager
def disk_errors_explained(run: Run) -> Iterator[None]:
    """Turn what the system refuses in a run folder into an error that tells what to do.

    Raises:
        TrainingError: A file of the run cannot be read or written.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in OF_THE_DISK and not _lies_in(run.folder, error.filename):
            raise
        steps = steps_saved(run.checkpoints)
        kept = (
            f"the checkpoint of step {steps[-1]:,} is kept; mend this, then give the same command "
            "with --resume"
            if steps
            else "nothing was saved yet; mend this, then give the command again"
        )
        place = run.folder if error.filename is None else error.filename
        raise TrainingError(
            f"{place}: cannot be read or written ({error.strerror}), needed a run folder that can; "
            f"{kept}"
        ) from error


def _lies_in(folder: Path, name: object) -> bool:
    if not isinstance(name, str | Path):
        return False
    return Path(name).absolute().is_relative_to(folder.absolute())
