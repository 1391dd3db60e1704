"""What a run leaves on disk while it trains: checkpoints to resume from, and its best weights."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn

from seq2seq.errors import TrainingError
from seq2seq.files import file_sha256
from seq2seq.recipe import TrainSpec
from seq2seq.train.checkpoint import (
    Candidate,
    Progress,
    begin_checkpoint,
    candidate_path,
    finish_checkpoint,
    prune_checkpoints,
    save_tensors,
    steps_saved,
    temporary_path,
    write_own_parts,
    write_progress,
    write_state,
)
from seq2seq.train.criterion.criterion import Criterion
from seq2seq.train.log import TrainingLog
from seq2seq.train.ranks import broadcast
from seq2seq.train.selection import ranking_key
from seq2seq.train.sharding import is_sharded, own_part, whole_weights


class CheckpointWriter:
    """Saves criterion and optimizer; every rank must call each of its methods at the same point."""

    def __init__(
        self,
        folder: Path,
        accelerator: Accelerator,
        criterion: nn.Module,
        optimizer: Any,
        *,
        spec: TrainSpec,
        log: TrainingLog,
        writes: bool,
    ):
        self._folder = folder
        self._accelerator = accelerator
        self._criterion: Criterion = accelerator.unwrap_model(criterion)
        self._optimizer = getattr(optimizer, "optimizer", optimizer)
        self._spec = spec
        self._log = log
        self._writes = writes  # the first process on each disk

    def save(self, progress: Progress, sums: Mapping[str, float]) -> None:
        """Save all that a resumed run needs; older checkpoints than the recipe keeps are deleted.

        Args:
            progress: Where the run stands.
            sums: What was added up since the last line of the log.

        Raises:
            TrainingError: A weight is not a finite number; sound checkpoints are kept.
        """
        self.check_weights(progress.step)
        step, accelerator = progress.step, self._accelerator
        temporary = temporary_path(self._folder, step)
        if self._writes:
            begin_checkpoint(temporary)
            write_progress(temporary, progress)
        accelerator.wait_for_everyone()
        rank = accelerator.process_index
        if self._writes or is_sharded(self._criterion):
            write_state(temporary, self._criterion, self._optimizer, rank=rank)
        write_own_parts(temporary, rank, sums)
        accelerator.wait_for_everyone()
        if self._writes:
            finish_checkpoint(temporary, self._folder, step)
            for problem in prune_checkpoints(self._folder, keep=self._spec.keep_last):
                self._log.say(f"warning: {problem}; this checkpoint was set aside")
        accelerator.wait_for_everyone()

    def keep_candidate(self, progress: Progress, candidate: Candidate) -> None:
        """Keep the weights for the end of the run if they are among the best; later ones win ties.

        Args:
            progress: Knows the candidates so far; changed.
            candidate: What a validation found of the weights as they stand.
        """
        ranked = [*progress.candidates, candidate]
        ranked.sort(key=lambda one: (ranking_key(one), one.step), reverse=True)
        progress.candidates = ranked[: self._spec.keep_best]
        if candidate not in progress.candidates:
            return
        place, digest = progress.candidates.index(candidate), ""
        weights = whole_weights(self._criterion.model)
        if self._writes:
            path = candidate_path(self._folder, candidate.step)
            path.parent.mkdir(parents=True, exist_ok=True)
            save_tensors(path, weights)
            digest = file_sha256(path)
        digest = broadcast(digest, self._accelerator.num_processes)
        progress.candidates[place] = replace(candidate, sha256=digest)

    def check_weights(self, step: int) -> None:
        """See that every weight is a finite number.

        Raises:
            TrainingError: One is not.
        """
        named = list(self._criterion.named_parameters())
        broken = torch.stack([~torch.isfinite(own_part(one)).all() for _, one in named]).int()
        if self._accelerator.num_processes > 1:  # ranks that hold parts see different ones
            broken = self._accelerator.reduce(broken, reduction="sum")
        wrong = [name for (name, _), found in zip(named, broken.tolist(), strict=True) if found]
        if not wrong:
            return
        raise TrainingError(
            f"step {step:,}: {len(wrong)} of {len(named)} weight matrices hold numbers that are "
            f"not finite, such as {wrong[0]}; {self.what_is_kept()}start a new run with a lower "
            "train.peak_lr or a longer train.warmup_steps"
        )

    def what_is_kept(self) -> str:
        """The beginning of an advice, where there is something to go back to."""
        steps = steps_saved(self._folder)
        return f"the checkpoint of step {steps[-1]:,} is kept; " if steps else ""
