"""Guided attention: how much of its attention a word gives to the noun that is meant.

Attention is computed by kernels that never show their weights. Those of one head for one word of
each sentence are a small product, made a second time from what the layer read.
"""

import math
from collections.abc import Mapping
from typing import cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from seq2seq.data.batches import Batch
from seq2seq.data.marks import BatchMarks
from seq2seq.model.attention import BLOCKED, SelfAttention
from seq2seq.model.linear import linear
from seq2seq.model.transformer import Transformer
from seq2seq.recipe import GuidedAttentionSpec
from seq2seq.train.criterion.criterion import TARGET_TOKENS, Update
from seq2seq.train.criterion.layer_inputs import Calls
from seq2seq.train.schedule import guidance_weight

ANTECEDENTS = "antecedents"


class GuidedAttention:
    """The loss of one encoder layer's attention, a mean over the sentences with an antecedent.

    Attributes:
        name: Of its sum among the parts of a loss.
        attention: The attention that learns, whose inputs the loss is computed from.
    """

    name = "guided"

    def __init__(self, model: Transformer, spec: GuidedAttentionSpec, *, steps: int):
        self.attention = cast(SelfAttention, model.encoder[spec.layer].self_attention)
        self._spec = spec
        self._steps = steps

    def loss(self, calls: Calls, batch: Batch) -> Float[Tensor, ""]:
        """Surprise at the antecedents of a batch, the mean over the passes that R-Drop makes."""
        marks = _marks_of(batch)
        asking, antecedent = getattr(marks, self._spec.row), marks.antecedent
        losses = [
            attention_loss(
                self.attention, x, batch.source_mask, asking, antecedent, head=self._spec.head
            )
            for x, *_ in calls
        ]
        return torch.stack(losses).mean()

    def weight(self, update: Update) -> Float[Tensor, ""]:
        """What the loss is multiplied by: it is a mean over sentences, the rest one over tokens."""
        sentences = update.counts[ANTECEDENTS].clamp(min=1)
        tokens = update.counts[TARGET_TOKENS]
        return guidance_weight(update.step, self._spec, steps=self._steps) * tokens / sentences

    def counts(self, batch: Batch) -> dict[str, int]:
        """The sentences that have an antecedent."""
        return {ANTECEDENTS: _marks_of(batch).antecedents}

    def figures(self, sums: Mapping[str, float]) -> dict[str, float]:
        """Nats for each of those sentences."""
        return {"guided_nats_per_sentence": sums[self.name] / max(sums[ANTECEDENTS], 1)}


def _marks_of(batch: Batch) -> BatchMarks:
    if batch.marks is None:
        raise ValueError("train.guided_attention: a batch without marks")
    return batch.marks


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
        asking: True at the pieces of the word that is to attend; of several the mean counts. On the
            host, as ``antecedent`` is, so that no device is waited for.
        antecedent: True at the pieces of the noun, whose attention is added up.
        head: The head; None for the mean of all.

    Returns:
        The sum of -log(attention from the word to the antecedent).
    """
    asking_rows = (asking & antecedent.any(1, keepdim=True)).numpy()  # found out on the host
    row, place = (torch.from_numpy(found).to(x.device) for found in asking_rows.nonzero())
    pieces = torch.from_numpy(asking_rows.sum(1)).to(x.device)[row]
    wanted = antecedent.to(x.device)[row]
    # Not in 16 bits: for as many rows as happen to be marked oneDNN would compile its products anew
    # in each update, which takes longer than to compute them.
    with torch.autocast(x.device.type, enabled=False):
        exact = attention.query_key_value.weight.dtype
        word, sentence = x[row, place][:, None].to(exact), x[row].to(exact)
        query, key = _project(attention, word, sentence, head)
        scores = torch.einsum("nqhd,nshd->nhs", query, key) * query.shape[-1] ** -0.5
    if source_mask is not None:
        scores = scores.masked_fill(~source_mask[row][:, None], BLOCKED)
    log_weights = scores.log_softmax(-1).masked_fill(~wanted[:, None], -torch.inf)
    of_heads = log_weights.logsumexp(-1)
    log_mass = of_heads.logsumexp(1) - math.log(of_heads.shape[1])
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
