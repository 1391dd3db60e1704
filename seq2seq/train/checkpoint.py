"""Checkpoints that survive a kill at any moment: written whole or not at all, checked by hash.

A checkpoint is a folder ``step-000400`` of safetensors and JSON files (nothing is ever unpickled).
It is written under a temporary name, every file and the folder are flushed to disk, a manifest with
the SHA-256 of each file goes in last, and one rename makes it visible. Loading checks the manifest;
a checkpoint that is damaged, or whose candidates for the best model are, is passed over for the one
before it, and said.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.optim import Optimizer

from seq2seq.errors import CheckpointError
from seq2seq.files import file_sha256, read_json_object, read_record
from seq2seq.model.weights import ADAPTER_MATRIX, load_weights, weights_of, write_weights
from seq2seq.train.precision import Precision
from seq2seq.train.sharding import is_sharded, like, load_own_weights, own_part

MANIFEST = "manifest.json"
# The number of a rank in a file's name is left out: of random states each rank has one, of sharded
# weights too, and a disk holds those of its own ranks.
NEEDED = {"model.safetensors", "optimizer.safetensors", "progress.json", "rng.safetensors"}
FINISHED = re.compile(r"step-(\d{1,12})")
# What a name begins with, among the tensors of a rank, of what its log adds up over all ranks; and
# of what it added up in earlier versions, which is the same only where there was one rank.
TOTAL, OWN_SUM = "total.", "sum."


@dataclass(frozen=True)
class Candidate:
    """A validated set of weights, kept because its dev score is among the best."""

    step: int
    score: float
    sha256: str = ""
    """Of its file, so that bit rot does not get into the final model."""
    chrf: float | None = None
    loss: float | None = None


@dataclass
class Progress:
    """Where a run stands; with weights, optimizer and random state it decides all that follows."""

    step: int = 0
    epoch: int = 0
    batch: int = 0  # index of the next micro-batch in this epoch's plan
    source_tokens: int = 0  # without padding, all ranks, since the start of the run
    target_tokens: int = 0
    skipped_updates: int = 0
    elapsed_seconds: float = 0.0
    validated_step: int = 0
    validations_without_gain: int = 0
    precision: Precision | None = None  # what `auto` chose; another would change the weights
    loss_scale: dict[str, float] | None = None  # of fp16
    world_size: int = 1
    threads: int | None = None  # of each process; another number would round differently
    shares: bool = False  # whether processes share out each micro-batch, or have their own
    candidates: list[Candidate] = field(default_factory=list)  # best first
    validations: int = 0  # counted by this version; earlier ones are not among them
    equal_scores: dict[str, float] = field(default_factory=dict)  # the same in every validation


def checkpoint_path(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step lies."""
    return folder / f"step-{step:06d}"


def candidate_path(folder: Path, step: int) -> Path:
    """Where the weights of a candidate for the best model lie."""
    return folder / f"weights-{step:06d}.safetensors"


def steps_saved(folder: Path) -> list[int]:
    """Steps of all finished checkpoints, ascending; temporary and damaged ones do not count."""
    found = (FINISHED.fullmatch(path.name) for path in folder.glob("step-*"))
    return sorted(int(match[1]) for match in found if match)


def temporary_path(folder: Path, step: int) -> Path:
    """Where a checkpoint is written before it is whole."""
    return folder / f".tmp-step-{step:06d}"


def begin_checkpoint(temporary: Path) -> None:
    """Make the temporary folder, without what an earlier crash may have left there."""
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)


def write_progress(temporary: Path, progress: Progress) -> None:
    """Write where the run stands."""
    _write_text(temporary / "progress.json", json.dumps(asdict(progress), indent=2) + "\n")


def write_state(temporary: Path, module: nn.Module, optimizer: Optimizer, *, rank: int) -> None:
    """Write weights and optimizer, or this rank's part of them where they are sharded."""
    for name, tensors in (
        ("model", weights_of(module)),
        ("optimizer", _optimizer_tensors(module, optimizer)),
    ):
        parts = {key: own_part(tensor) for key, tensor in tensors.items()}
        save_tensors(temporary / _state_name(name, module, rank), parts)


