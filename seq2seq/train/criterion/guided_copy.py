"""Guided copying: cross-attention learns to stand on what the target takes from the source.

Summaries repeat stretches of their document, names above all. A model that starts from random
weights has to find out from the loss alone that it may look such a stretch up, which takes most of
a small training set. Where a target piece belongs to a stretch that also stands in the source, the
place is known, and one head can be told.

Source: guided alignment, Chen et al. 2016 (arXiv:1607.01628), with the alignment that copying
needs: equal stretches in place of a word aligner.
"""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from seq2seq.data.batches import Batch
from seq2seq.model.attention import BLOCKED, CrossAttention
from seq2seq.model.linear import linear
from seq2seq.model.transformer import Transformer
from seq2seq.recipe import GuidedCopySpec
from seq2seq.train.criterion.criterion import TARGET_TOKENS, Update
from seq2seq.train.criterion.layer_inputs import Calls

# Shorter ones, such as "a" or a full stop, stand everywhere and say nothing about the place.
SHORTEST_STRETCH = 2


class GuidedCopy:
    """The loss of one head of a decoder layer's cross-attention, a sum over target pieces.

    Attributes:
        name: Of its sum among the parts of a loss.
        attention: The attention that learns, whose inputs the loss is computed from.
    """

    name = "copying"

    def __init__(self, model: Transformer, spec: GuidedCopySpec):
        self.attention = model.decoder_layers()[spec.layer].cross_attention
        self._spec = spec
        self._special = (model.config.pad_token_id, model.config.eos_token_id)

    def loss(self, calls: Calls, batch: Batch) -> Float[Tensor, ""]:
        """Surprise at the places of a batch, the mean over the passes that R-Drop makes."""
        copied = copied_places(batch.source_ids, batch.target_ids, special=self._special)
        losses = [
            copying_loss(self.attention, x, key, batch.source_mask, copied, head=self._spec.head)
            for x, key, *_ in calls
        ]
        return torch.stack(losses).mean()

    def weight(self, update: Update) -> float:
        """What the loss is multiplied by."""
        return self._spec.weight

    def counts(self, batch: Batch) -> dict[str, int]:
        """Nothing: it is a mean over target tokens, as the rest."""
        return {}

    def figures(self, sums: Mapping[str, float]) -> dict[str, float]:
        """Nats for each target token."""
        return {"copying_nats_per_token": sums[self.name] / max(sums[TARGET_TOKENS], 1)}


def copied_places(
    source_ids: Int[Tensor, "batch source"],
    target_ids: Int[Tensor, "batch target"],
    *,
    special: Sequence[int],
) -> Bool[Tensor, "batch target source"]:
    """Find where in the source each target piece was taken from.

    A stretch is a run of equal pieces on both sides, as long as it can be. A target piece was taken
    from its longest stretch; of several that are as long, from any.

    Args:
        source_ids: Source pieces, padded.
        target_ids: Target pieces, padded.
        special: Pieces that are no text: padding, end of sentence, unknown.

    Returns:
        True where source piece and target piece lie in the same longest stretch of at least
        ``SHORTEST_STRETCH`` pieces.
    """
    equal = target_ids[:, :, None] == source_ids[:, None, :]
    for piece in special:
        equal &= (target_ids != piece)[:, :, None]
    length = _run_lengths(equal) + _run_lengths(equal.flip(1, 2)).flip(1, 2) - 1
    length = torch.where(equal, length, 0)
    longest = length.amax(2, keepdim=True)
    return equal & (length == longest) & (longest >= SHORTEST_STRETCH)


def _run_lengths(equal: Bool[Tensor, "batch target source"]) -> Int[Tensor, "batch target source"]:
    """How many pieces, this one included, are equal in a row up to each pair."""
    lengths = equal.long()
    for row in range(1, lengths.shape[1]):
        lengths[:, row, 1:] *= lengths[:, row - 1, :-1] + 1
    return lengths


def copying_loss(
    attention: CrossAttention,
    x: Float[Tensor, "batch target width"],
    key: Float[Tensor, "batch heads source dim"],
    source_mask: Bool[Tensor, "batch source"] | None,
    copied: Bool[Tensor, "batch target source"],
    *,
    head: int,
) -> Float[Tensor, ""]:
    """Surprise that a head stands on what is copied next, summed over the copied target pieces.

    Args:
        attention: The layer's cross-attention.
        x: What it reads on the target's side.
        key: Its keys of the source, all heads.
        source_mask: True at real source pieces; None where nothing is padded.
        copied: Where each target piece was taken from.
        head: The head.

    Returns:
        The sum of -log(attention on the places a piece was taken from).
    """
    dim = key.shape[-1]
    rows = slice(head * dim, (head + 1) * dim)
    query = linear(x, attention.query.weight[rows], attention.query.bias[rows])
    scores = torch.matmul(query * dim**-0.5, key[:, head].transpose(1, 2)).float()
    if source_mask is not None:
        scores = scores.masked_fill(~source_mask[:, None], BLOCKED)
    taken = scores.log_softmax(-1).masked_fill(~copied, BLOCKED).logsumexp(-1)
    loss: Tensor = -torch.where(copied.any(2), taken, 0.0).sum()
    return loss
