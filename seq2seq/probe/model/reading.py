"""What a stock model is given, and what it is found to do with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from seq2seq.errors import ModelError
from seq2seq.probe.model.interventions import Stack


@dataclass(frozen=True)
class Inputs:
    """A batch as the model reads it, padded on the right.

    Attributes:
        source_ids: What an encoder reads; for a decoder-only model the only text there is.
        source_mask: True where a piece is real, False where it is padding.
        target_ids: What the decoder of an encoder-decoder model reads, beginning with its start
            piece: row t predicts piece t + 1. None for models of one stack.
        target_mask: True where a piece of the target is real.

    Raises:
        ModelError: Only one of target and its mask is there.
    """

    source_ids: Int[Tensor, "batch source"]
    source_mask: Bool[Tensor, "batch source"]
    target_ids: Int[Tensor, "batch target"] | None = None
    target_mask: Bool[Tensor, "batch target"] | None = None

    def __post_init__(self) -> None:
        if (self.target_ids is None) != (self.target_mask is None):
            raise ModelError("inputs: a target without its mask, or a mask alone; needed both")


Encoded = Float[Tensor, "batch source width"]
"""The last hidden states of an encoder, on its device; a decoder may read them again and again."""


@dataclass(frozen=True)
class Reading:
    """What a model did with a batch. Rows of padding hold numbers that mean nothing.

    Attributes:
        logits: For every row the scores of the next piece, or only for the row that was asked for;
            None for encoders.
        maps: What each head saw: rows sum to one, interventions are in it.
        values: On request, the norm of what each column offers a head: its value after the head's
            slice of the output projection. ``maps * values[..., None, :]`` are the value-weighted
            norms of Kobayashi et al. 2020.
        contributions: On request, what every column contributes to every row. In self-attention the
            way past is a column like others, the row's own, and rows sum to 1; in cross-attention
            what is missing to 1 went past.
        outputs: On request, what each head said in each row, before the output projection; the
            material of means and patches.
        gradients: On request, the gradient of an objective with respect to each map.
    """

    logits: Float[Tensor, "batch target vocabulary"] | None
    maps: Mapping[Stack, Float[Tensor, "layers batch heads query key"]]
    values: Mapping[Stack, Float[Tensor, "layers batch heads key"]] = field(default_factory=dict)
    contributions: Mapping[Stack, Float[Tensor, "layers batch query key"]] = field(
        default_factory=dict
    )
    outputs: Mapping[Stack, Float[Tensor, "layers batch heads query dim"]] = field(
        default_factory=dict
    )
    gradients: Mapping[Stack, Float[Tensor, "layers batch heads query key"]] = field(
        default_factory=dict
    )


def pad_lines(
    lines: Sequence[Sequence[int]], pad_id: int
) -> tuple[Int[Tensor, "batch length"], Bool[Tensor, "batch length"]]:
    """Fill lines of pieces up to one length, on the right, and say what is real."""
    ids = pad_sequence([torch.tensor(line) for line in lines], True, pad_id)
    mask = pad_sequence([torch.ones(len(line), dtype=torch.bool) for line in lines], True, False)
    return ids, mask
