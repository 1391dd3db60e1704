"""The stream of micro-batches, and the place in it that a checkpoint remembers.

The stream is a pure function of (recipe, seed, world size, rank): a resumed run asks for the same
epoch and index and gets the same pieces in the same order.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seq2seq.data.batches import Batch, in_bottleneck, plan_batches, worst_batches
from seq2seq.data.prepare import TrainingSet


@dataclass(frozen=True)
class FeedSpec:
    """What the order of the data depends on."""

    batch_tokens: int
    pad_id: int
    seed: int
    world_size: int = 1
    rank: int = 0
    bottleneck_share: float = 0.0


class Feed:
    """Gives micro-batches for ever; knows where it stands and can be put anywhere.

    Attributes:
        epoch: The epoch of the next micro-batch, counted from 0.
        batch: Its index in the epoch's plan.
    """

    def __init__(self, training: TrainingSet, spec: FeedSpec):
        self._training = training
        self._spec = spec
        self.seek(0, 0)

    def seek(self, epoch: int, batch: int) -> None:
        """Stand before a micro-batch."""
        self.epoch, self.batch = epoch, batch
        self._load()

    def window(self, count: int) -> Iterator[Batch]:
        """The next micro-batches, on into the next epoch where this one ends."""
        for _ in range(count):
            while self.batch >= len(self._plan):
                self.epoch, self.batch = self.epoch + 1, 0
                self._load()
            rows, bottleneck = self._plan[self.batch], self._in_bottleneck()
            self.batch += 1
            batch = self._collate(rows)
            yield replace(batch, bottleneck=True) if bottleneck else batch

    def batches_in_epoch(self) -> int:
        """Micro-batches of the current epoch on this rank."""
        return len(self._plan)

    def worst(self) -> list[Batch]:
        """The three micro-batches of the current epoch that need most memory, the largest first."""
        epoch = self._epoch
        plan = worst_batches(self._plan, epoch.source_lengths, epoch.target_lengths)
        return [self._collate(rows) for rows in plan]

    def _in_bottleneck(self) -> bool:
        """Decide it by the batch's number in the whole plan, whatever the number of ranks."""
        spec = self._spec
        if spec.bottleneck_share == 0:
            return False
        number = self.batch * spec.world_size + spec.rank
        return in_bottleneck(spec.bottleneck_share, seed=spec.seed, epoch=self.epoch, number=number)

    def _load(self) -> None:
        spec = self._spec
        self._epoch = self._training.epoch(self.epoch)
        self._plan = plan_batches(
            self._epoch.source_lengths,
            self._epoch.target_lengths,
            batch_tokens=spec.batch_tokens,
            seed=spec.seed,
            epoch=self.epoch,
            world_size=spec.world_size,
            rank=spec.rank,
        )

    def _collate(self, rows: NDArray[np.int64]) -> Batch:
        return self._epoch.batch(rows, self._spec.pad_id)
