"""The stream of micro-batches, and the place in it that a checkpoint remembers.

The stream is a pure function of (recipe, seed, world size, rank): a resumed run asks for the same
epoch and index and gets the same pieces in the same order.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seq2seq.data.batches import Batch, in_bottleneck, plan_batches, worst_batches
from seq2seq.data.prepare import TrainingSet


@dataclass(frozen=True)
class BatchStreamSpec:
    """What the order of the data depends on."""

    batch_tokens: int
    pad_id: int
    seed: int
    world_size: int = 1
    rank: int = 0
    shares: bool = False
    """Whether the processes share out the pairs of each micro-batch; else each has its own."""
    bottleneck_share: float = 0.0


class BatchStream:
    """Gives micro-batches for ever; knows where it stands and can be put anywhere.

    Attributes:
        epoch: The epoch of the next micro-batch, counted from 0.
        batch: Its index in the epoch's plan.
    """

    def __init__(self, training: TrainingSet, spec: BatchStreamSpec):
        self._training = training
        self._spec = spec
        self._ahead: tuple[list[Batch], int, int] | None = None
        self.seek(0, 0)

    def seek(self, epoch: int, batch: int) -> None:
        """Stand before a micro-batch."""
        self.epoch, self.batch, self._ahead = epoch, batch, None
        self._load(epoch)

    def window(self, count: int) -> list[Batch]:
        """The next micro-batches, on into the next epoch where this one ends."""
        self.fetch_ahead(count)
        assert self._ahead is not None
        window, self.epoch, self.batch = self._ahead
        self._ahead = None
        return window

    def fetch_ahead(self, count: int) -> None:
        """Make the next window now, while a device computes; the stream stands where it stood."""
        if self._ahead is not None:
            return
        epoch, number, window = self.epoch, self.batch, list[Batch]()
        while len(window) < count:
            while number >= len(self._plan):
                epoch, number = epoch + 1, 0
                self._load(epoch)
            batch = self._collate(self._plan[number])
            hidden = self._in_bottleneck(epoch, number)
            window.append(replace(batch, bottleneck=True) if hidden else batch)
            number += 1
        self._ahead = window, epoch, number

    def batches_in_epoch(self) -> int:
        """Micro-batches of the epoch that was loaded last, on this rank."""
        return len(self._plan)

    def worst(self) -> list[Batch]:
        """The three micro-batches of that epoch that need most memory, the largest first."""
        return [self._collate(rows) for rows in self._worst]

    def _in_bottleneck(self, epoch: int, batch: int) -> bool:
        """Decide it by the batch's number in the whole plan, whatever the number of ranks."""
        spec = self._spec
        if spec.bottleneck_share == 0:
            return False
        number = batch if spec.shares else batch * spec.world_size + spec.rank
        return in_bottleneck(spec.bottleneck_share, seed=spec.seed, epoch=epoch, number=number)

    def _load(self, number: int) -> None:
        spec = self._spec
        self._epoch = self._training.epoch(number)
        source, target = self._epoch.source_lengths, self._epoch.target_lengths
        self._plan = plan_batches(
            source,
            target,
            batch_tokens=spec.batch_tokens,
            seed=spec.seed,
            epoch=number,
            world_size=1 if spec.shares else spec.world_size,
            rank=0 if spec.shares else spec.rank,
        )
        self._worst = worst_batches(self._plan, source, target)  # while the lengths are at hand

    def _collate(self, rows: NDArray[np.int32]) -> Batch:
        spec = self._spec
        # Pairs of a micro-batch are in the order of their lengths: each process gets all of them.
        own = rows[spec.rank :: spec.world_size] if spec.shares else rows
        batch = self._epoch.batch(own if len(own) else rows[:1], spec.pad_id)
        return batch if len(own) else replace(batch, stand_in=True)