def write_own_parts(temporary: Path, rank: int, sums: Mapping[str, float]) -> None:
    """Write what each rank has of its own: random state, and what its log has added up."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    for name, value in sums.items():
        kind = torch.int64 if isinstance(value, int) else torch.float64
        state[TOTAL + name] = torch.tensor(value, dtype=kind)
    save_tensors(temporary / f"rng-{rank}.safetensors", state)


def finish_checkpoint(temporary: Path, folder: Path, step: int) -> Path:
    """Write the manifest, flush, and make the checkpoint visible in one rename."""
    hashes = {path.name: file_sha256(path) for path in sorted(temporary.iterdir())}
    _write_text(temporary / MANIFEST, json.dumps(hashes, indent=2) + "\n")
    _flush(temporary)
    final = checkpoint_path(folder, step)
    replace_folder(temporary, final)
    return final


@contextmanager
def written_anew(final: Path) -> Iterator[Path]:
    """A folder to be made and filled in the block, which takes the place of another at its end."""
    unfinished = final.with_name(f".tmp-{final.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    yield unfinished
    for path in (*unfinished.iterdir(), unfinished):
        _flush(path)
    replace_folder(unfinished, final)


def replace_folder(new: Path, final: Path) -> None:
    """Put a finished folder in its place; what stood there goes only after that.

    A kill between the two renames leaves the old folder under a hidden name; see `repair_folder`.
    """
    old = final.with_name(f".old-{final.name}")
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.rename(old)
    new.rename(final)
    _flush(final.parent)
    shutil.rmtree(old, ignore_errors=True)


def repair_folder(folder: Path) -> None:
    """Clear away what a killed run left half done, and bring back what it had moved aside."""
    for old in folder.glob(".old-*"):
        final = old.with_name(old.name.removeprefix(".old-"))
        if not final.exists():
            old.rename(final)
    for left in (*folder.glob(".old-*"), *folder.glob(".tmp-*")):
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()


def set_aside(checkpoint: Path) -> None:
    """Rename a damaged checkpoint, so that it neither counts nor pushes out a sound one."""
    replace_folder(checkpoint, checkpoint.with_name(f"damaged-{checkpoint.name}"))


def prune_checkpoints(folder: Path, *, keep: int) -> list[CheckpointError]:
    """Remove all but the newest checkpoints, and candidates that no checkpoint left names.

    Returns:
        What is wrong with checkpoints that nobody can tell the candidates of; they are set aside.
    """
    needed, problems = set[Path](), []
    for step in reversed(steps_saved(folder)):
        path = checkpoint_path(folder, step)
        if keep == 0:
            shutil.rmtree(path)
            continue
        try:
            progress = read_progress(path)
        except CheckpointError as error:
            problems.append(error)
            set_aside(path)
            continue
        keep -= 1
        needed |= {candidate_path(folder, candidate.step) for candidate in progress.candidates}
    for path in folder.glob("weights-*.safetensors"):
        if path not in needed:
            path.unlink()
    return problems


def candidate_damage(folder: Path, progress: Progress) -> str | None:
    """What is wrong with the first damaged candidate for the best model; None if none is.

    Without it the run would end with other weights.
    """
    for candidate in progress.candidates:
        path = candidate_path(folder, candidate.step)
        if not path.is_file():
            return f"{path.name}, one of the best weights so far, is missing"
        if candidate.sha256 not in ("", file_sha256(path)):
            return (
                f"{path.name}, one of the best weights so far, does not have the hash that was "
                "saved with it"
            )
    return None


def damage(checkpoint: Path) -> str | None:
    """What is wrong with a checkpoint or a candidate that it names; None where all hashes agree."""
    try:
        hashes = read_json_object(
            checkpoint / MANIFEST, error=CheckpointError, needed="hashes of its files"
        )
    except CheckpointError:
        return f"{MANIFEST} is missing or unreadable"
    if not {re.sub(r"-\d+", "", name) for name in hashes} >= NEEDED:
        return f"{MANIFEST} does not name all files"
    for name, expected in hashes.items():
        path = checkpoint / name
        if not path.is_file():
            return f"{name} is missing"
        try:
            found = file_sha256(path)
        except OSError as error:
            return f"{name} cannot be read: {error}"
        if found != expected:
            return f"{name} does not have the hash that was saved with it"
    return candidate_damage(checkpoint.parent, read_progress(checkpoint))


def newest_sound_checkpoint(folder: Path) -> tuple[Path, list[tuple[Path, str]]]:
    """The newest checkpoint whose hashes agree.

    Returns:
        Its path, and each newer one that was passed over with what is wrong with it.

    Raises:
        CheckpointError: There is no checkpoint, or every one is damaged.
    """
    passed_over: list[tuple[Path, str]] = []
    for step in reversed(steps_saved(folder)):
        path = checkpoint_path(folder, step)
        problem = damage(path)
        if problem is None:
            return path, passed_over
        passed_over.append((path, problem))
    if passed_over:
        listed = "".join(f"\n  {path.name}: {problem}" for path, problem in passed_over)
        raise CheckpointError(
            f"{folder}: every checkpoint is damaged:{listed}\n  restore one from a copy, or start "
            "a new run with --run"
        )
    raise CheckpointError(f"{folder}: no checkpoint to resume from; start without --resume")


def read_progress(checkpoint: Path) -> Progress:
    """Read where a run stood.

    Raises:
        CheckpointError: The file is damaged, or of a version that counts what this one does not.
    """
    path = checkpoint / "progress.json"
    needed = (
        "what this version writes; resume from another checkpoint, or start a new run with --run"
    )
    always = ("step", "candidates")
    return read_record(path, Progress, error=CheckpointError, needed=needed, always=always)


def holds_adapter_alone(folder: Path) -> bool:
    """Whether the newest checkpoint has the small matrices of an adapter and no other weights."""
    steps = steps_saved(folder)
    files = sorted(checkpoint_path(folder, steps[-1]).glob("model*.safetensors")) if steps else []
    if not files:
        return False
    with safe_open(files[0], framework="pt") as weights:
        return all(ADAPTER_MATRIX in name for name in weights.keys())  # noqa: SIM118


def restore(
    checkpoint: Path, module: nn.Module, optimizer: Optimizer, *, rank: int
) -> dict[str, float]:
    """Put weights, optimizer and this rank's random state back.

    Returns:
        What the log had added up since its last line; empty in checkpoints of versions that did
        not keep it.

    Raises:
        CheckpointError: The weights do not fit the model, or this rank has no random state.
    """
    own = checkpoint / f"rng-{rank}.safetensors"
    if not own.is_file():
        raise CheckpointError(
            f"{checkpoint}: no random state for rank {rank}; "
            "resume with the same number of processes"
        )
    load = load_own_weights if is_sharded(module) else load_weights
    weights, moments = (
        load_file(checkpoint / _state_name(name, module, rank)) for name in ("model", "optimizer")
    )
    try:
        load(module, weights)
    except RuntimeError as error:
        raise CheckpointError(
            f"{checkpoint}: the weights do not fit the recipe's model: {error}"
        ) from None
    _restore_optimizer(module, optimizer, moments)
    state = load_file(own)
    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
    prefixes = (TOTAL,) if (checkpoint / "rng-1.safetensors").exists() else (TOTAL, OWN_SUM)
    return {
        name.removeprefix(prefix): value.item()
        for name, value in state.items()
        for prefix in prefixes
        if name.startswith(prefix)
    }


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors in one step: temporary name, flush, rename."""
    temporary = path.with_name(f".tmp-{path.name}")
    write_weights(
        {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, temporary
    )
    _flush(temporary)
    temporary.rename(path)


def _optimizer_tensors(module: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    """Adam's moments by parameter name, so that they outlive a change of parameter order."""
    tensors: dict[str, Tensor] = {}
    for name, parameter in module.named_parameters():
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"{name}:{key}"] = value
    return tensors


def _restore_optimizer(
    module: nn.Module, optimizer: Optimizer, tensors: Mapping[str, Tensor]
) -> None:
    states: dict[str, dict[str, Any]] = {}
    for name, value in tensors.items():
        owner, _, key = name.rpartition(":")
        states.setdefault(owner, {})[key] = value
    optimizer.state.clear()
    for name, parameter in module.named_parameters():
        if name in states:
            # All on the parameter's device: fused Adam wants its step count there too.
            optimizer.state[parameter] = {
                key: value.to(parameter.device) if key == "step" else like(parameter, value)
                for key, value in states[name].items()
            }


def _state_name(name: str, module: nn.Module, rank: int) -> str:
    """The file of a rank's part, or of the whole, which the first rank writes for all."""
    return f"{name}-{rank}.safetensors" if is_sharded(module) else f"{name}.safetensors"


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    _flush(path)


def _flush(path: Path) -> None:
    """Make the operating system put a file or folder on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
