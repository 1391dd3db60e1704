"""Sampling: draw each piece from the model's own distribution, or from the likely part of it.

Every draw uses numbers that belong to (seed, source, number of the sample). Who else is in the
batch changes nothing, and the same text gets the same samples every time.
"""

import hashlib
from collections.abc import Sequence
from math import inf

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from seq2seq.decode.batches import Ids, encode_batch
from seq2seq.decode.choices import forbid
from seq2seq.decode.options import DecodeOptions, Hypothesis, Sampling
from seq2seq.model.cache import DecoderCache
from seq2seq.model.transformer import Transformer


def draw_samples(
    model: Transformer, sources: Sequence[Ids], options: DecodeOptions
) -> list[list[Hypothesis]]:
    """Draw `n_best` samples for each source of one batch.

    Args:
        model: In evaluation mode.
        sources: Piece ids, end-of-sequence included.
        options: With `sampling` set.

    Returns:
        The samples of each source, the best score first.
    """
    assert options.sampling is not None
    batch = encode_batch(model, sources)
    samples, config, device = options.n_best, model.config, batch.memory.device
    limits = options.length_limits(batch.lengths, config.max_position_embeddings)
    cache = model.start_cache(batch.memory, batch.mask, beams=samples, max_length=max(limits))
    numbers = fixed_draws(sources, samples, length=max(limits), seed=options.sampling.seed)
    # Everything below is (sentences still here) x samples.
    sentence = torch.arange(len(sources), device=device)
    limit, numbers = torch.tensor(limits, device=device), numbers.to(device)
    ids = torch.full((len(sources), samples, 1), config.decoder_start_token_id, device=device)
    total = torch.zeros(len(sources), samples, device=device)
    done = torch.zeros_like(total, dtype=torch.bool)
    results: list[list[Hypothesis]] = [[] for _ in sources]
    while len(sentence):
        length = ids.shape[2]
        piece, gain = _next_pieces(model, cache, ids, options, numbers[sentence, :, length - 1])
        piece, gain = piece.masked_fill(done, config.pad_token_id), gain.masked_fill(done, 0.0)
        ids, total = torch.cat([ids, piece[:, :, None]], dim=2), total + gain
        done = done | (piece == config.eos_token_id) | (length >= limit)[:, None]
        leaving, staying = done.all(1), (~done.all(1)).nonzero()[:, 0]
        if len(staying) == len(sentence):
            continue
        columns = sentence[leaving].tolist(), ids[leaving].tolist(), total[leaving].tolist()
        for place, rows, totals in zip(*columns, strict=True):
            results[place] = _hypotheses(rows, totals, model, options)
        cache.keep(staying)
        sentence, limit, done = sentence[staying], limit[staying], done[staying]
        ids, total = ids[staying], total[staying]
    return results


def fixed_draws(
    sources: Sequence[Ids], samples: int, *, length: int, seed: int
) -> Float[Tensor, "sentences samples length"]:
    """Make the numbers in [0, 1) that decide every draw.

    A shorter `length` gives the beginning of the same numbers.

    Args:
        sources: Piece ids; they are part of the seed.
        samples: How many samples of each.
        length: How many draws for each sample.
        seed: The user's part of the seed.

    Returns:
        One number for each draw.
    """
    numbers = np.empty((len(sources), samples, length), dtype=np.float32)
    for sentence, ids in enumerate(sources):
        for sample in range(samples):
            name = f"{seed} {sample} {' '.join(map(str, ids))}".encode()
            key = int.from_bytes(hashlib.blake2b(name, digest_size=16).digest(), "little")
            stream = np.random.Generator(np.random.Philox(key=key))
            stream.random(out=numbers[sentence, sample], dtype=np.float32)
    return torch.from_numpy(numbers)


def likely_part(
    logits: Float[Tensor, "rows vocab"], sampling: Sampling
) -> Float[Tensor, "rows vocab"]:
    """Apply temperature, top-k and top-p, in this order.

    Args:
        logits: Scores of the next piece.
        sampling: The three settings.

    Returns:
        New logits, minus infinity where a piece is filtered out.
    """
    logits = logits / sampling.temperature
    if 0 < sampling.top_k < logits.shape[1]:
        least = logits.topk(sampling.top_k, dim=1).values[:, -1:]
        logits = logits.masked_fill(logits < least, -inf)
    if sampling.top_p < 1:
        values, places = logits.sort(dim=1, descending=True)
        probabilities = values.softmax(1)
        # A piece goes if those before it have the wanted probability already: one always stays.
        behind = probabilities.cumsum(1) - probabilities >= sampling.top_p
        behind[:, 0] = False
        logits = logits.masked_fill(behind.scatter(1, places, behind), -inf)
    return logits


def _next_pieces(
    model: Transformer,
    cache: DecoderCache,
    ids: Int[Tensor, "sentences samples length"],
    options: DecodeOptions,
    number: Float[Tensor, "sentences samples"],
) -> tuple[Int[Tensor, "sentences samples"], Float[Tensor, "sentences samples"]]:
    """Draw a piece for every sample; also tell its log-probability under the unfiltered model."""
    assert options.sampling is not None
    logits = model.step(ids[:, :, -1].flatten(), cache).float()
    if ids.shape[2] == 1 and options.first_id is not None:
        return torch.full_like(ids[:, :, 0], options.first_id), torch.zeros_like(number)
    log_probability = logits.log_softmax(1)
    forbid(logits, ids.flatten(0, 1), model, options)
    # In double precision the number, always below 1, never reaches the last sum.
    sums = likely_part(logits, options.sampling).double().softmax(1).cumsum(1)
    wanted = number.flatten()[:, None] * sums[:, -1:]
    piece = torch.searchsorted(sums, wanted, right=True)
    return piece.view_as(number), log_probability.gather(1, piece).view_as(number)


def _hypotheses(
    rows: list[list[int]], totals: list[float], model: Transformer, options: DecodeOptions
) -> list[Hypothesis]:
    found = []
    for row, total in zip(rows, totals, strict=True):
        ids = tuple(piece for piece in row[1:] if piece != model.config.pad_token_id)
        score = total / len(ids) ** options.length_penalty
        found.append(Hypothesis(ids, score, total, ids[-1] == model.config.eos_token_id))
    return sorted(found, key=lambda hypothesis: -hypothesis.score)
