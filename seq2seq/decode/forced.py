"""The probability of a target that is given, piece by piece."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from seq2seq.decode.batches import encode_batch, padded
from seq2seq.decode.lengths import Ids
from seq2seq.decode.options import ForcedScore
from seq2seq.model.transformer import Transformer


def force(
    model: Transformer, sources: Sequence[Ids], targets: Sequence[Ids], first_id: int | None
) -> list[ForcedScore]:
    """Score one batch of given targets.

    Args:
        model: In evaluation mode.
        sources: Piece ids, end-of-sequence included.
        targets: One for each source.
        first_id: As in `DecodeOptions`: certain where a target begins with it.

    Returns:
        One score for each pair.
    """
    batch = encode_batch(model, sources)
    wanted = padded(targets, pad_id=model.config.pad_token_id, device=batch.memory.device)
    start = torch.full_like(wanted[:, :1], model.config.decoder_start_token_id)
    hidden = model.decode(torch.cat([start, wanted[:, :-1]], dim=1), batch.memory, batch.mask)
    return scores_of(model.logits(hidden), wanted, targets, first_id)


def scores_of(
    logits: Float[Tensor, "batch target vocab"],
    wanted: Int[Tensor, "batch target"],
    targets: Sequence[Ids],
    first_id: int | None,
) -> list[ForcedScore]:
    """Read the scores of given targets from the logits of each of their pieces.

    Args:
        logits: What the model thinks of every piece in every place.
        wanted: The targets, padded.
        targets: The same as they are.
        first_id: As in `force`.

    Returns:
        One score for each target.
    """
    logits = logits.float()
    chosen = logits.gather(2, wanted[:, :, None])[:, :, 0] - logits.logsumexp(2)
    if first_id is not None:
        chosen[:, 0].masked_fill_(wanted[:, 0] == first_id, 0.0)
    return [
        ForcedScore(tuple(row[: len(target)]))
        for row, target in zip(chosen.tolist(), targets, strict=True)
    ]
