"""What a layer reads during a forward pass, for losses on attention that no kernel shows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

from torch import Tensor, nn

Calls: TypeAlias = list[tuple[Tensor, ...]]


@contextmanager
def inputs_of(module: nn.Module) -> Iterator[Calls]:
    """Collect what a module reads while the context is open, one tuple a call."""
    collected: Calls = []
    handle = module.register_forward_pre_hook(lambda _, args: collected.append(args))
    try:
        yield collected
    finally:
        handle.remove()
