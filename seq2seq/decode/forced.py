"""The probability of a target that is given, piece by piece."""

from collections.abc import Sequence

import torch

from seq2seq.decode.batches import (
    DEFAULT_BATCH_TOKENS,
    Ids,
    check_lengths,
    encode_batch,
    evaluating,
    length_batches,
    padded,
)
from seq2seq.decode.options import ForcedScore
from seq2seq.errors import ModelError
from seq2seq.model.transformer import Transformer


def force(
    model: Transformer,
    sources: Sequence[Ids],
    targets: Sequence[Ids],
    *,
    first_id: int | None = None,
    batch_tokens: int = DEFAULT_BATCH_TOKENS,
) -> list[ForcedScore]:
    """Score given targets instead of searching for them.

    The ids of a `Hypothesis` get the log-probability that the search gave them.

    Args:
        model: Put into evaluation mode meanwhile, and back afterwards.
        sources: Piece ids, end-of-sequence included.
        targets: One for each source, taken as they are: the probability of ending is counted only
            where the end-of-sequence piece is there.
        first_id: As in `DecodeOptions`: certain where a target begins with it.
        batch_tokens: Padded pieces of the longer side in one batch.

    Returns:
        One score for each pair, in the order given.

    Raises:
        ModelError: If the numbers differ, or a side is empty or longer than the model's positions.
    """
    if len(sources) != len(targets):
        raise ModelError(
            f"forced scoring: '{len(sources)}' sources and '{len(targets)}' targets, needed one "
            "target for each source"
        )
    check_lengths("source", sources, model)
    check_lengths("target", targets, model)
    results: dict[int, ForcedScore] = {}
    lengths = [
        max(len(source), len(target)) for source, target in zip(sources, targets, strict=True)
    ]
    with evaluating(model):
        for batch in length_batches(lengths, batch_tokens):
            scores = _force_batch(
                model,
                [sources[place] for place in batch],
                [targets[place] for place in batch],
                first_id,
            )
            results.update(zip(batch, scores, strict=True))
    return [results[place] for place in range(len(sources))]


def _force_batch(
    model: Transformer, sources: Sequence[Ids], targets: Sequence[Ids], first_id: int | None
) -> list[ForcedScore]:
    batch = encode_batch(model, sources)
    wanted = padded(targets, pad_id=model.config.pad_token_id, device=batch.memory.device)
    start = torch.full_like(wanted[:, :1], model.config.decoder_start_token_id)
    hidden = model.decode(torch.cat([start, wanted[:, :-1]], dim=1), batch.memory, batch.mask)
    logits = model.logits(hidden).float()
    chosen = logits.gather(2, wanted[:, :, None])[:, :, 0] - logits.logsumexp(2)
    if first_id is not None:
        chosen[:, 0].masked_fill_(wanted[:, 0] == first_id, 0.0)
    return [
        ForcedScore(tuple(row[: len(target)]))
        for row, target in zip(chosen.tolist(), targets, strict=True)
    ]
