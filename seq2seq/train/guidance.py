"""Guided attention: how much of its attention a word gives to the noun that is meant.

Attention is computed by kernels that never show their weights. Those of one head for one word of
each sentence are a small product, made a second time from what the layer read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from seq2seq.model.attention import BLOCKED, SelfAttention
from seq2seq.model.linear import linear

Calls: TypeAlias = list[tuple[Tensor, ...]]


@contextmanager
def inputs_of(module: nn.Module | None) -> Iterator[Calls]:
    """Collect what a module reads while the context is open, one tuple a call; nothing if None."""
    collected: Calls = []
    if module is None:
        yield collected
        return
    handle = module.register_forward_pre_hook(lambda _, args: collected.append(args))
    try:
        yield collected
    finally:
        handle.remove()


def attention_loss(
    attention: SelfAttention,
    x: Float[Tensor, "batch source width"],
    source_mask: Bool[Tensor, "batch source"] | None,
    asking: Bool[Tensor, "batch source"],
    antecedent: Bool[Tensor, "batch source"],
    *,
    head: int | None,
) -> Float[Tensor, ""]:
    """Surprise that a word attends to its antecedent, summed over the sentences that have one.

    Args:
        attention: The layer's attention.
        x: What it reads.
        source_mask: True at real pieces; None where nothing is padded.
        asking: True at the pieces of the word that is to attend; of several the mean counts.
        antecedent: True at the pieces of the noun, whose attention is added up.
        head: The head; None for the mean of all.

    Returns:
        The sum of -log(attention from the word to the antecedent).
    """
    asking = asking & antecedent.any(1, keepdim=True)
    row, place = asking.nonzero(as_tuple=True)
    query, key = _project(attention, x[row, place][:, None], x[row], head)
    scores = torch.einsum("nqhd,nshd->nhs", query, key).float() * query.shape[-1] ** -0.5
    if source_mask is not None:
        scores = scores.masked_fill(~source_mask[row][:, None], BLOCKED)
    log_weights = scores.log_softmax(-1).masked_fill(~antecedent[row][:, None], -torch.inf)
    of_heads = log_weights.logsumexp(-1)
    log_mass = of_heads.logsumexp(1) - torch.tensor(of_heads.shape[1]).log()
    pieces = asking.sum(1)[row]
    loss: Tensor = -(log_mass / pieces).sum()
    return loss


def _project(
    attention: SelfAttention, asking: Tensor, asked: Tensor, head: int | None
) -> tuple[Tensor, Tensor]:
    """Queries and keys, of one head or of all."""
    heads = slice(None) if head is None else slice(head, head + 1)
    width = asked.shape[-1]
    fused = attention.query_key_value
    weights = fused.weight.view(3, attention.heads, -1, width)[:2, heads]
    biases = fused.bias.view(3, attention.heads, -1)[:2, heads]
    count, dim = weights.shape[1:3]
    query, key = (
        linear(read, weight.flatten(0, 1), bias.flatten()).view(*read.shape[:-1], count, dim)
        for read, weight, bias in zip((asking, asked), weights, biases, strict=True)
    )
    return query, key
