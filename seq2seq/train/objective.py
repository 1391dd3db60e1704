"""What training minimises: label-smoothed cross-entropy, without ever keeping the logits.

The logits of one batch are its largest tensor by far (tokens x vocabulary). They are computed here
a few rows at a time, and turned into gradients at once, so that neither they nor their gradient
outlive their rows.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

# Logits that exist at a time. They are overwritten chunk by chunk: with 8 MB in 32 bits they stay
# in the processor's cache, and no chunk waits for fresh memory. For 3,700 tokens, 8,000 pieces,
# forward and backward on one core in bf16, ms at width 128 / 512: 2**20 logits 113 / 334, 2**21
# 95 / 291, 2**22 111 / 280, 2**23 125 / 298; with fresh memory for each chunk 154 / 299.
CHUNK_LOGITS = 2**21


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
    tokens, vocab = len(hidden), len(weight)
    rows = max(1, min(tokens, CHUNK_LOGITS // vocab))
    exact = torch.float64 if hidden.dtype == torch.float64 else torch.float32
    chunk = _Chunk(weight.detach().to(hidden.dtype), rows, exact=exact)
    needs_grad = any(ctx.needs_input_grad[:2])
    grad_hidden = torch.empty_like(hidden) if needs_grad else None
    grad_weight = torch.zeros_like(weight, dtype=exact) if needs_grad else None
    loss, nll = hidden.new_zeros((), dtype=exact), hidden.new_zeros((), dtype=exact)
    share = smoothing / (vocab - 1)
    for start in range(0, tokens, rows):
        part = slice(start, start + rows)
        x, y = hidden[part], targets[part, None]
        scores = chunk.scores(x, bias)
        probabilities, normaliser = chunk.softmax(scores)
        real = normaliser - scores.gather(1, y)
        nll += real.sum()
        loss += (1 - smoothing) * real.sum()
        if smoothing:
            every = normaliser * (vocab - 1) - scores.sum(1, keepdim=True)
            loss += share * (every + scores[:, pad_id, None]).sum()
        if grad_hidden is not None and grad_weight is not None:
            # The gradient of the loss by a score is its probability minus the wanted one.
            grad = probabilities.sub_(share)
            grad[:, pad_id] += share
            grad.scatter_add_(1, y, grad.new_full(y.shape, smoothing - 1))
            chunk.add_gradients(grad, x, grad_hidden[part], grad_weight)
    if grad_hidden is not None and grad_weight is not None:
        ctx.save_for_backward(grad_hidden, grad_weight.to(weight.dtype))
    ctx.mark_non_differentiable(nll)
    return loss, nll


class _Chunk:
    """Memory for some rows of logits, overwritten by the next rows."""

    def __init__(self, matrix: Tensor, rows: int, *, exact: torch.dtype):
        self.matrix = matrix
        self.rounded = matrix.new_empty(rows, len(matrix))
        self.exact = matrix.new_empty(rows, len(matrix), dtype=exact)
        self.probabilities = torch.empty_like(self.exact)
        self.grad_matrix = torch.empty_like(matrix)
        self.exact_grad_matrix = torch.empty_like(matrix, dtype=exact)

    def scores(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """Multiply in the precision of the model, go on in 32 bits."""
        torch.mm(x, self.matrix.t(), out=self.rounded[: len(x)])
        scores = self.exact[: len(x)].copy_(self.rounded[: len(x)])
        return scores if bias is None else scores.add_(bias)

    def softmax(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities, and the logarithm of what they were divided by."""
        probabilities = torch.softmax(scores, 1, out=self.probabilities[: len(scores)])
        # Any piece gives the divisor back; the likeliest one's probability cannot be zero. This way
        # each logit costs one exponential instead of two.
        top = scores.amax(1, keepdim=True)
        return probabilities, top - probabilities.amax(1, keepdim=True).log()

    def add_gradients(
        self, grad: Tensor, x: Tensor, grad_hidden: Tensor, grad_weight: Tensor
    ) -> None:
        """Turn the gradient of these rows' scores into those of their two factors."""
        rounded = self.rounded[: len(x)].copy_(grad)
        torch.mm(rounded, self.matrix, out=grad_hidden)
        torch.mm(rounded.t(), x, out=self.grad_matrix)
        # A sum of two number types would take fresh memory for one of them.
        grad_weight += self.exact_grad_matrix.copy_(self.grad_matrix)
