"""What training minimises: label-smoothed cross-entropy, without ever keeping the logits.

The logits of one batch are its largest tensor by far (tokens x vocabulary). They are computed here
a few rows at a time, and turned into gradients at once, so that neither they nor their gradient
outlive their rows.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

# Logits that are computed at a time, few enough that a processor's cache holds them; and how many
# such chunks' probabilities are kept until the matrix gets its gradient from all of them, which
# costs a pass over its numbers each time. For 3,700 tokens and 8,000 pieces in bf16 on one core of
# an Intel Xeon with AMX, ms at width 128 / 512: chunks of 2**20 logits 82 / 206, 2**21 75 / 200,
# 2**22 86 / 197; keeping two chunks instead of four 71 / 205, eight 82 / 197.
CHUNK_LOGITS = 2**21
CHUNKS_KEPT = 4

# On a CPU rows of zeros fill a batch up to a multiple of this, and a chunk has as many where there
# is room for them. oneDNN compiles a program for each shape of a product, in half a millisecond,
# and keeps 1,024 of them; filled up, the shapes of the last chunk come again. Demo, 1 process of 2
# threads of an AMD EPYC (Zen 5), programs compiled in each update: 20 before; 2 with this,
# `EVEN_ROWS` of small batches and guided attention in 32 bits.
ROW_UNIT = 64

# A GPU has no such cache to fill, but thousands of cores, and starting an operation costs it as
# much as some millions of numbers: large chunks, 128 MiB of each kind in bf16. Not run here.
DEVICE_CHUNK_LOGITS = 2**26
DEVICE_CHUNKS_KEPT = 1

# Below this a softmax is too close to zero to tell the divisor that it was divided by.
SMALLEST_PROBABILITY = 1e-30


def smoothed_cross_entropy(
    hidden: Float[Tensor, "tokens width"],
    weight: Float[Tensor, "vocab width"],
    bias: Float[Tensor, " vocab"] | None,
    targets: Int[Tensor, " tokens"],
    *,
    smoothing: float,
    pad_id: int,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Sum up how surprised a model is by the pieces that really came next.

    With ``e`` for smoothing, ``V`` for the size of the vocabulary and ``y`` for the real piece, the
    wanted distribution is ``q(k) = e / (V - 1)`` for every piece but padding, plus ``1 - e`` for
    ``y``; it sums to one. The loss is ``sum of -q(k) log p(k)``. Padding gets nothing: it never
    comes next, and a share of it would fight the constant that makes it impossible.

    Args:
        hidden: One vector for each real target position, none for padding.
        weight: The output matrix.
        bias: Added to the logits, never trained.
        targets: The piece that really came next; never padding.
        smoothing: Share of the wanted probability that is spread evenly over all real pieces.
        pad_id: The padding piece.

    Returns:
        The sum of the losses, to be divided by a number of tokens and minimised; and the sum of the
        negative log-probabilities of the real pieces, without gradient, for perplexities.

    Source: Szegedy et al. 2016, section 7, with padding left out of the uniform part.
    """
    loss, nll = _SmoothedCrossEntropy.apply(  # type: ignore[no-untyped-call]
        hidden, weight, bias, targets, smoothing, pad_id
    )
    return loss, nll


