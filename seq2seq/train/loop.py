"""The training loop: read ``Loop.run`` top to bottom.

An update takes a window of micro-batches, sums the loss over every target token of the window on
all ranks, and divides by their number: one big batch, several micro-batches, or several ranks give
the same gradient. What follows an update (log, validate, save, stop) is decided from the state that
a checkpoint holds, never from the clock, so a resumed run takes the same decisions.
"""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch.optim import Optimizer

from seq2seq.data.batches import Batch
from seq2seq.errors import TrainingError
from seq2seq.recipe import TrainSpec
from seq2seq.train.checkpoint import (
    Candidate,
    Progress,
    begin_checkpoint,
    candidate_path,
    finish_checkpoint,
    prune_checkpoints,
    save_tensors,
    sha256,
    steps_saved,
    temporary_path,
    write_own_parts,
    write_shared_parts,
)
from seq2seq.train.dry_run import run_dry
from seq2seq.train.feed import Feed
from seq2seq.train.log import TrainingLog, Value, duration
from seq2seq.train.meter import Meter, counts_of
from seq2seq.train.ranks import agree, sum_over_ranks
from seq2seq.train.schedule import guidance_weight, learning_rate
from seq2seq.train.selection import Validation, blind_text, note_equal, quality
from seq2seq.train.stop import Stop, Stopped
from seq2seq.train.trainee import Trainee

Validate = Callable[[Trainee], Validation]


