"""Which processes of a run write to its folder: one for each disk that the folder lies on.

Processes of one machine see one folder, those of several machines one or several, as the machines
share a disk or not. Whoever comes first on a disk writes there what later work reads: tokenizer,
facts, checkpoints and candidates. What only people read (log, translations, the model) is written
by the first process of all.
"""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from accelerate import PartialState

from seq2seq.errors import CheckpointError, TrainingError
from seq2seq.train.checkpoint import (
    checkpoint_path,
    damage,
    newest_sound_checkpoint,
    read_progress,
    steps_saved,
)
from seq2seq.train.ranks import broadcast, gather


def writes_here(state: PartialState, folder: Path) -> bool:
    """Whether this process is the first of those that see a folder; every process must call it.

    Each looks for the files of all others by name, because a list of a folder on a network disk
    may be half a minute old.
    """
    if state.num_processes == 1:
        return True
    token = broadcast(uuid.uuid4().hex, state.num_processes)
    files = [folder / f".tmp-process-{token}-{rank}" for rank in range(state.num_processes)]
    folder.mkdir(parents=True, exist_ok=True)
    files[state.process_index].touch()
    state.wait_for_everyone()
    first = next(rank for rank, file in enumerate(files) if file.exists())
    state.wait_for_everyone()
    files[state.process_index].unlink()
    state.wait_for_everyone()  # or the first would clear the folder while others still look
    return bool(state.process_index == first)


@contextmanager
def writers_first(state: PartialState, *, writes: bool) -> Iterator[None]:
    """Let those that write go through the block first: the others find there what they need."""
    if not writes:
        state.wait_for_everyone()
    yield
    if writes:
        state.wait_for_everyone()


def refuse_different(facts: Mapping[str, str], processes: int) -> None:
    """See that every process has read the same text and the same tokenizer.

    Args:
        facts: Hashes by name.
        processes: That take part.

    Raises:
        TrainingError: On all processes, where one of them has another.
    """
    everyones = gather(dict(facts), processes)
    for rank, theirs in enumerate(everyones):
        names = [name for name, found in everyones[0].items() if theirs.get(name) != found]
        if names:
            raise TrainingError(
                f"process {rank + 1}: its {', '.join(names)} differ from those of process 1, "
                "needed the same on every machine; copy data and run folder from the first"
            )


def common_checkpoint(folder: Path, processes: int) -> tuple[Path | None, list[tuple[Path, str]]]:
    """The newest checkpoint that is sound on every disk; every process must call it.

    Where a run lies on several disks and one machine died before the others, it has saved less.

    Args:
        folder: Of the checkpoints.
        processes: That take part.

    Returns:
        Its path, None where nothing was saved; and each newer one on this disk with what is wrong
        with it.

    Raises:
        CheckpointError: It is not on every disk, or damaged on this one.
    """
    sound, passed_over = newest_sound_checkpoint(folder) if steps_saved(folder) else (None, [])
    steps = gather(read_progress(sound).step if sound else 0, processes)
    if not any(steps):
        return None, []
    common = min(step for step in steps if step)
    checkpoint = checkpoint_path(folder, common)
    if checkpoint != sound and (problem := damage(checkpoint)):
        raise CheckpointError(
            f"{checkpoint}: {problem}, needed the same checkpoint on the disk of every machine; "
            "copy the run folder from one of them"
        )
    known = {path for path, _ in passed_over}
    newer = [checkpoint_path(folder, step) for step in steps_saved(folder) if step > common]
    more = [(path, "not saved on every disk") for path in newer if path not in known]
    return checkpoint, passed_over + more
