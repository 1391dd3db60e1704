"""What a decoder remembers between two steps, so that each step computes one position only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from seq2seq.model.attention import BLOCKED
from seq2seq.model.upload import upload

# Positions that there is room for at first, and that are added each time it is full. Then all is
# copied; until then a step reads the empty ones too.
ROOM = 8


@dataclass(frozen=True, slots=True)
class Moves:
    """Which sentences change place when others leave, so that those that stay come first.

    Only these are copied: few, if the last ones take the places that become free.
    """

    count: int
    """How many sentences stay."""
    places: Int[Tensor, " moved"]
    """Where those go whose place changes."""
    origins: Int[Tensor, " moved"]
    """Where they stood."""

    @classmethod
    def of(cls, sentences: Sequence[int], device: torch.device) -> Self:
        """Name the sentences that stay, in their new order."""
        moved = [place for place, sentence in enumerate(sentences) if sentence != place]
        origins = [sentences[place] for place in moved]
        return cls(len(sentences), upload(moved, device), upload(origins, device))

    def made_in(self, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Move the sentences of a tensor in place, and leave the others out.

        Args:
            x: What belongs to each sentence, along its first dimension; nobody else may hold it.

        Returns:
            The first part of the same memory.
        """
        x[self.places] = x[self.origins]
        return x[: self.count]


@dataclass(frozen=True)
class MemoryKeysValues:
    """Keys and values that one decoder layer reads from the encoded source, one set a sentence."""

    keys: Float[Tensor, "sentences heads source dim"]
    values: Float[Tensor, "sentences heads source dim"]

    def keep(self, moves: Moves) -> "MemoryKeysValues":
        """Drop every sentence but those that stay, which take their new places."""
        return MemoryKeysValues(moves.made_in(self.keys), moves.made_in(self.values))


class DecoderCache:
    """Keys and values of all positions decoded so far, for ``sentences x beams`` hypotheses.

    Hypotheses are rows, the beams of one sentence stand together. What belongs to the source is
    kept once for each sentence and shared by its beams.

    There is room for a few positions, and for as many more whenever it is used up. With one beam
    a step reads all of the room, blocking what is empty: the keys of all sentences then lie in
    memory one behind the other. Gaps between them cost more than what is read in vain: 348
    sentences, 4 heads of 32, 20 positions, μs for a product without and with room for 4 more, one
    core of an AMD EPYC (Zen 5): 240/520. With several beams a sentence has so many keys that gaps
    cost less.

    What the beams of a sentence have decoded is never moved: it lies in one pool for all of them,
    and a table says which entries of the pool are a hypothesis' own past. When beams take each
    other's place only the table is reordered, which is smaller than keys and values by the width
    of the model. The queries of all beams read the whole pool in one product, what is not theirs
    blocked; that costs arithmetic, which is idle here, and saves memory traffic, which is not.

    Attributes:
        length: Positions decoded so far; the same for all rows.
        beams: Hypotheses of each sentence.
        visible_past: Added to the scores of what `append` returns: keeps each beam from reading
            empty positions and others' past.
    """

    def __init__(
        self,
        memory: list[MemoryKeysValues],
        source_bias: Float[Tensor, "sentences 1 1 source"] | None,
        *,
        beams: int,
    ):
        keys = memory[0].keys
        sentences, heads, _, dim = keys.shape
        self.length = 0
        self.beams = beams
        self.memory = memory
        self.source_bias = source_bias
        # Entry ``position * beams + beam`` is what that beam decoded at that position.
        self.pool = keys.new_zeros(len(memory), 2, sentences, heads, ROOM * beams, dim)
        # Added to the scores: zero at the entries of a hypothesis' own past, blocking elsewhere.
        self.past_bias = keys.new_full((sentences, 1, beams, ROOM * beams), BLOCKED)
        self.visible_past: Float[Tensor, "sentences 1 beams pool"] = self.past_bias
        self.own = torch.full((beams, beams), BLOCKED, dtype=keys.dtype, device=keys.device)
        self.own.fill_diagonal_(0)

    def append(
        self, layer: int, keys_values: Float[Tensor, "2 sentences heads beams dim"]
    ) -> tuple[
        Float[Tensor, "sentences heads pool dim"], Float[Tensor, "sentences heads pool dim"]
    ]:
        """Remember the position that is being decoded, for one layer.

        Args:
            layer: Number of the decoder layer; each step begins with layer 0.
            keys_values: Its keys and values of this position.

        Returns:
            The layer's keys and values of all positions up to and including this one, behind them
            perhaps empty ones.
        """
        start = self.length * self.beams
        end = start + self.beams
        if layer == 0:
            if end > self.past_bias.shape[3]:
                self._grow()
            self.past_bias[:, 0, :, start:end] = self.own
            self.visible_past = self.past_bias if self.beams == 1 else self.past_bias[..., :end]
        self.pool[layer, :, :, :, start:end] = keys_values
        keys, values = self.pool[layer, :, :, :, : self.visible_past.shape[3]]
        return keys, values

    def _grow(self) -> None:
        """Make room for `ROOM` positions more."""
        added = ROOM * self.beams
        empty = self.pool.new_zeros(()).expand(*self.pool.shape[:4], added, self.pool.shape[5])
        self.pool = torch.cat([self.pool, empty], dim=4)  # `F.pad` would fill all of it first
        self.past_bias = F.pad(self.past_bias, (0, added), value=BLOCKED)

    def reorder(self, rows: Int[Tensor, " rows"]) -> None:
        """Let row ``i`` continue the hypothesis that was row ``rows[i]``.

        Beams of a sentence may take each other's place, not that of another sentence's, because
        the source is kept by sentence.

        Args:
            rows: For each row the one it continues.
        """
        beam = rows.view(-1, self.beams) % self.beams
        used = self.past_bias[:, 0, :, : self.length * self.beams]
        used.copy_(used.gather(1, beam[:, :, None].expand(-1, -1, used.shape[2])))

    def keep(self, sentences: Sequence[int]) -> None:
        """Let finished sentences leave the batch; while no gradients are recorded.

        Args:
            sentences: The sentences that stay, in their new order. The host knows it: a device
                would have to be asked how many there are.
        """
        moves = Moves.of(sentences, self.pool.device)
        used = self.pool[..., : self.length * self.beams, :]
        used[:, :, moves.places] = used[:, :, moves.origins]
        self.pool = self.pool[:, :, : moves.count]
        self.past_bias = moves.made_in(self.past_bias)
        self.memory = [layer.keep(moves) for layer in self.memory]
        if self.source_bias is not None:
            self.source_bias = moves.made_in(self.source_bias)
