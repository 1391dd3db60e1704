"""What training minimises: label-smoothed cross-entropy, without ever keeping the logits.

The logits of one batch are its largest tensor by far (tokens x vocabulary). They are computed here
a few rows at a time, and turned into gradients at once, so that neither they nor their gradient
outlive their rows.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

# Rows of logits that exist at a time: 8 MB with a vocabulary of 8,000 in bf16, which stays close to
# the processor's cache.
ROWS = 512


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
    matrix = weight.to(hidden.dtype)
    exact = torch.float64 if hidden.dtype == torch.float64 else torch.float32
    needs_grad = any(ctx.needs_input_grad[:2])
    grad_hidden = torch.empty_like(hidden) if needs_grad else hidden.new_empty(0)
    grad_weight = torch.zeros(weight.shape if needs_grad else 0, dtype=exact, device=weight.device)
    loss = torch.zeros((), dtype=exact, device=hidden.device)
    nll = torch.zeros_like(loss)
    share = smoothing / (weight.shape[0] - 1)
    for rows in range(0, len(hidden), ROWS):
        x, y = hidden[rows : rows + ROWS], targets[rows : rows + ROWS, None]
        scores = (x @ matrix.t()).to(exact)
        if bias is not None:
            scores += bias
        shares = scores.softmax(1)
        # Any piece gives the normaliser back; that of the likeliest cannot have rounded to zero.
        # One exponential for each logit instead of two.
        normaliser = scores.amax(1, keepdim=True) - shares.amax(1, keepdim=True).log()
        real = normaliser - scores.gather(1, y)
        nll += real.sum()
        loss += (1 - smoothing) * real.sum()
        if smoothing:
            every = normaliser * (weight.shape[0] - 1) - scores.sum(1, keepdim=True)
            loss += share * (every + scores[:, pad_id, None]).sum()
        if needs_grad:
            # d loss / d score = p - q
            grad = shares.sub_(share)
            grad[:, pad_id] += share
            grad.scatter_add_(1, y, grad.new_full(y.shape, smoothing - 1))
            grad = grad.to(x.dtype)
            torch.mm(grad, matrix, out=grad_hidden[rows : rows + ROWS])
            grad_weight += grad.t() @ x
    ctx.save_for_backward(grad_hidden, grad_weight.to(weight.dtype))
    ctx.mark_non_differentiable(nll)
    return loss, nll