class _SmoothedCrossEntropy(torch.autograd.Function):
    """Computes the gradients in the forward pass, while the logits are at hand."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        smoothing: float,
        pad_id: int,
    ) -> tuple[Tensor, Tensor]:
        with torch.autocast(hidden.device.type, enabled=False):
            if hidden.device.type == "cpu":
                hidden = F.pad(hidden, (0, 0, 0, -len(hidden) % ROW_UNIT))
            return _forward(ctx, hidden, weight, bias, targets, smoothing, pad_id)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        grad_hidden, grad_weight = ctx.saved_tensors
        scale = grads[0]
        return grad_hidden * scale, grad_weight * scale, None, None, None, None


def _forward(
    ctx: Any,
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    targets: Tensor,
    smoothing: float,
    pad_id: int,
) -> tuple[Tensor, Tensor]:
    tokens, vocab = len(targets), len(weight)
    rows, chunks_kept = _chunks(len(hidden), vocab, hidden.device)
    exact = torch.promote_types(hidden.dtype, torch.float32)
    needs_grad = any(ctx.needs_input_grad[:2])
    matrix = weight.detach().to(hidden.dtype)
    logits = matrix.new_empty(rows, vocab)
    kept = matrix.new_empty(min(len(hidden), chunks_kept * rows), vocab)
    grad_hidden, grad_part = torch.empty_like(hidden), torch.empty_like(matrix)
    grad_exact = torch.empty_like(matrix, dtype=exact)
    grad_weight = torch.zeros_like(weight, dtype=exact)
    # The wanted probability is the same small share for every piece, and a large one for the real
    # piece. What the shares of all pieces do is a sum over the matrix; no logit is touched for it.
    share = smoothing / (vocab - 1)
    others = matrix.sum(0, dtype=exact) - matrix[pad_id]
    even = (-share * others).to(matrix.dtype)
    nll, divisors = hidden.new_zeros((), dtype=exact), hidden.new_zeros((), dtype=exact)
    for block in _slices(len(hidden), len(kept)):
        block_hidden, block_targets = hidden[block], targets[block]
        for part in _slices(len(block_hidden), rows):
            x, y, probabilities = block_hidden[part], block_targets[part], kept[part]
            scores = _scores(x, matrix, bias, out=logits[: len(x)])
            torch.softmax(scores, 1, out=probabilities)
            real = slice(len(y))  # the others only fill up
            surprise, divisor = _surprise(scores[real], probabilities[real], y, exact=exact)
            nll += surprise.sum()
            divisors += divisor.sum()
            if needs_grad:
                # The gradient of the loss by a score is its probability minus the wanted one.
                # Written by place: `scatter_` would copy all probabilities first.
                places = torch.arange(len(y), device=y.device), y
                probabilities[places] = probabilities[places] - (1 - smoothing)
                torch.addmm(even, probabilities, matrix, out=grad_hidden[block][part])
        if needs_grad:
            torch.mm(kept[: len(block_hidden)].t(), block_hidden, out=grad_part)
            # A sum of two number types would take fresh memory for one of them each time.
            grad_weight += grad_exact.copy_(grad_part)
    total = hidden.sum(0, dtype=exact)
    loss = (1 - smoothing) * nll
    if smoothing:
        every = torch.dot(total, others)
        if bias is not None:
            every += tokens * (bias.sum(dtype=exact) - bias[pad_id])
        loss += share * ((vocab - 1) * divisors - every)
    if needs_grad:
        grad_weight -= share * total
        grad_weight[pad_id] += share * total
        ctx.save_for_backward(grad_hidden[:tokens], grad_weight.to(weight.dtype))
    ctx.mark_non_differentiable(nll)
    return loss, nll


def _chunks(tokens: int, vocab: int, device: torch.device) -> tuple[int, int]:
    """Rows of a chunk, and how many chunks' probabilities are kept."""
    if device.type == "cpu":
        rows, kept = CHUNK_LOGITS // vocab, CHUNKS_KEPT
        rows = rows - rows % ROW_UNIT or rows
    else:
        rows, kept = DEVICE_CHUNK_LOGITS // vocab, DEVICE_CHUNKS_KEPT
    return max(1, min(tokens, rows)), kept


def _slices(length: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, length)) for start in range(0, length, size)]


def _scores(x: Tensor, matrix: Tensor, bias: Tensor | None, *, out: Tensor) -> Tensor:
    if bias is None:
        return torch.mm(x, matrix.t(), out=out)
    return torch.addmm(bias.to(x.dtype), x, matrix.t(), out=out)


def _surprise(
    scores: Tensor, probabilities: Tensor, targets: Tensor, *, exact: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Negative log-probability of the real pieces, and what the softmax divided by, in logarithms.

    Any piece's score and probability give the divisor back, so no second pass over the logits is
    needed; only where the real piece's probability has vanished it needs another: on a CPU all
    scores of these rows; on a GPU, where the host would have to wait to learn which rows, the
    largest score and probability of every row, which never vanishes.
    """
    score = scores.gather(1, targets[:, None])[:, 0].to(exact)
    probability = probabilities.gather(1, targets[:, None])[:, 0].to(exact)
    surprise = -probability.log()
    vanished = probability < SMALLEST_PROBABILITY
    if scores.device.type == "cpu":
        rows = vanished.nonzero()[:, 0]
        surprise[rows] = scores[rows].to(exact).logsumexp(1) - score[rows]
    else:
        divisor = scores.amax(1).to(exact) - probabilities.amax(1).to(exact).log()
        surprise = torch.where(vanished, divisor - score, surprise)
    return surprise, score + surprise