class Loop:
    """One run of training, from where ``progress`` stands to its end.

    Attributes:
        progress: Where the run stands; with the meter all that outlives a kill.
        meter: What was added up since the last line of the log.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        trainee: torch.nn.Module,
        optimizer: Optimizer,
        feed: Feed,
        *,
        spec: TrainSpec,
        checkpoints: Path,
        progress: Progress,
        validate: Validate,
        stop: Stop,
        log: TrainingLog,
        flops_per_token: tuple[float, float],
        peak_flops: float,
    ):
        self.accelerator = accelerator
        self.trainee = trainee
        self.optimizer = optimizer
        self.feed = feed
        self.spec = spec
        self.checkpoints = checkpoints
        self.progress = progress
        self.validate = validate
        self.stop = stop
        self.log = log
        self.flops_per_token = flops_per_token
        self.peak_flops = peak_flops
        self.meter = Meter()
        self._unsaved = False

    def run(self) -> Progress:
        """Train until the last update, an early stop, or a request to stop.

        Returns:
            Where the run stands; it has been saved.

        Raises:
            TrainingError: Too many updates had a loss or gradient that is not finite.
        """
        self.trainee.train()
        while not self.finished:
            if self.stop.on_any_rank():
                break  # before a validation that is due: the resumed run begins with it
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
            self._backward(batch, tokens=batch.target_tokens)

        run_dry(work, self.feed.worst(), optimizer, batch_tokens=self.spec.batch_tokens)

    def update(self) -> None:
        """Take the next window of micro-batches and make one optimizer step of them.

        Raises:
            TrainingError: Too many updates had a loss or gradient that is not finite.
        """
        start = time.perf_counter()
        window = list(self.feed.window(self.spec.accumulate))
        source, target, padded, antecedents, batches, bottlenecks = (
            int(count) for count in self._sum_over_ranks(*counts_of(window))
        )
        step = self.progress.step + 1
        # a mean over sentences, while the loss is divided by tokens
        guidance = guidance_weight(step, self.spec) * target / max(antecedents, 1)
        loss, nll, guided, copying = self._accumulate(window, tokens=target, guidance=guidance)
        norm = self._clip()
        finite = self._every_rank(math.isfinite(loss) and math.isfinite(norm))
        if finite:
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate(step, self.spec)
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        progress = self.progress
        progress.step, progress.epoch, progress.batch = step, self.feed.epoch, self.feed.batch
        progress.source_tokens += source
        progress.target_tokens += target
        progress.elapsed_seconds += time.perf_counter() - start
        if not finite:
            self._skip(loss, norm)
            return
        self.meter += Meter(
            loss=loss,
            nll=nll,
            guided=guided,
            copying=copying,
            source_tokens=source,
            target_tokens=target,
            padded_tokens=padded,
            antecedents=antecedents,
            batches=batches,
            bottlenecks=bottlenecks,
            seconds=time.perf_counter() - start,
            gradient_norm=norm,
        )

    def _accumulate(self, window: Sequence[Batch], *, tokens: int, guidance: float) -> list[float]:
        """Gradients of a whole window; ranks exchange them once, at its last micro-batch."""
        sums = []
        for number, batch in enumerate(window, start=1):
            last = number == len(window)
            with nullcontext() if last else self.accelerator.no_sync(self.trainee):
                sums.append(self._backward(batch, tokens=tokens, guidance=guidance))
        return [sum(parts) for parts in zip(*sums, strict=True)]

    def _backward(self, batch: Batch, *, tokens: int, guidance: float = 0.0) -> list[float]:
        """Add a micro-batch's share to the gradients; returns its losses, 0 for one that is off."""
        device, mask, marks = self.accelerator.device, batch.source_mask, batch.marks
        pointers: dict[str, Any] = {}
        if marks is not None:
            pointers = {
                "marks": marks.to(device),
                "guidance": guidance,
                "bottleneck": batch.bottleneck,
            }
        losses = self.trainee(
            batch.source_ids.to(device),
            None if mask is None else mask.to(device),
            batch.target_ids.to(device),
            **pointers,
        )
        # Ranks average their gradients; the world size turns that average back into a sum.
        self.accelerator.backward(losses[0] * (self.accelerator.num_processes / tokens))
        return [0.0 if loss is None else float(loss.detach()) for loss in losses]

    def _clip(self) -> float:
        limit = self.spec.clip_norm or math.inf
        norm: Any = self.accelerator.clip_grad_norm_(self.trainee.parameters(), limit)
        return float(norm)

    def _skip(self, loss: float, norm: float) -> None:
        progress = self.progress
        progress.skipped_updates += 1
        self.log.record("skipped", progress.step, {"loss": repr(loss), "gradient_norm": repr(norm)})
        self.log.say(
            f"update {progress.step:,} skipped: loss {loss}, gradient norm {norm} "
            f"({progress.skipped_updates} of at most {self.spec.max_skipped_updates})"
        )
        if progress.skipped_updates > self.spec.max_skipped_updates:
            raise TrainingError(
                f"update {progress.step:,}: {progress.skipped_updates} updates had a loss or "
                f"gradient that is not finite, at most {self.spec.max_skipped_updates} are allowed "
                f"(train.max_skipped_updates); {self._what_is_kept()}start a new run with a lower "
                "train.peak_lr or a longer train.warmup_steps"
            )

    def take_meter(self) -> Meter:
        """What was summed up since this was last asked; starts anew."""
        meter, self.meter = self.meter, Meter()
        return meter

    def _check_weights(self) -> None:
        """See that every weight is a number.

        Raises:
            TrainingError: One is not.
        """
        named = list(self.accelerator.unwrap_model(self.trainee).named_parameters())
        if torch.stack([torch.isfinite(one).all() for _, one in named]).all():
            return
        wrong = [name for name, one in named if not torch.isfinite(one).all()]
        raise TrainingError(
            f"step {self.progress.step:,}: {len(wrong)} of {len(named)} weight matrices hold "
            f"numbers that are not finite, such as {wrong[0]}; {self._what_is_kept()}start a new "
            "run with a lower train.peak_lr or a longer train.warmup_steps"
        )

    def _what_is_kept(self) -> str:
        steps = steps_saved(self.checkpoints)
        return f"the checkpoint of step {steps[-1]:,} is kept; " if steps else ""

    def _log_if_due(self) -> None:
        step = self.progress.step
        if step % self.spec.log_every_steps and step != self.spec.steps:
            return
        meter = self.take_meter()
        if meter.target_tokens == 0:  # every update was skipped, and said so
            return
        loss, nll, guided, copying = self._sum_over_ranks(
            meter.loss, meter.nll, meter.guided, meter.copying
        )
        target = max(meter.target_tokens, 1)
        seconds = max(meter.seconds, 1e-9)
        tokens = meter.tokens
        flops = (
            self.flops_per_token[0] * meter.source_tokens
            + self.flops_per_token[1] * meter.target_tokens
        )
        values: dict[str, Value] = {
            "epoch": self.progress.epoch,
            "loss_nats_per_token": loss / target,
            "nll_nats_per_token": nll / target,
            "learning_rate": learning_rate(step, self.spec),
            "gradient_norm": meter.gradient_norm,
            "tokens_per_second": tokens / seconds,
            "padding_share": 1 - tokens / max(meter.padded_tokens, 1),
            "matrix_peak_share": flops / seconds / self.peak_flops,
            "elapsed_seconds": self.progress.elapsed_seconds,
        }
        values |= meter.pointing(guided, copying, self.spec)
        self.log.record("train", step, values)
        self.log.progress(self._progress_line(values))

    def _progress_line(self, values: dict[str, Value]) -> str:
        step, total = self.progress.step, self.spec.steps
        left = self.progress.elapsed_seconds / step * (total - step)
        return (
            f"step {step:,}/{total:,}  epoch {values['epoch']}  "
            f"loss {values['loss_nats_per_token']:.3f}  lr {values['learning_rate']:.2e}  "
            f"{values['tokens_per_second']:,.0f} tokens/s "
            f"({values['matrix_peak_share']:.0%} of matrix peak)  {duration(left)} left"
        )

    def _validation_due(self) -> bool:
        step = self.progress.step
        due = step > 0 and (step % self.spec.validate_every_steps == 0 or step >= self.spec.steps)
        return due and self.progress.validated_step != step

    def _validate(self) -> None:
        progress = self.progress
        trainee = self.accelerator.unwrap_model(self.trainee)
        self._check_weights()
        start = time.perf_counter()
        trainee.eval()
        try:
            validation = self.validate(trainee)
        except Stopped:
            self.log.say(
                f"step {progress.step:,}: asked to stop, the validation is left; "
                "a resumed run begins with it"
            )
            return
        finally:
            trainee.train()
            progress.elapsed_seconds += time.perf_counter() - start
        best = progress.candidates[:1]
        gained = not best or quality(validation) > quality(best[0])
        self._note(validation, gained)
        score, chrf, loss = validation.score, validation.chrf, validation.loss
        self._keep_candidate(Candidate(progress.step, score, chrf=chrf, loss=loss), trainee)
        self.log.record("dev", progress.step, validation.values)
        mark = "  (best so far)" if gained else ""
        self.log.say(f"step {progress.step:,}  {validation.to_text()}{mark}")
        blind = blind_text(progress.equal_scores, validation.metric, progress.validations)
        if blind and progress.validations == 2:  # once; the final scores say it again
            self.log.say(blind)
        self._save()

    def _note(self, validation: Validation, gained: bool) -> None:
        """Count a validation, and what its scores have in common with those before."""
        progress = self.progress
        before = progress.equal_scores if progress.validated_step else None
        progress.equal_scores = note_equal(before, validation.metric, validation)
        progress.validated_step = progress.step
        progress.validations += 1
        progress.validations_without_gain = 0 if gained else progress.validations_without_gain + 1

    def _keep_candidate(self, candidate: Candidate, trainee: Trainee) -> None:
        """Keep the weights if they are among the best; later ones win ties."""
        progress = self.progress
        ranked = [*progress.candidates, candidate]
        ranked.sort(key=lambda one: (quality(one), one.step), reverse=True)
        progress.candidates = ranked[: self.spec.keep_best]
        if candidate not in progress.candidates:
            return
        place, digest = progress.candidates.index(candidate), ""
        if self.accelerator.is_main_process:
            path = candidate_path(self.checkpoints, candidate.step)
            path.parent.mkdir(parents=True, exist_ok=True)
            save_tensors(path, trainee.model.state_dict())
            digest = sha256(path)
        digest = agree(digest, self.accelerator.num_processes)
        progress.candidates[place] = replace(candidate, sha256=digest)

    def _save_if_due(self) -> None:
        self._unsaved = True
        if self.progress.step % self.spec.save_every_steps == 0 and not self._validation_due():
            self._save()  # where a validation is due, it saves

    def _save(self) -> None:
        self._check_weights()  # never over a checkpoint that is sound
        step, accelerator = self.progress.step, self.accelerator
        temporary = temporary_path(self.checkpoints, step)
        if accelerator.is_main_process:
            begin_checkpoint(temporary)
            trainee = accelerator.unwrap_model(self.trainee)
            optimizer = getattr(self.optimizer, "optimizer", self.optimizer)
            write_shared_parts(temporary, trainee, optimizer, self.progress)
        accelerator.wait_for_everyone()
        write_own_parts(temporary, accelerator.process_index, asdict(self.meter))
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            finish_checkpoint(temporary, self.checkpoints, step)
            for problem in prune_checkpoints(self.checkpoints, keep=self.spec.keep_last):
                self.log.say(f"warning: {problem}; this checkpoint was set aside")
        self._unsaved = False
        accelerator.wait_for_everyone()

    @property
    def finished(self) -> bool:
        """Whether the run has made its last update and validated it, or is out of patience."""
        impatient = 0 < self.spec.patience <= self.progress.validations_without_gain
        return impatient or (self.progress.step >= self.spec.steps and not self._validation_due())

    def _sum_over_ranks(self, *values: float) -> list[float]:
        return sum_over_ranks(self.accelerator, *values)

    def _every_rank(self, flag: bool) -> bool:
        return self._sum_over_ranks(float(not flag))[0] == 0
