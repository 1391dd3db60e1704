"""How a function of ours becomes the attention of a stock model, for as long as a block lasts.

The library looks its attention up by a name that the configuration holds. The name needs two
entries: with the function alone the library prepares no mask, so that decoders would see the future
and everyone the padding.
"""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import eager_mask

from seq2seq.errors import ModelError

NAME = "seq2seq_probe"


class AttentionFunction(Protocol):
    """What the library calls once for each layer: it answers all queries of all heads."""

    def __call__(
        self,
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        **options: Any,
    ) -> tuple[Tensor, Tensor]:
        """Attend.

        Args:
            module: The attention of one layer.
            query: Batch, heads, rows, features.
            key: Batch, heads (or fewer, shared), columns, features.
            value: As the keys.
            attention_mask: Added to the scores; None if everything is visible.
            options: What else the family needs; passed on.

        Returns:
            Answers (batch, rows, heads, features) and weights (batch, heads, rows, columns).
        """


class PassEnded(Exception):
    """No mistake: it carries control out of a model once all that was asked for is known."""


def ending(attend: AttentionFunction, *, after: int) -> AttentionFunction:
    """The same attention, which ends the pass once it has attended so many times."""
    calls = count(1)

    def attend_or_end(*given: Any, **options: Any) -> tuple[Tensor, Tensor]:
        answer = attend(*given, **options)
        if next(calls) == after:
            raise PassEnded
        return answer

    return attend_or_end


@contextmanager
def attending(model: Any, attend: AttentionFunction) -> Iterator[None]:
    """Let a model of the transformers library attend through a function, without dropout.

    After the block all is as it was.
    """
    parts = [part for part in model.modules() if isinstance(part, PreTrainedModel)]
    settings = [(part.config, part.config._attn_implementation) for part in parts]
    in_training = [module for module in model.modules() if module.training]
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, eager_mask)
    try:
        model.set_attn_implementation(NAME)
        model.eval()
        yield
    finally:
        AttentionInterface.register(NAME, _refuse)
        for config, setting in settings:
            config._attn_implementation = setting
        for module in in_training:
            module.training = True


def stock_attention(module: nn.Module) -> AttentionFunction:
    """Find the written-out attention that the attention of a layer would use under ``eager``.

    Whatever its family does to scores (relative positions, capping, sinks) is in there.

    Raises:
        ModelError: Its file has none.
    """
    own = inspect.unwrap(type(module).forward).__globals__
    function: AttentionFunction | None = own.get("eager_attention_forward")
    if function is None:
        raise ModelError(
            f"{type(module).__name__}: no written-out attention beside it, so its maps cannot be "
            "read; needed a family of the transformers library with 'eager' attention"
        )
    return function


def for_each_head(
    value: Float[Tensor, "batch groups key width"], heads: int
) -> Float[Tensor, "batch heads key width"]:
    """Give every head its values, where a group of heads shares them."""
    shared_by = heads // value.shape[1]
    return value if shared_by == 1 else value.repeat_interleave(shared_by, dim=1)


@contextmanager
def only_rows(model: Any, rows: Sequence[int] | None) -> Iterator[None]:
    """Let nothing but one row of each item reach the map to the vocabulary, or all rows if None."""
    head = model.get_output_embeddings() if rows is not None else None
    if rows is None or head is None:
        yield
        return
    wanted = torch.tensor(rows, device=model.device)

    def keep(_: Any, given: tuple[Tensor, ...]) -> tuple[Tensor]:
        return (given[0][torch.arange(len(wanted)), wanted][:, None],)

    hook = head.register_forward_pre_hook(keep)
    try:
        yield
    finally:
        hook.remove()


def _refuse(module: nn.Module, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
    raise ModelError(
        f"{type(module).__name__}: called with attention '{NAME}' while nobody reads it; call the "
        "model through the probe, or set another attention"
    )
