"""Layers compiled by ``torch.compile``, while a model is trained and at no other time.

Each layer is compiled by itself, and all layers of a stack share one program, so that there is
little to compile. Search and dev loss run the layers as they are written: a cache that grows would
be compiled again and again. The modules stay what they are, so weights keep their names.

Source:
    PyTorch's recipe "Reducing torch.compile cold start compilation time with regional compilation".
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from seq2seq.data.batches import Batch
from seq2seq.errors import TrainingError
from seq2seq.recipe import TrainSpec
from seq2seq.train.criterion.criterion import Criterion, Losses, Update
from seq2seq.train.sharding import layers_of

BACKEND = "inductor"


@contextmanager
def layers_compiled(criterion: Criterion, spec: TrainSpec, device: torch.device) -> Iterator[None]:
    """Compile what a criterion computes in training, if the recipe asks for it.

    Args:
        criterion: Changed until the end.
        spec: Says whether.
        device: Where it computes.

    Raises:
        TrainingError: Nothing can be compiled here.
    """
    if not spec.compile:
        yield
        return
    _try_compiler(device)
    for layer in layers_of(criterion):
        layer.compile(backend=BACKEND, dynamic=True)
    forward, own = criterion.forward, vars(criterion).get("forward")

    def trained(batch: Batch, update: Update) -> Losses:
        with torch.compiler.set_stance("default" if criterion.training else "force_eager"):
            losses: Losses = forward(batch, update)
            return losses

    criterion.forward = trained  # type: ignore[method-assign]
    try:
        with torch.compiler.set_stance("force_eager"):
            yield
    finally:
        del criterion.forward
        if own is not None:  # Accelerate's, which chooses the number format
            criterion.forward = own  # type: ignore[method-assign]


def _try_compiler(device: torch.device) -> None:
    try:
        torch.compile(_one_more, backend=BACKEND)(torch.ones(2, device=device))
    except Exception as error:  # of whatever compiler is called; it has no class of its own
        reason = " ".join(filter(None, str(error).splitlines()[:2]))
        needed = "a C++ compiler" if device.type == "cpu" else "Triton and a C++ compiler"
        raise TrainingError(
            f"train.compile = true: nothing can be compiled for '{device}' here ({reason}), needed "
            f"{needed}; install it or remove train.compile"
        ) from error


def _one_more(numbers: torch.Tensor) -> torch.Tensor:
    return numbers + 1
