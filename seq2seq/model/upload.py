"""Python's numbers on the device of a model, without waiting for it."""

from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Tensor


def upload(
    numbers: Sequence[int] | Sequence[Sequence[int]], device: torch.device
) -> Int[Tensor, "..."]:
    """Make a tensor of whole numbers on a device.

    ``torch.tensor(numbers, device=device)`` lets the host wait until a GPU has done all that it was
    asked for before. This copy stands in line behind that, and the host goes on: CUDA has read the
    numbers when the call returns, so that the memory they came from may be freed.

    Args:
        numbers: A row, or rows of one length.
        device: Where they will be needed.

    Returns:
        The same numbers, in 64 bits.

    Source: CUDA Runtime API, "API synchronization behavior", asynchronous copies from pageable
    memory.
    """
    return torch.tensor(numbers, dtype=torch.long).to(device, non_blocking=True)
