"""From pieces to words: how much a word attends to a word, when each may be several pieces.

Mean over the pieces that look, sum over the pieces that are looked at: a word then spends one unit
of attention over all words, like a piece over pieces. The sum favours words of many pieces, so
other readings stand beside it; a finding that needs one of them is a finding about pieces.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from seq2seq.probe.spans import Rows

Variant = Literal["sum", "mean", "max", "first", "last"]
"""What is taken of a word's pieces: ``sum`` and ``mean`` are over the pieces looked at (the mean
over those that look in both), ``max`` the strongest link between any two, ``first`` and ``last``
that between the first or the last piece of both."""


def attention_between(
    maps: Float[Tensor, "layers batch heads query key"],
    queries: Sequence[Rows],
    words: Sequence[Sequence[Rows]],
    *,
    variant: Variant = "sum",
) -> Float[Tensor, "layers batch heads words"]:
    """How much one word of each text attends to each of some words.

    Args:
        maps: Attention of every head; a row of it is the piece that looks.
        queries: The pieces of the word that looks, for each text.
        words: The pieces of each word that is looked at, for each text; texts may have different
            numbers of words.
        variant: How pieces make a word.

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
    layers, batch, heads, query, key = maps.shape
    if most == 0:
        return maps.new_zeros(layers, batch, heads, 0)
    looks = _members(queries, query).to(maps.device)
    seen = _members([rows for found in padded for rows in found], key).to(maps.device)
    seen = seen.reshape(batch, most, key)
    if variant == "max":
        pairs = looks[:, None, :, None] & seen[:, :, None, :]
        spread = maps[:, :, :, None].masked_fill(~pairs[None, :, None], -torch.inf)
        result = spread.amax((-1, -2))
    else:
        eyes = _weights(looks, "mean" if variant == "sum" else variant)
        result = torch.einsum("lbhqk,bq,bwk->lbhw", maps, eyes, _weights(seen, variant))
    return result.masked_fill(~seen.any(-1)[None, :, None], torch.nan)


def word_map(
    maps: Float[Tensor, "layers heads query key"],
    queries: Sequence[Rows],
    keys: Sequence[Rows],
    *,
    variant: Variant = "sum",
) -> Float[Tensor, "layers heads query_words key_words"]:
    """The maps of one text, word by word.

    Args:
        maps: Attention of every head; a row of it is the piece that looks.
        queries: The pieces of each word that looks.
        keys: The pieces of each word that is looked at.
        variant: How pieces make a word.

    Returns:
        A row for each word that looks; rows of the variant ``sum`` add up to one if the words
        that are looked at hold all pieces.

    Raises:
        ValueError: A word has no pieces.
    """
    _refuse_empty(queries)
    _refuse_empty(keys)
    looks = _members(queries, maps.shape[-2]).to(maps.device)
    seen = _members(keys, maps.shape[-1]).to(maps.device)
    if variant == "max":
        rows = [maps[..., row, :].amax(-2) for row in looks]
        return torch.stack([torch.stack([r[..., k].amax(-1) for k in seen], -1) for r in rows], -2)
    eyes = _weights(looks, "mean" if variant == "sum" else variant)
    return torch.einsum("lhqk,aq,bk->lhab", maps, eyes, _weights(seen, variant))


def _members(words: Sequence[Rows], pieces: int) -> Bool[Tensor, "words pieces"]:
    """Which pieces make which word."""
    member = torch.zeros(len(words), pieces, dtype=torch.bool)
    places = [(number, row) for number, rows in enumerate(words) for row in rows]
    if places:
        numbers, rows = torch.tensor(places).T
        member[numbers, rows] = True
    return member


def _weights(
    member: Bool[Tensor, "*words pieces"], variant: Variant
) -> Float[Tensor, "*words pieces"]:
    """What each piece counts in its word."""
    counts = member.float()
    match variant:
        case "mean":
            return counts / counts.sum(-1, keepdim=True).clamp(min=1)
        case "first":
            return counts * (counts.cumsum(-1) == 1)
        case "last":
            return counts * (counts.flip(-1).cumsum(-1).flip(-1) == 1)
        case _:
            return counts


def _refuse_empty(words: Sequence[Rows]) -> None:
    if not all(words):
        raise ValueError(f"word {[bool(rows) for rows in words].index(False)} has no pieces")
