"""One run from a recipe to a scored model: what ``seq2seq train`` does, in order."""

import shutil
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs, PartialState

from seq2seq.devices import resolve_device
from seq2seq.errors import CheckpointError, DeviceError
from seq2seq.memory import keep_freed_memory
from seq2seq.recipe import Recipe
from seq2seq.recipe_file import load_recipe, recipe_json, recipe_text
from seq2seq.run import Run
from seq2seq.train.batch_stream import BatchStream
from seq2seq.train.build import build_optimizer
from seq2seq.train.checkpoint import (
    Progress,
    read_progress,
    repair_folder,
    restore,
    set_aside,
    steps_saved,
)
from seq2seq.train.compiling import layers_compiled
from seq2seq.train.criterion.criterion import Criterion
from seq2seq.train.disk_errors import disk_errors_explained
from seq2seq.train.finish import Finished, finish
from seq2seq.train.hardware import (
    PEAK_SECONDS,
    forget_peak_memory,
    matrix_peak,
    peak_memory_bytes,
    threads_kept,
)
from seq2seq.train.initial_model import initial_model
from seq2seq.train.launch import (
    has_launcher,
    is_first,
    keep_group,
    launched_workers,
    note_ready,
    shrink_group,
    worker_command,
)
from seq2seq.train.lock import sole_training
from seq2seq.train.log import TrainingLog, duration
from seq2seq.train.loop import Loop
from seq2seq.train.parallelism import processes_to_start
from seq2seq.train.precision import (
    HALVES,
    Precision,
    dtype_of,
    restore_loss_scale,
    use_precision,
)
from seq2seq.train.setup import (
    Prepared,
    Say,
    check_folder,
    check_processes,
    check_trackers,
    prepare_run,
    text_hashes,
    write_facts,
)
from seq2seq.train.sharding import shard
from seq2seq.train.shared_folder import (
    common_checkpoint,
    refuse_different,
    writers_first,
    writes_here,
)
from seq2seq.train.stop import Stop, Stopped
from seq2seq.train.trainable import TrainableModel
from seq2seq.train.trial import choose_precision, settle_parallelism, stream_spec
from seq2seq.train.validate import GatheredValidation, Validator

# How long ranks wait for the first one to read, cut and encode a large corpus.
PATIENCE = timedelta(hours=12)


@dataclass(frozen=True)
class TrainResult:
    """What a run came to: finished with scores, or interrupted and ready to be resumed."""

    run: Run
    progress: Progress
    finished: Finished | None
    """None where a signal stopped the run, and on all ranks but the first."""
    interrupted: Literal["training", "scoring"] | None
    """What a signal stopped, if it did."""

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "run": str(self.run.folder),
            "model": str(self.run.best) if self.finished else None,
            "steps": self.progress.step,
            "training_seconds": round(self.progress.elapsed_seconds, 1),
            "skipped_updates": self.progress.skipped_updates,
            "scores": self.finished.to_json() if self.finished else None,
        }

    def to_text(self) -> str:
        """For people."""
        if self.interrupted:
            return self._interruption()
        if self.finished is None:
            return ""  # the first rank tells
        spent = duration(self.progress.elapsed_seconds)
        return (
            f"{self.finished.to_text()}\n\n"
            f"{self.progress.step:,} steps in {spent}; model in {self.run.best}"
        )

    def _interruption(self) -> str:
        step, place = self.progress.step, self.run.checkpoints
        if step == 0:
            return "interrupted before the first update; nothing was saved, give the command again"
        if self.interrupted == "scoring":
            return (
                f"interrupted in the final scoring; all {step:,} steps are saved in {place}; "
                "give the same command with --resume to score them"
            )
        return (
            f"interrupted at step {step:,}; saved in {place}; "
            "give the same command with --resume to continue"
        )


def train(
    recipe_path: Path,
    *,
    overrides: Sequence[str] = (),
    run_folder: Path | None = None,
    resume: bool = False,
    device: str = "auto",
) -> TrainResult:
    """Train as a recipe says, and score the result.

    Args:
        recipe_path: The recipe.
        overrides: ``key=value`` changes to it.
        run_folder: Where everything goes; ``runs/<name of the recipe>`` by default.
        resume: Continue what this folder holds, from its last sound checkpoint; begin where it
            holds none.
        device: ``cpu``, ``cuda``, or ``auto``: CUDA where there is a GPU for it, else the CPU.

    Returns:
        Scores and places, or where an interrupted run stands.

    Raises:
        Seq2SeqError: Anything in recipe, data, run folder or training that the user can mend.
    """
    recipe, given = load_recipe(recipe_path, overrides), recipe_text(recipe_path, overrides)
    run = Run(run_folder or Path("runs") / recipe_path.stem)
    kind = device_kind(device)
    command = worker_command(recipe_path, overrides, run.folder, resume=resume, device=kind)
    on_gpus, shares = kind == "cuda", recipe.train.processes == "auto" and not has_launcher()
    sole = sole_training(run) if is_first() else nullcontext()
    with disk_errors_explained(run), sole, threads_kept() as threads:
        if (remark := check_folder(run, resume=resume)) and is_first():
            sys.stderr.write(f"note: {remark}\n")
        with launched_workers(
            command, processes_to_start(recipe, run, on_gpus=on_gpus), on_gpus=on_gpus
        ):
            note_ready()
            return _train_together(recipe, run, given, kind, threads=threads if shares else None)


