"""Two figures made of ranks: the area under the ROC curve, and Spearman's correlation."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.stats import mannwhitneyu, rankdata

from seq2seq.probe.measures.accuracy import Layout
from seq2seq.probe.statistics.bootstrap import (
    RESAMPLES,
    SEED,
    Estimate,
    cluster_numbers,
    draws,
    percentiles,
)


def areas(
    gold: Float[np.ndarray, "measures items"],
    distractor: Float[np.ndarray, "measures items"],
    layout: Layout,
) -> Float[np.ndarray, " measures"] | None:
    """How well one threshold on "first less second" tells items whose gold noun stands first.

    The area under the ROC curve; None if gold always stands in one place. Unlike the accuracy it
    forgives a constant liking for one place: a head that always prefers the nearer noun, but less
    so where the other one is meant, is at one half in accuracy and above it here.

    Source: Mann and Whitney 1947, U / (n1 n2).
    """
    first = layout.gold_first
    if first.all() or not first.any():
        return None
    lead = np.where(first, gold - distractor, distractor - gold)
    u = mannwhitneyu(lead[:, first], lead[:, ~first], axis=1, method="asymptotic").statistic
    area: Float[np.ndarray, " measures"] = u / (first.sum() * (~first).sum())
    return area


def spearman(
    one: Float[np.ndarray, " items"],
    other: Float[np.ndarray, " items"],
    clusters: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Estimate:
    """Do two quantities rise together, such as a head's margin and the model's own preference?

    Spearman's rho with its interval; 0 where a quantity does not vary.
    """
    numbers, items = cluster_numbers(clusters), np.arange(len(one))
    drawn = []
    for counts in draws(int(numbers.max()) + 1, resamples, seed):
        for each in counts[:, numbers]:
            rows = np.repeat(items, each)
            drawn.append(_rho(one[rows], other[rows]))
    return Estimate(_rho(one, other), percentiles(np.array(drawn)))


def _rho(one: Float[np.ndarray, " items"], other: Float[np.ndarray, " items"]) -> float:
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(rankdata([one, other], axis=1))[0, 1])
