"""What is measured before the first update: the number format, and processes and threads."""

import time
from collections.abc import Mapping, Sequence

import torch
from accelerate import PartialState

from seq2seq.data.batches import Batch
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.train.batch_stream import BatchStream, BatchStreamSpec
from seq2seq.train.build import compare_precisions
from seq2seq.train.criterion.criterion import TARGET_TOKENS, Criterion, Update
from seq2seq.train.hardware import random_state_kept
from seq2seq.train.initial_model import initial_model
from seq2seq.train.parallelism import (
    MOST_TURNS,
    MOST_WEIGHTS,
    Parallelism,
    last_progress,
    try_ways,
    ways_to_share,
    worth_trying,
)
from seq2seq.train.precision import HALVES, Precision
from seq2seq.train.ranks import broadcast
from seq2seq.train.setup import Prepared, Say


def stream_spec(prepared: Prepared, *, processes: int, rank: int, shares: bool) -> BatchStreamSpec:
    """What the order of a run's micro-batches depends on."""
    train = prepared.recipe.train
    return BatchStreamSpec(
        batch_tokens=train.batch_tokens,
        pad_id=prepared.tokenizer.pad_id,
        seed=prepared.recipe.seed,
        world_size=processes,
        rank=rank,
        shares=shares,
        bottleneck_share=train.bottleneck.share,
    )


def choose_precision(
    recipe: Recipe, criterion: Criterion, stream: BatchStream, state: PartialState, say: Say
) -> Precision:
    """The recipe's number format; what ``auto`` chooses is kept for the rest of the run."""
    if recipe.train.precision != "auto":
        return recipe.train.precision
    trial = compare_precisions(criterion, stream.worst()[0], state)
    chosen: Precision = broadcast(trial.chosen, state.num_processes)
    say(trial.to_text())
    return chosen


def settle_parallelism(
    prepared: Prepared, run: Run, state: PartialState, *, threads: int, say: Say
) -> tuple[int, Precision | None]:
    """Give torch the threads of this process, and tell how many processes go on.

    Args:
        prepared: What is settled.
        run: The run, which may have begun; then everything stays as it was.
        state: Of the processes that there may be at most.
        threads: That all of them have together; the first one knows.
        say: Told what was chosen.

    Returns:
        Processes, and the number format where it was tried on the way.
    """
    started, precision = state.num_processes, None
    threads = broadcast(threads, started)
    if progress := last_progress(run):
        share = max(1, threads // started)
        chosen = Parallelism(started, min(progress.threads or share, share))
    elif state.device.type != "cpu":
        chosen = Parallelism(started, max(1, threads // started))
    elif threads > 1 and worth_trying(prepared.recipe):
        chosen, precision = choose_parallelism(prepared, state, threads=threads, say=say)
    else:
        chosen = Parallelism(1, threads)
    torch.set_num_threads(chosen.threads)
    return chosen.processes, precision


def choose_parallelism(
    prepared: Prepared, state: PartialState, *, threads: int, say: Say
) -> tuple[Parallelism, Precision | None]:
    """Try the ways to share out an update, each on the same micro-batches of the run.

    Args:
        prepared: What is settled.
        state: Of the processes that there may be at most.
        threads: That all of them have together.
        say: Told what was chosen, and of which times.

    Returns:
        The choice, and the number format where it was tried on the way.
    """
    all_threads = Parallelism(1, threads)
    if broadcast(_weights(prepared), state.num_processes) > MOST_WEIGHTS:
        return all_threads, None
    ways = ways_to_share(threads, processes=state.num_processes)
    with random_state_kept(state.device):
        criterion = initial_model(prepared).criterion(prepared.recipe.train)
        torch.set_num_threads(1)
        streams = {
            count: _stream_of_share(count, prepared, state.process_index)
            for count in sorted({way.processes for way in ways})
        }
        precision = choose_precision(prepared.recipe, criterion, streams[max(streams)], state, say)
        accumulate = prepared.recipe.train.accumulate
        work = TrialUpdates(criterion, streams, ways, state, precision, accumulate=accumulate)
        trial = try_ways(
            work.update,
            ways,
            agreed=lambda value: broadcast(value, state.num_processes),
            clock=time.perf_counter,
        )
    say(trial.to_text())
    return trial.chosen, precision


def _stream_of_share(count: int, prepared: Prepared, rank: int) -> BatchStream:
    """This process's share of a run's micro-batches in so many; none of the others' is made."""
    return BatchStream(
        prepared.training,
        stream_spec(prepared, processes=count, rank=min(rank, count - 1), shares=True),
    )


def _weights(prepared: Prepared) -> int:
    """Weights of the model to be; nothing is computed or kept for them."""
    with torch.device("meta"):
        return sum(weight.numel() for weight in initial_model(prepared).module.parameters())


class TrialUpdates:
    """Makes the first updates of a run in several ways, without the optimizer's step."""

    def __init__(
        self,
        criterion: Criterion,
        streams: Mapping[int, BatchStream],
        ways: Sequence[Parallelism],
        state: PartialState,
        precision: Precision,
        *,
        accumulate: int,
    ):
        self._criterion = criterion.train()
        self._windows = {
            count: [stream.window(accumulate) for _ in range(MOST_TURNS + 1)]
            for count, stream in streams.items()
        }
        self._made = dict.fromkeys(ways, 0)
        self._state = state
        self._half = HALVES.get(precision)
        # Every process must take part in making a group, also those outside it.
        self._groups = {
            count: torch.distributed.new_group(list(range(count)))
            for count in sorted({way.processes for way in ways} - {1})
        }

    def update(self, way: Parallelism) -> None:
        """Sum the gradients of the next window in one way; it ends where the first has them."""
        window = self._windows[way.processes][self._made[way]]
        self._made[way] += 1
        if self._groups:
            torch.distributed.barrier()
        torch.set_num_threads(way.threads)
        if self._state.process_index < way.processes:
            for batch in window:
                self._add_gradients(batch)
            if way.processes > 1:
                learning = (one.grad for one in self._criterion.parameters())
                gradients = torch.cat([one.flatten() for one in learning if one is not None])
                torch.distributed.all_reduce(gradients, group=self._groups[way.processes])
        self._criterion.zero_grad(set_to_none=True)

    def _add_gradients(self, batch: Batch) -> None:
        counts = {TARGET_TOKENS: batch.target_tokens, **self._criterion.counts(batch)}
        update = Update(1, {name: torch.tensor(float(n)) for name, n in counts.items()})
        with torch.autocast("cpu", self._half or torch.bfloat16, enabled=self._half is not None):
            loss = self._criterion(batch, update).loss
        (loss / batch.target_tokens).backward()
