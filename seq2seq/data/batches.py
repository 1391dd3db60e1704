"""Batches by a budget of tokens: which pairs go together, in an order anybody can compute again.

The plan of an epoch is a pure function of its arguments: no state, no global random numbers. A
resumed run asks for the same plan and goes on where it stopped; every process asks for its own
share of it. The budget counts padding, because padding takes memory too: pairs × longest side.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Int

from seq2seq.data.marks import BatchMarks
from seq2seq.data.ragged import Ragged
from seq2seq.errors import DataError

Lengths = Int[np.ndarray, " pairs"]
Indices = Int[np.ndarray, "_"]  # of as many pairs as it likes
FILL = 0.9  # least share of the budget that a batch uses, where the pairs allow
# Pairs of a batch are a multiple of this, or of the largest smaller power of two that its free end
# is sure to hold. Halves (of batches, for several processes) need not be. oneDNN compiles a program
# for each shape of a product and keeps 1,024 of them, of which a batch needs about fifty, by a
# count of its products: with fewer shapes a program is more often still there.
EVEN_ROWS = 16
ROWS_AT_ONCE = 100_000
# keep random numbers for different purposes apart
PLAN_STREAM, BOTTLENECK_STREAM = 1, 4


@dataclass(frozen=True)
class Batch:
    """Pairs as rectangles of piece ids; every row ends with the end-of-sentence piece."""

    source_ids: Int[torch.Tensor, "batch source"]
    source_mask: Bool[torch.Tensor, "batch source"] | None
    """True at real pieces; None where no row is padded."""
    target_ids: Int[torch.Tensor, "batch target"]
    source_tokens: int
    """Pieces of the sources, padding not counted."""
    target_tokens: int
    """Pieces of the targets, padding and context not counted: what the loss is divided by."""
    padded_tokens: int
    """Area of both rectangles."""
    target_places: Int[torch.Tensor, " tokens"]
    """Where in the flattened target rectangle the real pieces stand, those of context left out."""
    context_places: Int[torch.Tensor, " context"] | None = None
    """Where those of the targets' context stand; None where there are none."""
    marks: BatchMarks | None = None
    """Where the words stand that training points at, on the host; None where it points at none."""
    bottleneck: bool = False
    """Whether the marked decisions are to be predicted with sight of a few words only."""
    stand_in: bool = False
    """Whether these are another process's pairs, which count nothing here: there are fewer pairs
    than processes, and all must exchange gradients as often."""

    def without_first(self, piece: int) -> "Batch":
        """The same, but where a target begins with a piece, a language tag, it does not count."""
        width = self.target_ids.shape[1]
        ids, places = self.target_ids.numpy().ravel(), self.target_places.numpy()
        kept = places[(places % width != 0) | (ids[places] != piece)]
        return replace(self, target_places=torch.from_numpy(kept), target_tokens=len(kept))

    def to(self, device: torch.device) -> "Batch":
        """The same with its pieces on a device, which gets them while the host goes on."""
        if device.type == "cpu":
            return self
        return replace(
            self,
            source_ids=_sent(self.source_ids, device),
            source_mask=None if self.source_mask is None else _sent(self.source_mask, device),
            target_ids=_sent(self.target_ids, device),
            target_places=_sent(self.target_places, device),
            context_places=None
            if self.context_places is None
            else _sent(self.context_places, device),
        )