def device_kind(name: str) -> Literal["cpu", "cuda"]:
    """What every process of a run computes on; each takes a GPU of its own.

    Raises:
        DeviceError: There is no such device here, or it cannot be trained on.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name not in ("cpu", "cuda"):  # a resume would not be exact on mps: its random state is lost
        raise DeviceError(
            f"device: '{name}' cannot be trained on, needed auto, cpu or cuda; the environment "
            "variable CUDA_VISIBLE_DEVICES chooses among several GPUs"
        )
    resolve_device(name)
    return "cuda" if name == "cuda" else "cpu"


def _train_together(
    recipe: Recipe, run: Run, given: str, device: str, *, threads: int | None
) -> TrainResult:
    """The work of one process, alone or among others.

    Args:
        recipe: As it was read.
        run: The run.
        given: Text of the recipe.
        device: ``cpu`` or ``cuda``.
        threads: That all processes have together, where they share out the pairs of micro-batches;
            None where each takes micro-batches of its own.
    """
    # Without CUDA several processes take part only if the CPU is asked for.
    state = PartialState(cpu=device == "cpu", timeout=PATIENCE)
    keep_group()
    check_processes(recipe, state)
    say = _speaker(state)
    check_trackers(recipe)
    writes = writes_here(state, run.folder)
    if writes:
        repair_folder(run.checkpoints)
        repair_folder(run.folder)
        if not steps_saved(run.checkpoints):
            shutil.rmtree(run.tokenizer, ignore_errors=True)  # left by a start that failed
    with writers_first(state, writes=writes):  # the others find tokenizer and encoded text there
        together = 1 if threads else state.num_processes
        prepared = prepare_run(recipe, run, processes=together, say=say)
    refuse_different(text_hashes(prepared), state.num_processes)
    keep_freed_memory()  # not sooner: what the vocabulary took goes back to the system
    precision = None
    if threads:
        count, precision = settle_parallelism(prepared, run, state, threads=threads, say=say)
        if count < state.num_processes:
            if not shrink_group(count):
                return TrainResult(run, Progress(), None, interrupted=None)
            state = PartialState(cpu=device == "cpu", timeout=PATIENCE)
            keep_group()
            say = _speaker(state)
    if writes:  # the others have read what is written anew
        write_facts(run, prepared, given, say=say)
    state.wait_for_everyone()
    fresh = Progress(
        precision=precision,
        world_size=state.num_processes,
        threads=torch.get_num_threads(),
        shares=bool(threads),
    )
    return _train_prepared(prepared, run, state, fresh=fresh, writes=writes, say=say)


def _train_prepared(
    prepared: Prepared, run: Run, state: PartialState, *, fresh: Progress, writes: bool, say: Say
) -> TrainResult:
    recipe, tokenizer = prepared.recipe, prepared.tokenizer
    progress, checkpoint = _starting_point(run, state, fresh, writes=writes, say=say)
    torch.manual_seed(recipe.seed)
    trainable = initial_model(prepared)
    criterion = trainable.criterion(recipe.train)
    # What learns: the criterion itself, or a copy of which each process holds a part.
    learning = shard(criterion, state.device) if recipe.train.fsdp else criterion
    ranks, rank = state.num_processes, state.process_index
    stream = BatchStream(
        prepared.training, stream_spec(prepared, processes=ranks, rank=rank, shares=progress.shares)
    )
    precision = progress.precision or choose_precision(recipe, learning, stream, state, say)
    accelerator = _accelerator(recipe, run, precision, state)
    # Sharded, it exchanges gradients by itself, and gets from Accelerate the number format alone.
    wrapped = accelerator.prepare_model(learning, evaluation_mode=recipe.train.fsdp)
    optimizer: Any = accelerator.prepare_optimizer(build_optimizer(learning, recipe))
    torch.manual_seed(recipe.seed + 1 + rank)  # ranks draw different dropout
    sums: dict[str, float] = {}
    if checkpoint is not None:
        sums = restore(checkpoint, learning, optimizer.optimizer, rank=rank)
        stream.seek(progress.epoch, progress.batch)
    restore_loss_scale(accelerator, progress.loss_scale)
    progress.precision, progress.threads = precision, torch.get_num_threads()
    with TrainingLog(run.metrics, accelerator, resumed=progress) as log:
        stop, dev = Stop(accelerator), prepared.text.dev
        validator = Validator(accelerator, trainable.engine, tokenizer, recipe, dev, stop, say)
        gathered = GatheredValidation(validator, criterion, accelerator.device)
        loop = Loop(
            accelerator,
            wrapped,
            optimizer,
            stream,
            spec=recipe.train,
            checkpoints=run.checkpoints,
            writes_checkpoints=writes,
            progress=progress,
            validate=gathered if recipe.train.fsdp else validator,
            stop=stop,
            log=log,
            flops_per_token=trainable.flops_per_token(),
            peak_flops=ranks * matrix_peak(dtype_of(precision), state.device, seconds=PEAK_SECONDS),
        )
        loop.sums = sums
        compiled = layers_compiled(criterion, recipe.train, accelerator.device)
        with stop.signals_noted(), compiled:
            return _run_loop(loop, trainable, criterion, prepared, run, validator)


def _accelerator(
    recipe: Recipe, run: Run, precision: Precision, state: PartialState
) -> Accelerator:
    use_precision(precision, state.device)
    in_place = DistributedDataParallelKwargs(gradient_as_bucket_view=True)  # no copies to exchange
    accelerator = Accelerator(
        kwargs_handlers=[in_place],
        cpu=state.device.type == "cpu",
        mixed_precision=precision if precision in HALVES else "no",
        log_with=list(recipe.train.trackers) or None,
        project_dir=run.folder,
    )
    accelerator.init_trackers(run.folder.name, config={"recipe": recipe_json(recipe)})
    return accelerator


def _run_loop(
    loop: Loop,
    trainable: TrainableModel,
    criterion: Criterion,
    prepared: Prepared,
    run: Run,
    validator: Validator,
) -> TrainResult:
    log, progress = loop.log, loop.progress
    weights = sum(parameter.numel() for parameter in trainable.module.parameters())
    learning = sum(one.numel() for one in trainable.module.parameters() if one.requires_grad)
    frozen = f" ({weights - learning:,} of them frozen)" if learning < weights else ""
    log.say(
        f"model: {weights:,} weights{frozen}; {loop.stream.batches_in_epoch():,} micro-batches an "
        "epoch"
    )
    forget_peak_memory(loop.accelerator.device)  # of choosing the number format
    loop.dry_run()
    memory = peak_memory_bytes(loop.accelerator.device) / 2**30
    log.say(f"the largest batches fit beside the optimizer: {memory:.2f} GiB at most so far")
    if not loop.finished and loop.accelerator.is_main_process:
        run.scores.unlink(missing_ok=True)  # of the model before it was trained further
    loop.run()
    if not loop.finished:
        return TrainResult(run, progress, None, interrupted="training")
    try:
        finished = finish(
            run,
            prepared.recipe,
            prepared.tokenizer,
            prepared.text.tests,
            trainable=trainable,
            criterion=criterion.to(loop.accelerator.device),
            progress=progress,
            validator=validator,
            stop=loop.stop,
            log=log,
            is_main=loop.accelerator.is_main_process,
        )
    except Stopped:
        return TrainResult(run, progress, None, interrupted="scoring")
    return TrainResult(run, progress, finished, interrupted=None)


def _starting_point(
    run: Run, state: PartialState, fresh: Progress, *, writes: bool, say: Say
) -> tuple[Progress, Path | None]:
    """Progress and checkpoint to continue from; a fresh start where nothing was saved."""
    checkpoint, passed_over = common_checkpoint(run.checkpoints, state.num_processes)
    if checkpoint is None:
        return fresh, None
    for damaged, problem in passed_over:
        say(f"warning: {damaged}: {problem}; using the checkpoint before it")
    state.wait_for_everyone()
    if writes:
        for damaged, _ in passed_over:
            set_aside(damaged)
    progress = read_progress(checkpoint)
    if progress.world_size != state.num_processes:
        raise CheckpointError(
            f"{checkpoint}: saved by {progress.world_size} process(es), {state.num_processes} take "
            "part; resume with the same number"
        )
    say(f"resuming at step {progress.step:,} from {checkpoint}")
    return progress, checkpoint


def _speaker(state: PartialState) -> Say:
    def say(line: str) -> None:
        if state.is_main_process:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()

    return say
