"""Draw outputs piece by piece, as ``generate`` of transformers does with ``do_sample``.

Source: the steps are those of `generate` in transformers 5, and so are the draws: dividing each
probability by exponential noise and taking the largest is how torch draws one of many.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from seq2seq.decode.batches import encode_batch
from seq2seq.decode.beam import LOOK_EVERY
from seq2seq.decode.choices import forbid
from seq2seq.decode.lengths import Ids
from seq2seq.decode.options import DecodeOptions, Hypothesis, Sampling
from seq2seq.model.transformer import Transformer


class Draws:
    """The random numbers of some sources.

    Args:
        sampling: What to draw among.
        sources: Piece ids.
        each: Outputs for each source; those of one source stand side by side.
        device: Where the numbers are made. Another kind of device makes others.
    """

    def __init__(
        self, sampling: Sampling, sources: Sequence[Ids], each: int, device: torch.device
    ) -> None:
        self._device = device
        self._generators = [
            torch.Generator(device).manual_seed(sampling.seed_of(source, draw))
            for source in sources
            for draw in range(each)
        ]
        self._warpers = []
        if sampling.temperature != 1:
            self._warpers.append(TemperatureLogitsWarper(float(sampling.temperature)))
        if sampling.top_k:
            self._warpers.append(TopKLogitsWarper(sampling.top_k))
        if sampling.top_p < 1:
            self._warpers.append(TopPLogitsWarper(sampling.top_p))

    def pick(self, scores: Float[Tensor, "rows vocab"]) -> Int[Tensor, " rows"]:
        """Draw one piece for each row.

        Args:
            scores: Logits, or log-probabilities; -inf where a piece is forbidden.

        Returns:
            Ids.
        """
        for warper in self._warpers:
            scores = warper(None, scores)
        probabilities = scores.softmax(1)
        noise = torch.empty_like(probabilities)
        for row, generator in zip(noise, self._generators, strict=True):
            row.exponential_(generator=generator)
        return (probabilities / noise).argmax(1)


def sample(
    model: Transformer, sources: Sequence[Ids], options: DecodeOptions
) -> list[list[Hypothesis]]:
    """Draw outputs for one batch.

    Args:
        model: In evaluation mode.
        sources: Piece ids, end-of-sequence included.
        options: With `sampling`.

    Returns:
        `n_best` outputs for each source, the most probable first, under the model itself.
    """
    batch = encode_batch(model, sources)
    config, each, device = model.config, options.n_best, batch.memory.device
    limits = options.length_limits(batch.lengths, config.max_position_embeddings)
    draws = Draws(options.sampling or Sampling(), sources, each, device)
    cache = model.start_cache(batch.memory, batch.mask, beams=each, max_length=max(limits))
    limit = torch.tensor(limits, device=device).repeat_interleave(each)
    rows = len(limit)
    ids = torch.full((rows, 1), config.decoder_start_token_id, device=device)
    log_probability = torch.zeros(rows, device=device)
    length = torch.zeros_like(limit)
    for now in range(1, max(limits) + 1):
        logits = model.step(ids[:, -1], cache).float()
        if now <= len(options.given):
            pieces = torch.full_like(limit, options.given[now - 1])
            if not options.prefix:
                draws.pick(logits)  # ``generate`` draws a first piece too, and passes over it
        else:
            gain = logits.log_softmax(1)
            forbid(gain, ids, model, options)
            pieces = draws.pick(gain)
            log_probability += torch.where(length > 0, 0.0, gain.gather(1, pieces[:, None])[:, 0])
        ids = torch.cat([ids, pieces[:, None]], dim=1)
        ended = (length == 0) & ((pieces == config.eos_token_id) | (now >= limit))
        length = torch.where(ended, now, length)
        if now % LOOK_EVERY == 0 and bool((length > 0).all()):
            break
    found = [
        _hypothesis(row[1 : end + 1], worth, options, eos_id=config.eos_token_id)
        for row, end, worth in zip(
            ids.tolist(), length.tolist(), log_probability.tolist(), strict=True
        )
    ]
    groups = (found[start : start + each] for start in range(0, rows, each))
    return [sorted(group, key=lambda one: -one.score) for group in groups]


def _hypothesis(
    ids: list[int], log_probability: float, options: DecodeOptions, *, eos_id: int
) -> Hypothesis:
    score = options.score(log_probability, len(ids))
    return Hypothesis(tuple(ids), score, log_probability, ids[-1] == eos_id)