def plan_batches(
    source_lengths: Lengths,
    target_lengths: Lengths,
    *,
    batch_tokens: int,
    seed: int,
    epoch: int,
    world_size: int = 1,
    rank: int = 0,
) -> list[Indices]:
    """Group pairs of like length into batches and shuffle the batches.

    All processes get the same number of batches, together every pair once: where the number of
    batches is not a multiple of ``world_size`` the largest ones are halved until it is. With twice
    the processes, one round of all processes holds the batches of two rounds.

    Args:
        source_lengths: Pieces of each source, the end included.
        target_lengths: Pieces of each target, the end included.
        batch_tokens: Most tokens, padding included, of a batch on its longer side.
        seed: Of the run.
        epoch: Counted from 0.
        world_size: Processes that share the epoch.
        rank: This process.

    Returns:
        Indices of the pairs of each batch.

    Raises:
        DataError: A pair alone is larger than the budget, or so few pairs cannot be shared evenly.
    """
    if not 0 <= rank < world_size:
        raise ValueError(f"rank {rank} of {world_size}")
    _check(source_lengths, target_lengths, batch_tokens, world_size)
    random = np.random.default_rng([seed, epoch, PLAN_STREAM])
    order = _sort_with_noise(source_lengths, target_lengths, random)
    batches = _cut(order, source_lengths, target_lengths, batch_tokens)
    _halve_until_even(batches, world_size)
    shuffled = random.permutation(len(batches))
    return [batches[i] for i in shuffled[rank::world_size]]


def in_bottleneck(share: float, *, seed: int, epoch: int, number: int) -> bool:
    """Tell whether a batch is among the share that goes through the bottleneck.

    Args:
        share: Share of all batches.
        seed: Of the run.
        epoch: Counted from 0.
        number: Of the batch in the epoch's plan, over all processes.

    Returns:
        The same for the same arguments, whatever was asked for before.
    """
    random = np.random.default_rng([seed, epoch, BOTTLENECK_STREAM, number])
    return bool(random.random() < share)


def worst_batches(
    plan: list[Indices], source_lengths: Lengths, target_lengths: Lengths
) -> list[Indices]:
    """The batches that take most memory, one for each thing that memory grows with.

    Returns:
        The batch with the largest area, padding included, of both sides; the one whose attention of
        sources to themselves is largest, and the one whose attention of targets is: to themselves
        and to the source. The same batch may be all three.
    """

    def sides(batch: Indices) -> tuple[int, int, int]:
        return len(batch), int(source_lengths[batch].max()), int(target_lengths[batch].max())

    sizes = [sides(batch) for batch in plan]
    costs = (
        [rows * (source + target) for rows, source, target in sizes],
        [rows * source * source for rows, source, target in sizes],
        [rows * target * (source + target) for rows, source, target in sizes],
    )
    return [plan[int(np.argmax(cost))] for cost in costs]


def collate(source: Ragged, target: Ragged, pad_id: int, given: Lengths | None = None) -> Batch:
    """Lay pairs below each other, the shorter ones filled up with padding.

    Args:
        source: Ids of each source, the end-of-sentence piece last.
        target: Those of each target.
        pad_id: Id of the padding piece.
        given: How many pieces at the start of each target are its context; None where none is.

    Returns:
        The batch.
    """
    source_ids, source_mask = _rectangle(source, pad_id)
    target_ids, scored = _rectangle(target, pad_id)
    context = None
    if given is not None and given.any():
        before = np.arange(target_ids.shape[1]) < given[:, None]
        scored &= ~before
        context = torch.from_numpy(before.ravel().nonzero()[0])
    places = torch.from_numpy(scored.ravel().nonzero()[0])
    return Batch(
        source_ids=torch.from_numpy(source_ids),
        source_mask=None if source_mask.all() else torch.from_numpy(source_mask),
        target_ids=torch.from_numpy(target_ids),
        source_tokens=int(source_mask.sum()),
        target_tokens=len(places),
        padded_tokens=source_ids.size + target_ids.size,
        target_places=places,
        context_places=context,
    )


