#!/usr/bin/env python
"""Measure the choices inside the model: which attention is faster at which length, which softmax,
which dropout.

Prints the figures that stand in seq2seq/model/attention.py and dropout.py. One core, CPU time of
the process, best of eight, so that other work on the machine disturbs little.
"""

import time
from collections.abc import Callable
from unittest import mock

import torch
from torch.nn import functional as F

from seq2seq.model import attention
from seq2seq.model.dropout import dropout


def milliseconds(run: Callable[[], object]) -> float:
    """CPU time of one call, best of eight."""
    run()
    best = float("inf")
    for _ in range(8):
        start = time.process_time()
        run()
        run()
        best = min(best, (time.process_time() - start) / 2)
    return best * 1e3


def measure_attention(length: int, precision: torch.dtype, *, heads: int, dim: int) -> list[float]:
    """Forward and backward of 4096 positions: written out, fused."""
    shape = (4096 // length, length, 3, heads, dim)
    parts = torch.randn(shape, dtype=precision, requires_grad=True)

    def run() -> None:
        query, key, value = parts.permute(2, 0, 3, 1, 4).contiguous()
        attention.attend(query, key, value, bias=None, causal=True, dropout=0.0).sum().backward()

    times = []
    for fused in (False, True):
        with mock.patch.object(attention, "prefers_fused", return_value=fused):
            times.append(milliseconds(run))
    return times


def measure_dropout(width: int, precision: torch.dtype) -> list[float]:
    """Forward and backward of 4096 x width numbers: library, ours."""
    x = torch.randn(4096, width, dtype=precision, requires_grad=True)
    grad = torch.ones_like(x)
    return [
        milliseconds(lambda: F.dropout(x, 0.3).backward(grad)),
        milliseconds(lambda: dropout(x, 0.3).backward(grad)),
    ]


def measure_softmax(keys: int) -> list[float]:
    """Forward and backward of the weights of 4096 queries and 4 heads in bf16: library, ours."""
    products = torch.randn(4096 // keys, 4, keys, keys, dtype=torch.bfloat16, requires_grad=True)
    grad = torch.ones_like(products)
    softmax = attention.row_softmax
    return [
        milliseconds(lambda: products.float().softmax(-1).to(grad.dtype).backward(grad)),
        milliseconds(lambda: softmax(products).to(grad.dtype).backward(grad)),
    ]


def main() -> None:
    """Print the tables."""
    torch.set_num_threads(1)
    for keys in (6, 10, 15, 16):
        library, ours = measure_softmax(keys)
        print(f"softmax   {keys} keys: library {library:.1f} ms, ours {ours:.1f}")
    for precision in (torch.float32, torch.bfloat16):
        for width in (128, 512):
            library, ours = measure_dropout(width, precision)
            print(
                f"dropout   {precision} 4096 x {width}: library {library:.1f} ms, ours {ours:.1f}"
            )
    for precision in (torch.float32, torch.bfloat16):
        for length in (16, 64, 128, 256, 512):
            written, fused = measure_attention(length, precision, heads=8, dim=64)
            print(f"attention {precision} length {length}: out {written:.1f} ms, fused {fused:.1f}")


if __name__ == "__main__":
    main()
