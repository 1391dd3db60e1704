"""Sources become padded batches, and the model gets ready to read them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from seq2seq.decode.lengths import Ids
from seq2seq.model.transformer import Transformer
from seq2seq.model.upload import upload


@dataclass(frozen=True, slots=True)
class EncodedBatch:
    """Some sources, read by the encoder."""

    memory: Float[Tensor, "sentences source width"]
    mask: Bool[Tensor, "sentences source"] | None
    lengths: list[int]


@contextmanager
def without_dropout(model: nn.Module) -> Iterator[None]:
    """Switch dropout off inside the block, and put the mode back afterwards.

    Args:
        model: The model that is about to decode, in one thread or in several.
    """
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Switch dropout and gradients off inside the block, and put the mode back afterwards.

    Args:
        model: The model that is about to decode.
    """
    with without_dropout(model), torch.inference_mode():
        yield


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
