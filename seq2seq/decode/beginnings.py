"""What the hypotheses of a batch begin with, given and not chosen: all alike, or each its own.

The probability of what is given counts nothing, and a prefix counts nothing in a score's length.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from jaxtyping import Int
from torch import Tensor

from seq2seq.decode.lengths import Ids
from seq2seq.decode.options import DecodeOptions
from seq2seq.errors import ModelError
from seq2seq.model.upload import upload


@dataclass(frozen=True, slots=True)
class Beginnings:
    """Given pieces.

    Attributes:
        pieces: Of each sentence, filled up with anything.
        lengths: How many of them are meant.
        shortest: The least of these numbers, which the host knows.
        longest: The greatest.
        uncounted: How many pieces the length in a score leaves out.
    """

    pieces: Int[Tensor, "sentences longest"]
    lengths: Int[Tensor, " sentences"]
    shortest: int
    longest: int
    uncounted: int | Int[Tensor, "sentences 1"]

    @classmethod
    def of(cls, options: DecodeOptions, prefixes: Sequence[Ids], device: torch.device) -> Self:
        """Put what every target begins with before the prefix of each.

        Args:
            options: With what all begin with.
            prefixes: One for each sentence, or nothing but empty ones.
            device: Where the search runs.

        Returns:
            What is given.
        """
        rows = [[*options.given, *prefix] for prefix in prefixes]
        counts = [len(row) for row in rows]
        filled = [[*row, *[0] * (max(counts) - len(row))] for row in rows]
        uncounted: int | Tensor = options.uncounted
        if any(prefixes):
            left_out = [len(row) if p else options.uncounted
                        for row, p in zip(rows, prefixes, strict=True)]  # fmt: skip
            uncounted = upload(left_out, device)[:, None]
        return cls(
            upload(filled, device),
            upload(counts, device),
            min(counts),
            max(counts),
            uncounted,
        )

    def limits(
        self,
        source_lengths: Sequence[int],
        prefixes: Sequence[Ids],
        options: DecodeOptions,
        positions: int,
    ) -> list[int]:
        """The most pieces each output may have, longer by what is given to it alone.

        Args:
            source_lengths: Pieces of each source.
            prefixes: As in `of`.
            options: With the limits of all.
            positions: The most the model can write.

        Returns:
            One limit for each sentence.

        Raises:
            ModelError: What is given leaves no room.
        """
        if any(prefixes) and self.longest >= positions:
            raise ModelError(
                f"decode: an output is to begin with '{self.longest}' pieces, the model can write "
                f"{positions}; shorten the context"
            )
        limits = options.length_limits(source_lengths, positions)
        return [
            min(positions, limit + len(prefix))
            for limit, prefix in zip(limits, prefixes, strict=True)
        ]

    def counted(self, length: int) -> float | Tensor:
        """Pieces that count in a score; while only given ones are there, one stands for none.

        Args:
            length: All pieces.

        Returns:
            A number for all sentences, or one for each.
        """
        if isinstance(self.uncounted, int):
            return max(1, length - self.uncounted)
        return (length - self.uncounted).clamp(min=1)

    def keep(self, sentences: Int[Tensor, " kept"]) -> Self:
        """Those of the sentences named, in their new order."""
        uncounted = self.uncounted
        return replace(
            self,
            pieces=self.pieces[sentences],
            lengths=self.lengths[sentences],
            uncounted=uncounted if isinstance(uncounted, int) else uncounted[sentences],
        )
