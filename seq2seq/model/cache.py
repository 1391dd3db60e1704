"""What a decoder remembers between two steps, so that each step computes one position only."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class MemoryKeysValues:
    """Keys and values that one decoder layer reads from the encoded source, one set a sentence."""

    keys: Float[Tensor, "sentences heads source dim"]
    values: Float[Tensor, "sentences heads source dim"]

    def keep(self, sentences: Int[Tensor, " kept"]) -> "MemoryKeysValues":
        """Drop every sentence that is not named."""
        return MemoryKeysValues(self.keys[sentences], self.values[sentences])


class DecoderCache:
    """Keys and values of all positions decoded so far, for ``sentences x beams`` hypotheses.

    Hypotheses are rows, the beams of one sentence stand together. Room for the longest hypothesis
    is taken at the start, so no step allocates. What belongs to the source is kept once for each
    sentence and shared by its beams.

    Attributes:
        length: Positions decoded so far; the same for all rows.
        beams: Hypotheses of each sentence.
    """

    def __init__(
        self,
        memory: list[MemoryKeysValues],
        source_bias: Float[Tensor, "sentences 1 1 source"] | None,
        *,
        beams: int,
        max_length: int,
    ):
        sentences, heads, _, dim = memory[0].keys.shape
        self.length = 0
        self.beams = beams
        self.memory = memory
        self.source_bias = source_bias
        # Keys and values of all layers in one block: a beam re-selection is one copy.
        self.past = memory[0].keys.new_empty(
            len(memory), 2, sentences * beams, heads, max_length, dim
        )

    def append(
        self,
        layer: int,
        keys: Float[Tensor, "rows heads 1 dim"],
        values: Float[Tensor, "rows heads 1 dim"],
    ) -> tuple[Float[Tensor, "rows heads past dim"], Float[Tensor, "rows heads past dim"]]:
        """Remember the position that is being decoded, for one layer.

        Args:
            layer: Number of the decoder layer.
            keys: Its keys of this position.
            values: Its values of this position.

        Returns:
            The layer's keys and values of all positions up to and including this one.
        """
        self.past[layer, 0, :, :, self.length] = keys[:, :, 0]
        self.past[layer, 1, :, :, self.length] = values[:, :, 0]
        past = self.past[layer, :, :, :, : self.length + 1]
        return past[0], past[1]

    def reorder(self, rows: Int[Tensor, " rows"]) -> None:
        """Let row ``i`` continue the hypothesis that was row ``rows[i]``.

        Beams of a sentence may take each other's place, not that of another sentence's, because
        the source is kept by sentence.

        Args:
            rows: For each row the one it continues.
        """
        if torch.equal(rows, torch.arange(len(rows), device=rows.device)):
            return
        used = self.past[:, :, :, :, : self.length]
        used.copy_(used.index_select(2, rows))

    def keep(self, sentences: Int[Tensor, " kept"]) -> None:
        """Let finished sentences leave the batch.

        Args:
            sentences: The sentences that stay, in their new order.
        """
        beam = torch.arange(self.beams, device=sentences.device)
        rows = (sentences[:, None] * self.beams + beam).flatten()
        self.past = self.past.index_select(2, rows)
        self.memory = [layer.keep(sentences) for layer in self.memory]
        if self.source_bias is not None:
            self.source_bias = self.source_bias[sentences]
