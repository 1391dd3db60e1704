"""The training loop: read ``Loop.run`` top to bottom.

An update takes a window of micro-batches, sums the loss over every target token of the window on
all ranks, and divides by their number: one big batch, several micro-batches, or several ranks give
the same gradient. What follows an update (log, validate, save, stop) is decided from the state that
a checkpoint holds, never from the clock, so a resumed run takes the same decisions.

The host waits for the device once an update, in ``Loop._fetch``: before it steps the optimizer it
must know whether loss and gradient are finite, and it reads all other sums in the same copy.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.optim import Optimizer

from seq2seq.data.batches import Batch
from seq2seq.errors import TrainingError
from seq2seq.recipe import TrainSpec
from seq2seq.train.batch_stream import BatchStream
from seq2seq.train.checkpoint import Progress
from seq2seq.train.checkpoint_writer import CheckpointWriter
from seq2seq.train.criterion.criterion import TARGET_TOKENS, Criterion, Losses, Update
from seq2seq.train.dry_run import run_dry
from seq2seq.train.log import (
    GRADIENT_NORM,
    LOSS,
    PADDED_TOKENS,
    SECONDS,
    SOURCE_TOKENS,
    TrainingLog,
    Value,
    progress_line,
    update_figures,
)
from seq2seq.train.precision import loss_scale_state, overflowed
from seq2seq.train.ranks import sum_tensors_over_ranks
from seq2seq.train.schedule import learning_rate
from seq2seq.train.selection import Validation, count_validation, ranking_key, undecided_note
from seq2seq.train.sharding import whole
from seq2seq.train.stop import Stop, Stopped

Validate = Callable[[Criterion], Validation]
STOP_REQUESTS = "stop_requests"


class Loop:
    """One run of training, from where ``progress`` stands to its end.

    Attributes:
        progress: Where the run stands; with ``sums`` all that outlives a kill.
        sums: Losses, counts and seconds over all ranks since the last line of the log, and the
            last gradient norm.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        criterion: torch.nn.Module,
        optimizer: Optimizer,
        stream: BatchStream,
        *,
        spec: TrainSpec,
        checkpoints: Path,
        writes_checkpoints: bool,
        progress: Progress,
        validate: Validate,
        stop: Stop,
        log: TrainingLog,
        flops_per_token: tuple[float, float],
        peak_flops: float,
    ):
        self.accelerator = accelerator
        self.criterion = criterion  # as Accelerate wrapped it
        self.optimizer = optimizer
        self.stream = stream
        self.spec = spec
        self.progress = progress
        self.validate = validate
        self.stop = stop
        self.log = log
        self.flops_per_token = flops_per_token
        self.peak_flops = peak_flops
        self.sums: dict[str, float] = {}
        self._unwrapped: Criterion = accelerator.unwrap_model(criterion)
        self._writer = CheckpointWriter(
            checkpoints, accelerator, criterion, optimizer,
            spec=spec, log=log, writes=writes_checkpoints,
        )  # fmt: skip
        self._unsaved = False

    def run(self) -> Progress:
        """Train until the last update, an early stop, or a request to stop.

        Returns:
            Where the run stands; it has been saved.

        Raises:
            TrainingError: Too many updates had a loss or gradient that is not finite.
        """
        self.criterion.train()
        while not (self.finished or self.stop.agreed):  # a validation that is due comes on resume
            if self._validation_due():
                self._validate()
            else:
                self.update()
                self._log_if_due()
                self._save_if_due()
        if self._unsaved:
            self._save()
        return self.progress

    def dry_run(self) -> None:
        """Run the most memory-hungry micro-batches beside the optimizer's state, and forget them.

        Raises:
            TrainingError: One does not fit into memory.
        """
        optimizer = getattr(self.optimizer, "optimizer", self.optimizer)

        def work(batch: Batch) -> None:
            self._backward(batch, Update(1, self._counts([batch])))

        run_dry(work, self.stream.worst(), optimizer, batch_tokens=self.spec.batch_tokens)

    def update(self) -> None:
        """Take the next window of micro-batches and make one optimizer step of them.

        Raises:
            TrainingError: Too many updates had a loss or gradient that is not finite.
        """
        start = time.perf_counter()
        progress = self.progress
        progress.step += 1
        window = self.stream.window(self.spec.accumulate)
        counts = sum_tensors_over_ranks(self.accelerator, self._counts(window))
        update = Update(progress.step, counts)
        losses = sum_tensors_over_ranks(self.accelerator, self._accumulate(window, update))
        norm = self._clip()
        if progress.step < self.spec.steps:  # while a GPU works on this window
            self.stream.fetch_ahead(self.spec.accumulate)
        sums = self._fetch(counts | losses | {GRADIENT_NORM: norm})
        self.stop.hear(sums.pop(STOP_REQUESTS))
        finite = math.isfinite(sums[LOSS]) and math.isfinite(sums[GRADIENT_NORM])
        if finite or self.accelerator.scaler is not None:  # which leaves out what overflowed
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate(progress.step, self.spec)
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        progress.epoch, progress.batch = self.stream.epoch, self.stream.batch
        progress.source_tokens += int(sums[SOURCE_TOKENS])
        progress.target_tokens += int(sums[TARGET_TOKENS])
        sums[SECONDS] = time.perf_counter() - start
        progress.elapsed_seconds += sums[SECONDS]
        if finite:
            totals = {name: self.sums.get(name, 0.0) + value for name, value in sums.items()}
            self.sums = totals | {GRADIENT_NORM: sums[GRADIENT_NORM]}
        else:
            self._skip(sums[LOSS], sums[GRADIENT_NORM])

    def _counts(self, window: Sequence[Batch]) -> dict[str, Tensor]:
        """What this rank's micro-batches hold, and whether it was asked to stop; on the device."""
        own = [batch for batch in window if not batch.stand_in]
        counts = {
            SOURCE_TOKENS: sum(batch.source_tokens for batch in own),
            TARGET_TOKENS: sum(batch.target_tokens for batch in own),
            PADDED_TOKENS: sum(batch.padded_tokens for batch in own),
            STOP_REQUESTS: int(self.stop.requested),
        }
        for batch in window:
            for name, count in self._unwrapped.counts(batch).items():
                counts[name] = counts.get(name, 0) + (0 if batch.stand_in else count)
        values = torch.tensor(list(counts.values()), dtype=self._wide)
        sent = values.to(self.accelerator.device, non_blocking=True)
        return dict(zip(counts, sent.unbind(), strict=True))

    @property
    def _wide(self) -> torch.dtype:
        """The widest numbers that the device has."""
        return torch.float32 if self.accelerator.device.type == "mps" else torch.float64

    def _fetch(self, values: Mapping[str, Tensor]) -> dict[str, float]:
        """Numbers on the host, which waits for the device here and nowhere else in an update."""
        numbers = torch.stack([value.to(self._wide) for value in values.values()]).tolist()
        return dict(zip(values, numbers, strict=True))

    def _accumulate(self, window: Sequence[Batch], update: Update) -> dict[str, Tensor]:
        """Gradients of a whole window; ranks exchange them once, at its last micro-batch."""
        sums: dict[str, Tensor] = {}
        for number, batch in enumerate(window, start=1):
            last = number == len(window)
            with nullcontext() if last else self.accelerator.no_sync(self.criterion):
                losses = self._backward(batch, update)
            for name, value in {LOSS: losses.loss, **losses.parts}.items():
                value = value.detach().to(self._wide) * (not batch.stand_in)
                sums[name] = sums[name] + value if name in sums else value
        return sums

    def _backward(self, batch: Batch, update: Update) -> Losses:
        """Add what a micro-batch contributes to the gradients."""
        losses: Losses = self.criterion(batch.to(self.accelerator.device), update)
        # Ranks average their gradients; the world size turns that average back into a sum.
        scale = self.accelerator.num_processes / update.counts[TARGET_TOKENS]
        if batch.stand_in:
            scale = torch.zeros_like(scale)
        self.accelerator.backward(losses.loss * scale.to(losses.loss.dtype))
        return losses

    def _clip(self) -> Tensor:
        limit = self.spec.clip_norm or math.inf
        return whole(self.accelerator.clip_grad_norm_(self.criterion.parameters(), limit))

    def _skip(self, loss: float, norm: float) -> None:
        progress, scale = self.progress, overflowed(self.accelerator, loss)
        if scale is not None:
            self.log.record("overflow", progress.step, {"loss_scale": scale})
            self.log.say(f"update {progress.step:,} left out: fp16 overflowed, scale now {scale:g}")
            return
        progress.skipped_updates += 1
        self.log.record("skipped", progress.step, {"loss": repr(loss), GRADIENT_NORM: repr(norm)})
        self.log.say(
            f"update {progress.step:,} skipped: loss {loss}, gradient norm {norm} "
            f"({progress.skipped_updates} of at most {self.spec.max_skipped_updates})"
        )
        if progress.skipped_updates > self.spec.max_skipped_updates:
            raise TrainingError(
                f"update {progress.step:,}: {progress.skipped_updates} updates had a loss or "
                f"gradient that is not finite, at most {self.spec.max_skipped_updates} are allowed "
                f"(train.max_skipped_updates); {self._writer.what_is_kept()}start a new run with a "
                "lower train.peak_lr or a longer train.warmup_steps"
            )

    def _log_if_due(self) -> None:
        step = self.progress.step
        if step % self.spec.log_every_steps and step != self.spec.steps:
            return
        sums, self.sums = self.sums, {}
        if not sums:  # every update was skipped, and said so
            return
        values: dict[str, Value] = {
            "epoch": self.progress.epoch,
            "learning_rate": learning_rate(step, self.spec),
            **update_figures(sums, self.flops_per_token, self.peak_flops),
            "elapsed_seconds": self.progress.elapsed_seconds,
            **self._unwrapped.figures(sums),
        }
        self.log.record("train", step, values)
        self.log.progress(progress_line(self.progress, values, steps=self.spec.steps))

    def _validation_due(self) -> bool:
        step = self.progress.step
        due = step > 0 and (step % self.spec.validate_every_steps == 0 or step >= self.spec.steps)
        return due and self.progress.validated_step != step

    def _validate(self) -> None:
        progress = self.progress
        self._writer.check_weights(progress.step)
        start = time.perf_counter()
        self._unwrapped.eval()
        try:
            validation = self.validate(self._unwrapped)
        except Stopped:
            self.log.say(
                f"step {progress.step:,}: asked to stop, the validation is left; "
                "a resumed run begins with it"
            )
            return
        finally:
            self._unwrapped.train()
            progress.elapsed_seconds += time.perf_counter() - start
        best = progress.candidates[:1]
        gained = not best or ranking_key(validation) > ranking_key(best[0])
        count_validation(progress, validation, gained=gained)
        self._writer.keep_candidate(progress, validation.candidate(progress.step))
        self.log.record("dev", progress.step, validation.values)
        mark = "  (best so far)" if gained else ""
        self.log.say(f"step {progress.step:,}  {validation.to_text()}{mark}")
        undecided = undecided_note(progress.equal_scores, validation.metric, progress.validations)
        if undecided and progress.validations == 2:  # once; the final scores say it again
            self.log.say(undecided)
        self._save()

    def _save_if_due(self) -> None:
        self._unsaved = True
        if self.progress.step % self.spec.save_every_steps == 0 and not self._validation_due():
            self._save()  # where a validation is due, it saves

    def _save(self) -> None:
        self.progress.loss_scale = loss_scale_state(self.accelerator)
        self._writer.save(self.progress, self.sums)
        self._unsaved = False

    @property
    def finished(self) -> bool:
        """Whether the run has made its last update and validated it, or is out of patience."""
        impatient = 0 < self.spec.patience <= self.progress.validations_without_gain
        return impatient or (self.progress.step >= self.spec.steps and not self._validation_due())
