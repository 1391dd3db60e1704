"""Whether a run fits into memory, tried before the first update, not found out hours later.

What an update needs is largest in a few of its micro-batches, and grows once more when the
optimizer makes its state, twice the size of the weights, at the end of the first update.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch.optim import Optimizer

from seq2seq.data.batches import Batch
from seq2seq.errors import TrainingError
from seq2seq.train.hardware import out_of_memory, random_state_kept


def run_dry(
    work: Callable[[Batch], None],
    batches: Sequence[Batch],
    optimizer: Optimizer,
    *,
    batch_tokens: int,
) -> None:
    """Run micro-batches beside gradients and the optimizer's state, and forget it all.

    Args:
        work: Adds the gradients of a micro-batch to those that are there.
        batches: Those that need most memory; as many on every rank, because ranks exchange them.
        optimizer: Of the run.
        batch_tokens: Of the recipe, for the message.

    Raises:
        TrainingError: One does not fit into memory.
    """
    batch = batches[0]
    device = next(one.device for group in optimizer.param_groups for one in group["params"])
    try:
        with random_state_kept(device), optimizer_state(optimizer):
            for batch in batches:
                work(batch)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        rows, source = batch.source_ids.shape
        raise TrainingError(
            f"train.batch_tokens = {batch_tokens}: one of the largest micro-batches ({rows} pairs, "
            f"{source} source and {batch.target_ids.shape[1]} target pieces long) does not fit "
            "into memory beside the optimizer's state; lower train.batch_tokens and raise "
            "train.accumulate, or set train.gradient_checkpointing = true"
        ) from error
    finally:
        optimizer.zero_grad(set_to_none=True)


@contextmanager
def optimizer_state(optimizer: Optimizer) -> Iterator[None]:
    """Let the optimizer hold what it will need, inside the block, where it holds nothing yet.

    A step of rate 0 on gradients of 0 makes the state and changes no weight. The gradients stay,
    because micro-batches of one update find those of the others there.
    """
    made = not optimizer.state
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    rates = [group["lr"] for group in optimizer.param_groups]
    try:
        if made:
            for group in optimizer.param_groups:
                group["lr"] = 0.0
            optimizer.step()
        yield
    finally:
        if made:
            optimizer.state.clear()
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
