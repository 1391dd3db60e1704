"""Linear maps of 8 bits: a quarter of the memory, and products several times faster on a CPU.

A matrix is rounded once, each of its rows by a scale of its own, and what it is multiplied by anew
in each step, each position by a scale of its own. So a position gets the same numbers whatever
stands beside it in a batch, which one scale for all of them (``torch.ops.quantized``) does not
give. Products are summed as whole numbers, exactly; the rest of the model stays in 32 bits.

The operator is the one that PyTorch's own compiler emits, of oneDNN, which uses the processor's
instructions for it (AVX512-VNNI, AMX). VNNI multiplies unsigned numbers by signed ones; for two
signed ones, which AMX has too, oneDNN falls back on plain loops that take a thousand times as long.
So positions are rounded to unsigned numbers, with 128 for zero. For 300 or 330 positions, a core of
an AMD EPYC (Zen 5) without AMX, ms in 32 bits / in 8: 512 to 2048 features 2.7/0.9, 128 to 8256
3.0/1.4, 128 to 512 0.19/0.11, 128 to 128 0.06/0.06.
"""

from copy import deepcopy
from itertools import chain

import torch
from jaxtyping import Float
from torch import Tensor, nn

from seq2seq.errors import DeviceError
from seq2seq.model.transformer import Transformer

LARGEST = 127
# What stands for zero in a rounded position: its numbers are 1 … 255.
ZERO = 128
# Keeps the scale of a row of zeros from being zero, by which it would be divided.
SMALLEST = 1e-20


class EightBitLinear(nn.Module):
    """A linear map with a matrix of 8 bits."""

    def __init__(
        self, weight: Float[Tensor, "outputs inputs"], bias: Float[Tensor, " outputs"] | None
    ):
        super().__init__()
        scale = weight.abs().amax(1).clamp(min=SMALLEST) / LARGEST
        rounded = weight.div(scale[:, None]).round().to(torch.int8)
        self.packed = torch.ops.onednn.qlinear_prepack(rounded, None)
        self.scale = scale
        self.zero = torch.zeros(len(weight), dtype=torch.long)
        self.smallest = torch.tensor(SMALLEST)
        self.bias = bias

    def forward(self, x: Float[Tensor, "*places inputs"]) -> Float[Tensor, "*places outputs"]:
        """Map vectors linearly.

        Args:
            x: The vectors, which are rounded too.

        Returns:
            The outputs.
        """
        alone = x.numel() == x.shape[-1]
        if alone:  # oneDNN has no fast product for one row, with 256 inputs 2 ms instead of 0.03
            x = torch.stack([x, x])
        scale = torch.add(self.smallest, x.abs().amax(-1, keepdim=True), alpha=1 / LARGEST)
        # Of a signed number its first bit makes the unsigned one that is larger by 128.
        signed = x.div(scale).round_().to(torch.int8)
        rounded = signed.view(torch.uint8).bitwise_xor_(ZERO)
        found: Tensor = torch.ops.onednn.qlinear_pointwise(
            rounded, 1.0, ZERO, self.packed, self.scale, self.zero,
            None, 1.0, 0, torch.float32, "none", [], "",
        )  # fmt: skip
        found.mul_(scale)  # not `addcmul`, which goes number by number along rows
        if self.bias is not None:
            found.add_(self.bias)
        return found[0] if alone else found


@torch.no_grad()
def in_eight_bits(model: Transformer) -> Transformer:
    """The same model with every matrix product in 8 bits, for decoding only.

    Args:
        model: In 32 bits, on the CPU. It stays as it is, and shares what is not rounded.

    Returns:
        Another model.

    Raises:
        DeviceError: The processor has no instructions for such products.
    """
    if not torch.cpu._is_vnni_supported():
        raise DeviceError(
            "8 bits: this processor has no AVX512-VNNI, needed for products of 8 bits in our own "
            "program; use --engine auto, or leave --quantize out"
        )
    shared = {id(tensor): tensor for tensor in chain(model.parameters(), model.buffers())}
    rounded = deepcopy(model, shared)
    for module in [*rounded.encoder.modules(), *rounded.decoder.modules()]:
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Linear):
                setattr(module, name, EightBitLinear(child.weight, child.bias))
    rounded.rounded_output = EightBitLinear(model.output_weight, model.logits_bias)
    return rounded
