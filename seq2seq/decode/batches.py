"""Sources become padded batches, and the model gets ready to read them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from seq2seq.errors import ModelError
from seq2seq.model.transformer import Transformer
from seq2seq.model.upload import upload

Ids = Sequence[int]

# Padded source pieces times beams: about 80 sentences of a caption's length with 5 beams. Larger
# batches were not faster on a CPU; a GPU takes several times as much.
DEFAULT_BATCH_TOKENS = 8192


@dataclass(frozen=True, slots=True)
class EncodedBatch:
    """Some sources, read by the encoder."""

    memory: Float[Tensor, "sentences source width"]
    mask: Bool[Tensor, "sentences source"] | None
    lengths: list[int]


def check_lengths(side: str, sequences: Sequence[Ids], limit: int) -> None:
    """Refuse what a model has no positions for, and what is empty.

    Args:
        side: What the sequences are called in the message.
        sequences: Piece ids.
        limit: How many positions there are.

    Raises:
        ModelError: Naming the first three, counted from 1.
    """
    wrong = [
        (place, len(ids)) for place, ids in enumerate(sequences, 1) if not 0 < len(ids) <= limit
    ]
    if wrong:
        named = ", ".join(f"{side} {place} has '{length}' pieces" for place, length in wrong[:3])
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ModelError(f"decode: {named}{more}, needed 1 to {limit}; split or shorten the text")


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Switch dropout and gradients off inside the block, and put the mode back afterwards.

    Args:
        model: The model that is about to decode.
    """
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(training)


def length_batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Group sequences of like length, the longest first, within a budget of padded pieces.

    Args:
        lengths: Pieces of each sequence.
        batch_tokens: The budget; a sequence longer than it goes alone.

    Yields:
        Places of the sequences of one batch.
    """
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        if batch and lengths[batch[0]] * (len(batch) + 1) > batch_tokens:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def padded(
    sequences: Sequence[Ids], *, pad_id: int, device: torch.device
) -> Int[Tensor, "batch longest"]:
    """Fill sequences up to one length.

    Args:
        sequences: Piece ids.
        pad_id: What to fill with.
        device: Where the result goes.

    Returns:
        One row for each sequence.
    """
    longest = max(map(len, sequences))
    rows = [[*ids, *[pad_id] * (longest - len(ids))] for ids in sequences]
    return upload(rows, device)


def encode_batch(model: Transformer, sources: Sequence[Ids]) -> EncodedBatch:
    """Let the encoder read some sources.

    Args:
        model: In evaluation mode.
        sources: Piece ids, end-of-sequence included.

    Returns:
        What the decoder needs to know about them.
    """
    device = next(model.parameters()).device
    lengths = [len(ids) for ids in sources]
    source_ids = padded(sources, pad_id=model.config.pad_token_id, device=device)
    mask = None
    if min(lengths) < max(lengths):
        places = torch.arange(source_ids.shape[1], device=device)
        mask = places < upload(lengths, device)[:, None]
    return EncodedBatch(model.encode(source_ids, mask), mask, lengths)
