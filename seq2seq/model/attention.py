"""Attention: every position asks a question, and reads from the positions whose label answers it.

Each position makes three vectors out of its features. Its *query* (Q) says what it looks for, its
*key* (K) says what it offers, its *value* (V) is what others get from it. The scalar product of a
query with every key, divided by the square root of their size so that the softmax does not
saturate, becomes a set of weights that sum to one; the answer is the sum of the values under these
weights: ``softmax(Q K' / sqrt(dim)) V``. *Heads* do this side by side on slices of the features,
so one position can look for its verb and its article at once.

In self-attention queries, keys and values come from the same positions; in cross-attention the
decoder's positions ask and the encoded source answers.

Source: Vaswani et al. 2017, section 3.2.
"""

from typing import TypeAlias

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from seq2seq.model.dropout import dropout as drop
from seq2seq.model.linear import Linear

# Added to the score of a pair that must not see each other: exp() of it is exactly zero, it fits
# into every float type, and unlike -inf it gives no NaN where a whole row is blocked.
BLOCKED = -3e4

# On a CPU in bf16, up to this many (query, key) pairs a head are written out, more go to the fused
# kernel. ``python scripts/measure_kernels.py``: 4096 positions, 8 heads of 64, one core, ms written
# out / fused: length 16 17/130, 64 26/87, 128 39/110, 256 109/117, 512 269/194.
EXPLICIT_PAIRS_BF16 = 256 * 256

# On a CPU in fp32 the fused kernel is ahead for long sequences (same measure: 16 35/33, 128 68/68,
# 512 313/205), but not for few queries: a decoding step (64 sentences of 18, 5 beams: 0.47/0.58),
# or an encoder that reads short sources (forward alone, 4 heads of 32, one core of an AMD EPYC: 348
# sentences of 13 1.2/2.4, 221 of 37 4.0/4.9; 8 heads of 64: 120 of 37 9.1/9.8, 30 of 64 4.3/4.2).
FEW_QUERIES, FEW_QUERIES_IN_TRAINING = 48, 12

# The library's softmax goes number by number along rows that do not fill a vector register, 16
# numbers in AVX-512. Filling them up, ms for forward and backward of 4096
# queries, 4 heads, bf16, one core: 6 keys 2.7 -> 0.9, 10 keys 4.2 -> 0.9, 15 keys 6.3 -> 0.9.
VECTOR = 16

# Batch, heads, positions, features of a head; the names vary, queries and keys differ in number.
Heads: TypeAlias = Float[Tensor, "_ _ _ _"]


def padding_bias(
    real: Bool[Tensor, "batch source"], *, queries: int, dtype: torch.dtype
) -> Float[Tensor, "batch 1 {queries} source"]:
    """Turn a mask of real pieces into what is added to the scores of padding.

    Args:
        real: True where a piece is real, False where it is padding.
        queries: Number of queries that it will be added for. It is written out for each of them
            once, because adding a short row again and again in every layer is slow.
        dtype: Number type of the scores.

    Returns:
        Zero for real pieces, a large negative number for padding, the same for all heads.
    """
    bias = torch.zeros(real.shape, dtype=dtype, device=real.device)
    bias = bias.masked_fill_(~real, BLOCKED)[:, None, None, :]
    return bias.expand(-1, -1, queries, -1).contiguous()


def causal_bias(
    length: int, *, dtype: torch.dtype, device: torch.device
) -> Float[Tensor, "target target"]:
    """Block every position's view of later ones: they are what it has to predict.

    Args:
        length: Number of positions.
        dtype: Number type of the scores.
        device: Where the scores are computed.

    Returns:
        A matrix (query, key) with a large negative number above the diagonal.
    """
    return torch.full((length, length), BLOCKED, dtype=dtype, device=device).triu_(1)


def attend(
    query: Float[Tensor, "batch heads target dim"],
    key: Float[Tensor, "batch heads source dim"],
    value: Float[Tensor, "batch heads source dim"],
    *,
    bias: Float[Tensor, "batch 1 #target source"] | None,
    causal: bool,
    dropout: float,
) -> Float[Tensor, "batch heads target dim"]:
    """Answer every query with a weighted mean of the values.

    Computed as the formula is written, or by a fused kernel that never holds the whole matrix of
    weights, whichever ``prefers_fused``. On a GPU the library picks its flash kernel where there is
    no bias, its memory-efficient one where there is; shapes and types decide, never numbers, for
    which the host would have to wait. Whether a batch has padding is known where it is made.

    Args:
        query: What each position looks for.
        key: What each position offers.
        value: What each position gives.
        bias: Added to the scores, blocks padding; None where there is none.
        causal: Whether a query may only see keys up to its own position.
        dropout: Share of the weights that is zeroed; 0 outside of training.

    Returns:
        One answer for each query.
    """
    if prefers_fused(query, key, dropout=dropout):
        return F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=None if bias is None else bias.to(query.dtype),
            dropout_p=dropout,
            is_causal=causal,
        )
    scores = torch.matmul(query * query.shape[-1] ** -0.5, key.transpose(-1, -2))
    # In place: nothing before needs the scores again, and a sum passes its gradient on unchanged.
    if causal:
        scores += causal_bias(scores.shape[-1], dtype=scores.dtype, device=scores.device)
    if bias is not None:
        scores += bias
    weights = row_softmax(scores)
    if weights.dtype != value.dtype:
        weights = weights.to(value.dtype)
    weights = drop(weights, dropout)
    return torch.matmul(weights, value)


