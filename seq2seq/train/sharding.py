"""FSDP2: every process holds a part of each weight, of its gradient and of its optimizer state.

Plain processes hold all of them, sixteen bytes a weight with Adam in 32 bits. Sharded over N
processes each holds one Nth, and a layer's weights are whole only while the layer computes. What
is not training (search, dev loss, the end of a run) works on a whole copy, without gradient or
optimizer state, so the weights alone must fit on a device.

Source:
    Zhao et al. 2023 (arXiv:2304.11277); ``torch.distributed.fsdp.fully_shard``.
"""

import copy
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.distributed import get_world_size
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor

from seq2seq.model.weights import weights_of
from seq2seq.train.criterion.criterion import Criterion


def shard(criterion: Criterion, device: torch.device) -> Criterion:
    """A copy of a criterion whose weights are sharded; every process must call it.

    The layers of both stacks are gathered one by one, everything else (embeddings, last norms)
    for as long as the criterion computes.

    Args:
        criterion: The same on every process; left as it is.
        device: Of this process.

    Returns:
        The copy, on the device.
    """
    sharded = copy.deepcopy(criterion)
    mesh = init_device_mesh(device.type, (get_world_size(),))
    for layer in layers_of(sharded):
        fully_shard(layer, mesh=mesh)
    fully_shard(sharded, mesh=mesh)
    return sharded


def is_sharded(module: nn.Module) -> bool:
    """Whether this process holds a part of the module's weights only."""
    return isinstance(module, FSDPModule)


def layers_of(module: nn.Module) -> Iterator[nn.Module]:
    """The layers of a model's stacks: the members of its outermost lists of modules."""
    for child in module.children():
        if isinstance(child, nn.ModuleList):
            yield from child
        else:
            yield from layers_of(child)


def whole(tensor: Tensor) -> Tensor:
    """A tensor of which each process holds a part, put together; others are whole already."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def own_part(tensor: Tensor) -> Tensor:
    """What this process holds of a tensor; shares memory with it."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def like(pattern: Tensor, part: Tensor) -> Tensor:
    """A tensor that is sharded as another one is, from the part that this process holds."""
    if not isinstance(pattern, DTensor):
        return part.to(pattern.device)
    tensor = torch.zeros_like(pattern)
    own_part(tensor).copy_(part)
    return tensor


def whole_weights(module: nn.Module) -> dict[str, Tensor]:
    """The weights of a module on the CPU, put together one by one; every process must call it."""
    return {name: whole(weight.detach()).cpu() for name, weight in weights_of(module).items()}


@torch.no_grad()
def load_own_weights(module: nn.Module, parts: Mapping[str, Tensor]) -> None:
    """Put back what this process held of each weight.

    Raises:
        RuntimeError: A part is missing, unknown or of another shape.
    """
    held = {name: own_part(weight) for name, weight in weights_of(module).items()}
    if wrong := held.keys() ^ parts.keys():
        raise RuntimeError(f"{len(wrong)} weights are missing or unknown, such as {min(wrong)}")
    for name, weight in held.items():
        if weight.shape != parts[name].shape:
            raise RuntimeError(
                f"{name} has the shape {list(parts[name].shape)} in this part, needed "
                f"{list(weight.shape)}"
            )
        weight.copy_(parts[name])