def _sent(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A copy on a device; from pinned memory, else the host would wait until it is there."""
    if device.type == "cuda":
        tensor = tensor.pin_memory(device)
    return tensor.to(device, non_blocking=True)


def _rectangle(
    rows: Ragged, pad_id: int
) -> tuple[Int[np.ndarray, "rows longest"], Bool[np.ndarray, "rows longest"]]:
    """The rows filled up with padding, and where they are not."""
    lengths = rows.lengths
    real = np.arange(lengths.max()) < lengths[:, None]
    ids = np.full(real.shape, pad_id, dtype=np.int64)
    ids[real] = rows.values[rows.offsets[0] : rows.offsets[-1]]
    return ids, real


def _check(
    source_lengths: Lengths, target_lengths: Lengths, batch_tokens: int, world_size: int
) -> None:
    if len(source_lengths) < world_size:
        raise DataError(
            f"training data: {len(source_lengths)} pairs cannot feed {world_size} processes; "
            "start fewer"
        )
    sizes = np.maximum(source_lengths, target_lengths)
    if sizes.max() > batch_tokens:
        pair = int(sizes.argmax())
        raise DataError(
            f"training data: pair {pair + 1} has {source_lengths[pair]} source and "
            f"{target_lengths[pair]} target pieces, more than train.batch_tokens = {batch_tokens}; "
            "raise it, or lower data.cleaning.max_source_pieces and max_target_pieces "
            f"({int((sizes > batch_tokens).sum())} such pairs)"
        )


def _sort_with_noise(source: Lengths, target: Lengths, random: np.random.Generator) -> Indices:
    """Pairs by the longer side, then by how much the sides differ; ties in random order.

    The difference runs up in one group and down in the next, so that neighbours stay alike where
    one group ends and the next begins. The order of the ties and the direction of the turns make
    each epoch's batches different.
    """
    size = len(source)
    order = np.arange(size, dtype=np.int32)
    random.shuffle(order)
    turn = int(random.integers(2))
    # Of millions of pairs these arrays are what takes memory: so one number holds the longer side,
    # the difference and the place in the order so far, and few pairs are looked at at once.
    most = max(int(source.max()), int(target.max()))
    span = 2 * most + 1
    keys = np.empty(size, dtype=np.int64)
    if (most + 1) * span * size > np.iinfo(keys.dtype).max:
        raise DataError(
            f"training data: {size:,} pairs of up to {most:,} pieces are too many to be sorted, "
            "needed fewer or shorter ones"
        )
    for start in range(0, size, ROWS_AT_ONCE):
        places = np.arange(start, min(start + ROWS_AT_ONCE, size))
        rows = order[places]
        longer = np.maximum(source[rows], target[rows]).astype(np.int64)
        difference = source[rows] - target[rows]
        down = (longer + turn) % 2 == 0
        np.negative(difference, out=difference, where=down)
        keys[places] = (longer * span + difference + most) * size + places
    keys.sort()
    keys %= size
    return np.asarray(order[keys])


def _cut(order: Lengths, source: Lengths, target: Lengths, batch_tokens: int) -> list[Indices]:
    """Fill batches in order up to the budget, ending each where it wastes least.

    The end is free within the last ``1 - FILL`` of a batch, at multiples of ``EVEN_ROWS`` or of a
    smaller power of two: a few pairs less often save the padding that one longer pair would cost
    all others.
    """
    batches, start = [], 0
    while start < len(order):
        longest = max(int(source[order[start]]), int(target[order[start]]))
        window = order[start : start + batch_tokens // longest]
        longest_source = np.maximum.accumulate(source[window])
        longest_target = np.maximum.accumulate(target[window])
        rows = np.arange(1, len(longest_source) + 1)
        full = int((rows * np.maximum(longest_source, longest_target) <= batch_tokens).sum())
        if start + full < len(order):
            area = rows * (longest_source + longest_target)
            waste = 1 - np.cumsum(source[window] + target[window]) / area
            ends = np.arange(max(1, int(full * FILL)), full + 1)
            ends = ends[ends % min(EVEN_ROWS, 1 << len(ends).bit_length() - 1) == 0]
            full = int(ends[waste[ends - 1].argmin()])
        batches.append(order[start : start + full])
        start += full
    return batches


def _halve_until_even(batches: list[Indices], world_size: int) -> None:
    """Halve the batches with most pairs, in place, until each process gets as many as any."""
    while len(batches) % world_size:
        largest = max(range(len(batches)), key=lambda i: len(batches[i]))
        batch = batches[largest]
        if len(batch) == 1:
            raise DataError(
                f"training data: {len(batches)} pairs, each a batch of its own, cannot be shared "
                f"evenly by {world_size} processes; raise train.batch_tokens or start fewer"
            )
        batches[largest] = batch[: len(batch) // 2]
        batches.append(batch[len(batch) // 2 :])