def row_softmax(scores: Float[Tensor, "*rows keys"]) -> Float[Tensor, "*rows keys"]:
    """Turn each row of scores into weights that sum to one, in 32 bits.

    Scores in bf16 are not exact, but their weights are then, and on short rows three times faster.

    Args:
        scores: What each query's scaled product with each key is.

    Returns:
        The weights, in single precision or the scores' own if that is higher.
    """
    keys = scores.shape[-1]
    if scores.dtype in (torch.bfloat16, torch.float16):
        scores = scores.float()
    # A trace, for an export or a compiler, must serve rows of any length.
    traced = torch.compiler.is_compiling() or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    if scores.device.type == "cpu" and keys < VECTOR and not traced:
        # Not BLOCKED: where all keys of a row are blocked, they still share its weight.
        return F.pad(scores, (0, VECTOR - keys), value=-torch.inf).softmax(-1)[..., :keys]
    return scores.softmax(-1)


def prefers_fused(query: Heads, key: Heads, *, dropout: float) -> bool:
    """Tell which of the two ways to the same answer is the faster one.

    Args:
        query: What each position looks for.
        key: What each position offers.
        dropout: Share of the weights that will be zeroed.

    Returns:
        Whether to call the fused kernel.
    """
    if query.device.type != "cpu":
        return True
    if dropout > 0:
        # There is no such kernel for a CPU: the library would write the matrix out too.
        return False
    if query.dtype == torch.bfloat16:
        return query.shape[2] * key.shape[2] > EXPLICIT_PAIRS_BF16
    few = FEW_QUERIES_IN_TRAINING if torch.is_grad_enabled() else FEW_QUERIES
    return query.shape[2] > few


class SelfAttention(nn.Module):
    """Positions of one sequence read from each other."""

    def __init__(self, width: int, heads: int, *, dropout: float):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        # One matrix product instead of three: rows are queries, then keys, then values.
        self.query_key_value = Linear(width, 3 * width)
        self.output = Linear(width, width)

    def project(
        self, x: Float[Tensor, "batch target width"]
    ) -> tuple[Heads, Float[Tensor, "2 batch heads target dim"]]:
        """Make queries, keys and values, split into heads.

        Args:
            x: Features of each position.

        Returns:
            Queries; keys and values.
        """
        batch, length, width = x.shape
        parts = self.query_key_value(x).view(batch, length, 3, self.heads, width // self.heads)
        # Once in the order of the products here, or each of them would copy its parts again.
        ordered = parts.permute(2, 0, 3, 1, 4).contiguous()
        return ordered[0], ordered[1:]

    def forward(
        self,
        x: Float[Tensor, "batch target width"],
        *,
        bias: Float[Tensor, "batch 1 target target"] | None = None,
        causal: bool = False,
    ) -> Float[Tensor, "batch target width"]:
        """Let each position read from the others.

        Args:
            x: Features of each position.
            bias: Blocks padding.
            causal: Whether later positions are hidden, as in a decoder.

        Returns:
            What each position has read.
        """
        query, (key, value) = self.project(x)
        return self.read(query, key, value, bias=bias, causal=causal)

    def read(
        self,
        query: Float[Tensor, "batch heads target dim"],
        key: Float[Tensor, "batch heads source dim"],
        value: Float[Tensor, "batch heads source dim"],
        *,
        bias: Float[Tensor, "batch 1 #target source"] | None = None,
        causal: bool = False,
    ) -> Float[Tensor, "batch target width"]:
        """Answer queries whose keys and values are already there, as they are in step decoding.

        Args:
            query: What each position looks for.
            key: What the visible positions offer.
            value: What the visible positions give.
            bias: Blocks padding.
            causal: Whether later positions are hidden.

        Returns:
            What each position has read.
        """
        dropout = self.dropout if self.training else 0.0
        answer = attend(query, key, value, bias=bias, causal=causal, dropout=dropout)
        read: Tensor = self.output(join_heads(answer))
        return read


class CrossAttention(nn.Module):
    """Positions of the target read from the encoded source."""

    def __init__(self, width: int, heads: int, *, dropout: float):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = Linear(width, width)
        # Keys and values have the same input: one product.
        self.key_value = Linear(width, 2 * width)
        self.output = Linear(width, width)

    def project_memory(self, memory: Float[Tensor, "batch source width"]) -> tuple[Heads, Heads]:
        """Make keys and values from the encoded source; they serve all target positions.

        Args:
            memory: The encoded source.

        Returns:
            Keys and values, split into heads.
        """
        batch, length, width = memory.shape
        parts = self.key_value(memory).view(batch, length, 2, self.heads, width // self.heads)
        key, value = parts.permute(2, 0, 3, 1, 4).contiguous()
        return key, value

    def forward(
        self,
        x: Float[Tensor, "batch target width"],
        key: Float[Tensor, "batch heads source dim"],
        value: Float[Tensor, "batch heads source dim"],
        *,
        bias: Float[Tensor, "batch 1 #target source"] | None,
    ) -> Float[Tensor, "batch target width"]:
        """Let each target position read from the source.

        Target positions do not see each other here, so while decoding the beams of one sentence may
        stand side by side as if they were positions, and share its keys and values.

        Args:
            x: Features of each target position.
            key: Keys of the source.
            value: Values of the source.
            bias: Blocks padding of the source.

        Returns:
            What each target position has read.
        """
        batch, length, width = x.shape
        query = self.query(x).view(batch, length, self.heads, width // self.heads).transpose(1, 2)
        dropout = self.dropout if self.training else 0.0
        answer = attend(query, key, value, bias=bias, causal=False, dropout=dropout)
        read: Tensor = self.output(join_heads(answer))
        return read


def join_heads(x: Heads) -> Float[Tensor, "batch positions width"]:
    """Put the slices of all heads side by side again.

    Args:
        x: Answers of each head.

    Returns:
        Features of each position.
    """
    batch, heads, length, dim = x.shape
    return x.transpose(1, 2).reshape(batch, length, heads * dim)
