"""Ranks, and the two figures that are made of them: area under the ROC curve, and Spearman's rho.

Equal values share the mean of the ranks they take up. For a bootstrap the ranks of all resamples
are found at once: a resample only says how often each item counts, so the order never changes.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from seq2seq.errors import DataError
from seq2seq.probe.measures.accuracy import Layout


def midranks(values: Float[np.ndarray, "rows items"]) -> Float[np.ndarray, "rows items"]:
    """Rank each row's items from 1 up; equal items share the mean of their ranks."""
    order = np.argsort(values, axis=1, kind="stable")
    first, last = _runs(np.take_along_axis(values, order, axis=1))
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (first + last) / 2 + 1, axis=1)
    return ranks


def weighted_midranks(
    values: Float[np.ndarray, " items"], counts: Int[np.ndarray, "resamples items"]
) -> Float[np.ndarray, "resamples items"]:
    """Rank items that occur several times, or not at all.

    Args:
        values: what is ranked, the same in every resample.
        counts: how often each item occurs in each resample.

    Returns:
        For each resample the rank that every occurrence of an item has in it.
    """
    order = np.argsort(values, kind="stable")
    first, last = (edge[0] for edge in _runs(values[order][None]))
    upto = np.cumsum(counts[:, order], axis=1)
    before = upto[:, first] - counts[:, order[first]]
    ranks = np.empty(counts.shape)
    ranks[:, order] = (before + upto[:, last] + 1) / 2
    return ranks


def area_under_curve(
    differences: Float[np.ndarray, "measures items"], positive: Bool[np.ndarray, " items"]
) -> Float[np.ndarray, " measures"]:
    """How well one threshold on a difference tells positive items from the others.

    Args:
        differences: what the threshold is put on.
        positive: the items that should lie above it; at least one is, and one is not.

    Returns:
        The probability that a positive item lies above another one, equals counted half.

    Raises:
        DataError: all items are positive, or none.

    Source: Mann and Whitney 1947, U / (n1 n2).
    """
    ours = int(positive.sum())
    theirs = len(positive) - ours
    if not ours or not theirs:
        raise DataError(
            f"area under the curve: {ours} of {len(positive)} items are positive, needed items of "
            "both sides; pass items in which the gold noun stands first and others"
        )
    total = midranks(differences)[:, positive].sum(axis=1)
    area: Float[np.ndarray, " measures"] = (total - ours * (ours + 1) / 2) / (ours * theirs)
    return area


def rank_correlation(
    one: Float[np.ndarray, " items"],
    other: Float[np.ndarray, " items"],
    counts: Int[np.ndarray, "resamples items"],
) -> Float[np.ndarray, " resamples"]:
    """Spearman's rho of two quantities in every resample.

    Args:
        one: the first quantity.
        other: the second.
        counts: how often each item occurs in each resample; a row of ones is the sample itself.

    Returns:
        The correlation of the ranks; 0 where either quantity is the same throughout.
    """
    x, y = (weighted_midranks(values, counts) for values in (one, other))
    total = counts.sum(axis=1, keepdims=True)
    x = x - (counts * x).sum(axis=1, keepdims=True) / total
    y = y - (counts * y).sum(axis=1, keepdims=True) / total
    scale = np.sqrt((counts * x * x).sum(axis=1) * (counts * y * y).sum(axis=1))
    together = (counts * x * y).sum(axis=1)
    rho: Float[np.ndarray, " resamples"] = np.divide(
        together, scale, out=np.zeros(len(counts)), where=scale > 1e-9
    )
    return rho


def _runs(
    ordered: Float[np.ndarray, "rows items"],
) -> tuple[Int[np.ndarray, "rows items"], Int[np.ndarray, "rows items"]]:
    """Where the run of equal values that an item belongs to begins and ends."""
    rows, items = ordered.shape
    place = np.broadcast_to(np.arange(items), (rows, items))
    edge = np.ones((rows, items + 1), dtype=bool)
    edge[:, 1:-1] = ordered[:, 1:] != ordered[:, :-1]
    first = np.maximum.accumulate(np.where(edge[:, :-1], place, 0), axis=1)
    ends = np.where(edge[:, 1:], place, items - 1)
    last = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    return first, last


def areas(
    gold: Float[np.ndarray, "measures items"],
    distractor: Float[np.ndarray, "measures items"],
    layout: Layout,
) -> Float[np.ndarray, " measures"] | None:
    """How well one threshold on "first less second" tells items whose gold noun stands first.

    Unlike the accuracy it forgives a constant liking for one place: a head that always prefers the
    nearer noun, but less so where the other one is meant, is at one half in accuracy and above it
    here.

    Args:
        gold: the score of the gold noun.
        distractor: the score of the other one.
        layout: of the items.

    Returns:
        For each measure the area under the ROC curve; None if gold always stands in one place.
    """
    if len(set(layout.gold_first.tolist())) < 2:
        return None
    first_less_second = np.where(layout.gold_first, gold - distractor, distractor - gold)
    return area_under_curve(first_less_second, layout.gold_first)
