"""Which pieces may come next, and which of them are the best."""

from collections.abc import Sequence
from math import inf

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from seq2seq.decode.options import DecodeOptions
from seq2seq.model.transformer import Transformer

# The vocabulary is searched in blocks of this many entries; see `best_continuations`.
BLOCK = 64


def forbid(
    logits: Float[Tensor, "rows vocab"],
    history: Int[Tensor, "rows length"],
    model: Transformer,
    options: DecodeOptions,
) -> None:
    """Write minus infinity over the pieces that may not come next.

    Take the normalizer of the probabilities first: what is forbidden is not shared out among the
    rest, so scores stay those of the model. A step in which no piece is left is the caller's risk.

    Args:
        logits: Changed in place.
        history: Ids so far, the start piece first.
        model: Its config tells the special ids.
        options: What to forbid.
    """
    length = history.shape[1]
    logits[:, model.config.pad_token_id] = -inf
    if length - 1 < options.min_length:
        logits[:, model.config.eos_token_id] = -inf
    for *before, piece in options.forbidden:
        if not before:
            logits[:, piece] = -inf
        elif len(before) <= length:
            logits[:, piece].masked_fill_(_ends_with(history, before), -inf)
    if 0 < options.no_repeat_ngram <= length:
        logits.masked_fill_(
            repetitions(history, options.no_repeat_ngram, vocabulary=logits.shape[1]), -inf
        )


def _ends_with(history: Int[Tensor, "rows length"], pieces: Sequence[int]) -> Bool[Tensor, " rows"]:
    """Where the last pieces are these; a tensor of them would go to the device in every step."""
    last = history[:, history.shape[1] - len(pieces) :].unbind(1)
    return torch.stack([one == piece for one, piece in zip(last, pieces, strict=True)]).all(0)


def repetitions(
    history: Int[Tensor, "rows length"], size: int, *, vocabulary: int
) -> Bool[Tensor, "rows vocab"]:
    """Find the pieces that would complete an n-gram for the second time.

    Args:
        history: Ids so far; what to look for begins with the last ``size - 1`` of them.
        size: Length of the n-grams.
        vocabulary: Number of pieces.

    Returns:
        True at each piece that would repeat an n-gram.
    """
    windows = history.unfold(1, size, 1)
    suffix = history[:, history.shape[1] + 1 - size :]
    repeated = (windows[:, :, :-1] == suffix[:, None]).all(-1)
    # A window that does not match the suffix writes to a spare column behind the vocabulary.
    found = torch.zeros(len(history), vocabulary + 1, dtype=torch.bool, device=history.device)
    found.scatter_(1, windows[:, :, -1].masked_fill(~repeated, vocabulary), True)
    return found[:, :vocabulary]


def best_continuations(
    gain: Float[Tensor, "sentences beams vocab"],
    so_far: Float[Tensor, "sentences beams"],
    count: int,
) -> tuple[
    Float[Tensor, "sentences best"], Int[Tensor, "sentences best"], Int[Tensor, "sentences best"]
]:
    """Find the most probable continuations of each sentence: `topk`, several times faster on a CPU.

    The `count` largest entries lie in the `count` blocks with the largest maxima, and maxima are
    cheap. So only those blocks, and the few entries that fill no block, have to be sorted: as many
    for a sentence as for one of its beams, because a sum is the larger for the larger entry.

    Args:
        gain: Log-probability of each piece behind each beam.
        so_far: Log-probability of each beam.
        count: How many continuations; all if there are fewer.

    Returns:
        Their log-probabilities, largest first, the beams that they continue, and their pieces.
    """
    sentences, beams, vocabulary = gain.shape
    blocks = vocabulary // BLOCK
    if gain.device.type != "cpu" or blocks < 4 * count:
        # The best of all beams together are among the best of each.
        of_each, pieces = gain.topk(min(count, vocabulary), dim=2)
        total, pieces = (of_each + so_far[:, :, None]).flatten(1), pieces.flatten(1)
        values, chosen = total.topk(min(count, total.shape[1]), dim=1)
        return values, chosen // of_each.shape[2], pieces.gather(1, chosen)
    maxima = gain[:, :, : blocks * BLOCK].view(sentences, beams, blocks, BLOCK).amax(3)
    if beams == count == 1:
        first = maxima[:, 0].argmax(1, keepdim=True) * BLOCK
        behind = torch.arange(blocks * BLOCK, vocabulary).expand(sentences, -1)
        places = torch.cat([first + torch.arange(BLOCK), behind], dim=1)
        chosen = gain[:, 0].gather(1, places).argmax(1, keepdim=True)
        piece = places.gather(1, chosen)
        return gain[:, 0].gather(1, piece) + so_far, torch.zeros_like(piece), piece
    best = (maxima + so_far[:, :, None]).flatten(1).topk(count, dim=1, sorted=False).indices
    beam = best // blocks
    first = beam * vocabulary + best % blocks * BLOCK
    behind = torch.arange(beams)[:, None] * vocabulary + torch.arange(blocks * BLOCK, vocabulary)
    places = torch.cat(
        [
            (first[:, :, None] + torch.arange(BLOCK)).flatten(1),
            behind.flatten().expand(sentences, -1),
        ],
        dim=1,
    )
    before = torch.cat(
        [
            so_far.gather(1, beam)[:, :, None].expand(-1, -1, BLOCK).flatten(1),
            so_far[:, :, None].expand(-1, -1, behind.shape[1]).flatten(1),
        ],
        dim=1,
    )
    values, chosen = (gain.flatten(1).gather(1, places) + before).topk(count, dim=1)
    places = places.gather(1, chosen)
    return values, places // vocabulary, places % vocabulary
