"""What the processes of a run tell each other."""

from collections.abc import Mapping
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list, gather_object
from torch import Tensor


def sum_over_ranks(accelerator: Accelerator, *values: float) -> list[float]:
    """Sums of numbers over all ranks; every rank must call it at the same point."""
    if accelerator.num_processes == 1:
        return list(values)
    total = torch.tensor(values, dtype=torch.float64, device=accelerator.device)
    summed: Tensor = accelerator.reduce(total, reduction="sum")
    return summed.tolist()


def sum_tensors_over_ranks(
    accelerator: Accelerator, values: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Sums of named numbers over all ranks, which stay on the device; every rank must call it."""
    if accelerator.num_processes == 1:
        return dict(values)
    summed = accelerator.reduce(torch.stack(list(values.values())), reduction="sum")
    return dict(zip(values, summed.unbind(), strict=True))


def broadcast(value: Any, processes: int) -> Any:
    """The first rank's value, on every rank."""
    box = [value]
    if processes > 1:
        broadcast_object_list(box)
    return box[0]


def gather(value: Any, processes: int) -> list[Any]:
    """The value of each rank, in their order, on every rank."""
    return gather_object([value]) if processes > 1 else [value]
