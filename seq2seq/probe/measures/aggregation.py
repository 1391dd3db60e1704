"""From pieces to words: how much a word attends to a word, when each may be several pieces.

Mean over the pieces that look, sum over the pieces that are looked at: a word then spends one unit
of attention over all words, like a piece over pieces.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from seq2seq.probe.items.pieces import Rows


def attention_between(
    maps: Float[Tensor, "layers batch heads query key"],
    queries: Sequence[Rows],
    words: Sequence[Sequence[Rows]],
    *,
    values: Float[Tensor, "layers batch heads key"] | None = None,
) -> Float[Tensor, "layers batch heads words"]:
    """How much one word of each text attends to each of some words.

    Only the rows of the words that look are read, since a map of a long text is large.

    Args:
        maps: Attention of every head; a row of it is the piece that looks.
        queries: The pieces of the word that looks, for each text.
        words: The pieces of each word that is looked at, for each text; texts may have different
            numbers of words.
        values: What each column's attention is multiplied by; nothing where None.

    Returns:
        One figure a word; not a number for a word that a text does not have.

    Raises:
        ValueError: A word has no pieces, or a text has no word that looks.

    Source:
        Clark et al. 2019 (arXiv:1906.04341), section 4.1.
    """
    most = max(map(len, words), default=0)
    padded = [[*found, *[()] * (most - len(found))] for found in words]
    _refuse_empty(queries)
    for found in words:
        _refuse_empty(found)
    layers, batch, heads, _, key = maps.shape
    if most == 0:
        return maps.new_zeros(layers, batch, heads, 0)
    rows = rows_of_words(maps, queries)
    if values is not None:
        rows = rows * values
    seen = _members([rows for found in padded for rows in found], key).to(maps.device)
    seen = seen.reshape(batch, most, key)
    looked = rows.transpose(0, 1).reshape(batch, layers * heads, key)
    sums = looked @ seen.transpose(1, 2).to(looked.dtype)
    result = sums.reshape(batch, layers, heads, most).transpose(0, 1)
    return result.masked_fill(~seen.any(-1)[None, :, None], torch.nan)


def rows_of_words(
    maps: Float[Tensor, "layers batch heads query key"], words: Sequence[Rows]
) -> Float[Tensor, "layers batch heads key"]:
    """What a word of each text gives each column: the mean over the word's pieces."""
    most = max(map(len, words))
    places = torch.tensor([[*rows, *[rows[0]] * (most - len(rows))] for rows in words])
    shares = torch.tensor(
        [[1 / len(rows)] * len(rows) + [0.0] * (most - len(rows)) for rows in words]
    )
    items = torch.arange(len(words))[:, None]
    looked = maps[:, items, :, places.to(maps.device)]  # batch, pieces, layers, heads, keys
    shares = shares.to(looked)[:, :, None, None, None]
    return (looked * shares).sum(1).transpose(0, 1)


def _members(words: Sequence[Rows], pieces: int) -> Bool[Tensor, "words pieces"]:
    """Which pieces make which word."""
    member = torch.zeros(len(words), pieces, dtype=torch.bool)
    places = [(number, row) for number, rows in enumerate(words) for row in rows]
    if places:
        numbers, rows = torch.tensor(places).T
        member[numbers, rows] = True
    return member


def _refuse_empty(words: Sequence[Rows]) -> None:
    if not all(words):
        raise ValueError(f"word {[bool(rows) for rows in words].index(False)} has no pieces")
