"""Where the words stand that a training option points at: positions of pieces in each pair.

Whoever writes a corpus says which characters are the pronoun and its antecedent; these are the same
words as positions of pieces, which go with their pair into whatever batch it comes.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Bool, Int

from seq2seq.data.ragged import Ragged, concatenate


@dataclass(frozen=True, eq=False)
class Marks:
    """Positions of marked pieces in each pair of a corpus; none where a pair has no such word."""

    pronoun: Ragged
    """In the source: "it", also where it refers to nothing."""
    cue: Ragged
    """In the source: the word that tells what "it" means."""
    antecedent: Ragged
    """In the source: the noun that "it" means."""
    distractor: Ragged
    """In the source: the noun that it does not mean."""
    clause: Ragged
    """In the source: the clause of "it", and what follows up to the end where no noun does."""
    decision: Ragged
    """In the target: the first piece that would be another, were the other noun meant."""

    @classmethod
    def nothing(cls, pairs: int) -> "Marks":
        """Marks of pairs in which no word is marked."""
        return cls(*(Ragged.of([[]] * pairs) for _ in fields(cls)))

    def take(self, rows: Int[np.ndarray, " taken"]) -> "Marks":
        """The pairs named, in that order."""
        return Marks(*(side.take(rows) for side in self._sides()))

    def without(self, rows: Bool[np.ndarray, " rows"]) -> "Marks":
        """The same with nothing marked in some pairs."""
        return Marks(*(_emptied(side, rows) for side in self._sides()))

    def moved(
        self, source: Int[np.ndarray, " pairs"], target: Int[np.ndarray, " pairs"]
    ) -> "Marks":
        """The same words where so many pieces have been put before each source and target."""
        by_side = {field.name: source for field in fields(self)} | {"decision": target}
        return Marks(
            *(
                Ragged(side.values + np.repeat(by_side[field.name], side.lengths), side.offsets)
                for field, side in zip(fields(self), self._sides(), strict=True)
            )
        )

    def count(self, name: str) -> int:
        """Pairs in which a kind of word is marked."""
        side: Ragged = getattr(self, name)
        return int((side.lengths > 0).sum())

    def fingerprint(self) -> str:
        """Hash of all positions."""
        digest = hashlib.sha256()
        for side in self._sides():
            for array in (side.lengths, side.values):
                digest.update(np.ascontiguousarray(array, dtype=np.int64).tobytes())
        return digest.hexdigest()

    def batch(self, pairs: Int[np.ndarray, " chosen"], *, source: int, target: int) -> "BatchMarks":
        """The marks of some pairs as rectangles.

        Args:
            pairs: Which ones.
            source: Width of the batch's sources, padding included.
            target: Width of its targets.

        Returns:
            True at marked pieces.
        """
        chosen = self.take(pairs)
        return BatchMarks(
            pronoun=_rectangle(chosen.pronoun, source),
            cue=_rectangle(chosen.cue, source),
            antecedent=_rectangle(chosen.antecedent, source),
            distractor=_rectangle(chosen.distractor, source),
            clause=_rectangle(chosen.clause, source),
            decision=_rectangle(chosen.decision, target),
        )

    def _sides(self) -> list[Ragged]:
        return [getattr(self, field.name) for field in fields(self)]


@dataclass(frozen=True)
class BatchMarks:
    """The marked pieces of a batch: True where one stands."""

    pronoun: Bool[torch.Tensor, "batch source"]
    cue: Bool[torch.Tensor, "batch source"]
    antecedent: Bool[torch.Tensor, "batch source"]
    distractor: Bool[torch.Tensor, "batch source"]
    clause: Bool[torch.Tensor, "batch source"]
    decision: Bool[torch.Tensor, "batch target"]

    @property
    def antecedents(self) -> int:
        """Pairs in which an antecedent is marked."""
        return int(self.antecedent.any(1).sum())

    def to(self, device: torch.device) -> "BatchMarks":
        """The same on a device."""
        return BatchMarks(*(getattr(self, field.name).to(device) for field in fields(self)))


def join_marks(parts: Sequence[Marks]) -> Marks:
    """The marks of all parts, one part after another."""
    sides = zip(*(part._sides() for part in parts), strict=True)
    return Marks(*(concatenate(side) for side in sides))


def _emptied(side: Ragged, rows: Bool[np.ndarray, " rows"]) -> Ragged:
    kept = np.repeat(~rows, side.lengths)
    offsets = np.concatenate([[0], np.cumsum(np.where(rows, 0, side.lengths))])
    return Ragged(side.values[kept], offsets)


def _rectangle(rows: Ragged, width: int) -> Bool[torch.Tensor, "batch width"]:
    marked = np.zeros((len(rows), width), dtype=bool)
    marked[np.repeat(np.arange(len(rows)), rows.lengths), rows.values] = True
    return torch.from_numpy(marked)
