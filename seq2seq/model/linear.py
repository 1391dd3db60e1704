"""Linear maps, in decoding at the full speed of the processor.

PyTorch hands single-precision products to Intel's MKL, which uses half of the vector width of other
makers' processors: 100 instead of 230 GFLOP/s on one core of an AMD EPYC with AVX-512. oneDNN,
which PyTorch contains as well, asks what the processor can do and not who made it. On Intel's own
processors MKL is the faster one for the short products of narrow models (its calls cost 25
microseconds less), and as fast for wide ones. oneDNN is reached by an operator that PyTorch's own
compiler emits and that has no gradient; where there is a gradient to compute, another number type,
another device or another build, the ordinary operator is used. Both compute in full single
precision.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from seq2seq.environment import processor_name

ONEDNN = hasattr(torch.ops.mkldnn, "_linear_pointwise")

# Multiplications from which on oneDNN is faster. One core of an AMD EPYC (Zen 5), μs in MKL / in
# oneDNN: 128 to 128 4 rows 4/14, 64 rows 22/21, 256 rows 79/46; 128 to 384 16 rows 19/21, 32 rows
# 33/27; 128 to 8256 4 rows 179/125; 512 to 512 4 rows 41/41, 16 rows 98/64.
FEWEST_PRODUCTS = 2**20
# From so many inputs and rows on oneDNN is as fast as MKL on Intel's processors, or faster. One
# core of a Xeon, ms in MKL / in oneDNN: 48 rows 128 to 128 0.015/0.040, 256 to 768 0.16/0.21, 512
# to 2048 1.00/1.02; 250 rows 128 to 8256 4.5/5.8, 512 to 8256 22.8/22.6.
WIDE_FOR_MKL, ROWS_FOR_MKL = 512, 16
# What a product must have for oneDNN besides: on other makers' processors anything.
FEWEST_INPUTS, FEWEST_ROWS = (WIDE_FOR_MKL, ROWS_FOR_MKL) if "Intel" in processor_name() else (0, 0)


def linear(
    x: Float[Tensor, "*places inputs"],
    weight: Float[Tensor, "outputs inputs"],
    bias: Float[Tensor, " outputs"] | None,
) -> Float[Tensor, "*places outputs"]:
    """Map vectors linearly, as ``torch.nn.functional.linear`` does.

    Args:
        x: The vectors.
        weight: One row for each output.
        bias: Added to the outputs.

    Returns:
        The outputs.
    """
    if (
        ONEDNN
        and not torch.is_grad_enabled()
        and x.shape[-1] >= FEWEST_INPUTS
        and x.dtype == weight.dtype == torch.float32
        and x.device.type == "cpu"
        and x.numel() >= FEWEST_ROWS * x.shape[-1]
        and x.numel() * len(weight) >= FEWEST_PRODUCTS
        and not torch.is_autocast_enabled("cpu")
    ):
        fast: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
        return fast
    return F.linear(x, weight, bias)


def use_fast_products(model: nn.Module) -> None:
    """Give the linear maps of any model the faster forward pass; weights and hooks stay theirs.

    Maps of a class of their own, which may compute something else, are left alone.
    """
    for module in model.modules():
        if type(module) is nn.Linear:
            module.__class__ = Linear


class Linear(nn.Linear):
    """``torch.nn.Linear`` with the same weights, faster without gradients."""

    def forward(self, input: Float[Tensor, "*places inputs"]) -> Float[Tensor, "*places outputs"]:
        """Map vectors linearly.

        Args:
            input: The vectors.

        Returns:
            The outputs.
        """
        return linear(input, self.weight, self.bias)
