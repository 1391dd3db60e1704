"""Batches written out by hand, and what a criterion says of one."""

import torch
from torch import Tensor

from seq2seq.data.batches import Batch
from seq2seq.data.marks import BatchMarks
from seq2seq.train.criterion.criterion import Criterion, Losses, Update


def batch_of(
    source: Tensor,
    target: Tensor,
    marks: BatchMarks | None = None,
    *,
    pad: int = 1,
    bottleneck: bool = False,
) -> Batch:
    """The batch of two rectangles; a source mask only where something is padded."""
    mask, real = source != pad, target != pad
    return Batch(
        source_ids=source,
        source_mask=None if mask.all() else mask,
        target_ids=target,
        source_tokens=int(mask.sum()),
        target_tokens=int(real.sum()),
        padded_tokens=source.numel() + target.numel(),
        target_places=real.flatten().nonzero()[:, 0],
        marks=marks,
        bottleneck=bottleneck,
    )


def losses_of(criterion: Criterion, batch: Batch, *, step: int = 1) -> Losses:
    """The losses, where a mean over sentences and one over tokens weigh the same."""
    names = ["target_tokens", *criterion.counts(batch)]
    return criterion(batch, Update(step, {name: torch.tensor(1.0) for name in names}))
