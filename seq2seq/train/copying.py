"""Guided copying: cross-attention learns to stand on what the target takes from the source.

Summaries repeat stretches of their document, names above all. A model that starts from random
weights has to find out from the loss alone that it may look such a stretch up, which takes most of
a small training set. Where a target piece belongs to a stretch that also stands in the source, the
place is known, and one head can be told.

Source: guided alignment, Chen et al. 2016 (arXiv:1607.01628), with the alignment that copying
needs: equal stretches in place of a word aligner.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from seq2seq.model.attention import BLOCKED, CrossAttention
from seq2seq.model.linear import linear

# Shorter ones, such as "a" or a full stop, stand everywhere and say nothing about the place.
SHORTEST_STRETCH = 2


def copied_places(
    source_ids: Int[Tensor, "batch source"],
    target_ids: Int[Tensor, "batch target"],
    *,
    special: Int[Tensor, " special"],
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
    equal &= ~torch.isin(target_ids, special)[:, :, None]
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
    of_rows = copied.any(2)
    log_weights = scores.log_softmax(-1)[of_rows]
    taken = log_weights.masked_fill(~copied[of_rows], BLOCKED).logsumexp(-1)
    loss: Tensor = -taken.sum()
    return loss
