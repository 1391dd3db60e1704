"""How sure is a share of items? Intervals by drawing clusters of items again.

Items made from the same nouns and sentence frame are not independent, so whole clusters are drawn.
A mean needs no items for that, only each cluster's sum and size: all resamples of all measures are
one product of matrices, taken in slices so that it fits in a cache.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from seq2seq.errors import DataError
from seq2seq.score.resampling import interval_of_all, percentile_interval

RESAMPLES = 10_000
SEED = 12345

_SLICE = 500  # resamples at a time


@dataclass(frozen=True)
class Interval:
    """Both ends of a 95 % interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    interval: Interval


def cluster_numbers(clusters: Sequence[str]) -> Int[np.ndarray, " items"]:
    """The clusters of items as numbers from 0, all used.

    Raises:
        DataError: an item is in no cluster, or there are fewer than two clusters, from which
            nothing can be said about others.
    """
    nameless = sum(not name for name in clusters)
    if nameless:
        raise DataError(
            f"clusters: {nameless} of {len(clusters)} items have none, needed one for each; "
            "give an item that stands alone a cluster of its own, such as its id"
        )
    names = {name: number for number, name in enumerate(dict.fromkeys(clusters))}
    if len(names) < 2:
        raise DataError(
            f"clusters: {len(names)} of them, needed two or more; "
            "an interval or a test speaks of clusters not seen, so pass more items"
        )
    return np.array([names[name] for name in clusters])


def cluster_sums(
    values: Float[np.ndarray, "measures items"], numbers: Int[np.ndarray, " items"]
) -> Float[np.ndarray, "measures clusters"]:
    """Add up each measure's values over each cluster."""
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    sums: Float[np.ndarray, "measures clusters"] = np.add.reduceat(values[:, order], starts, axis=1)
    return sums


def cluster_bootstrap(
    values: Float[np.ndarray, "measures items"],
    clusters: Sequence[str],
    *,
    share: bool = False,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> tuple[Estimate, ...]:
    """The mean of each measure with its 95 % interval.

    Args:
        values: one row for each measure; 0 to 1 where the mean is an accuracy. The difference of
            two models on the same items says how much better one is.
        clusters: the name of each item's cluster.
        share: whether the means are shares, which all or none right leaves uncertain all the same.
        resamples: how often as many clusters as there are are drawn.
        seed: of the draws, the same for all measures.

    Returns:
        One figure for each measure.

    Raises:
        DataError: as in `cluster_numbers`.

    Source: Efron and Tibshirani 1993, chapters 13 and 14; Cameron, Gelbach and Miller 2008 for
    clusters; Clopper and Pearson 1934 for shares of 0 and 1.
    """
    means = _resampled_means(values, clusters, resamples, seed)
    alike = len(set(clusters)) if share else None
    return tuple(
        Estimate(float(row.mean()), _of_all(row, alike) or percentiles(drawn))
        for row, drawn in zip(values, means.T, strict=True)
    )


def _of_all(values: Float[np.ndarray, "..."], clusters: int | None) -> Interval | None:
    """The interval of a share where all values are 0 or all are 1; else none."""
    first = float(values.flat[0])
    if clusters is None or first not in (0, 1) or (values != first).any():
        return None
    return Interval(*interval_of_all(first, clusters))


def mean_of(
    values: Float[np.ndarray, " items"],
    clusters: Sequence[str],
    *,
    share: bool = False,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Estimate:
    """The mean of one measure; arguments as for `cluster_bootstrap`."""
    return cluster_bootstrap(values[None], clusters, share=share, resamples=resamples, seed=seed)[0]


def difference_of(
    values: Float[np.ndarray, " items"],
    parts: Bool[np.ndarray, "2 items"],
    clusters: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Estimate:
    """The share of one part of the items less that of another, each of at least one item.

    Both parts are drawn together, cluster by cluster: sentences that differ in the pronoun alone
    share their nouns, and what is hard in one is hard in the other. Draws in which a part has no
    item do not count. Where a part is all right or all wrong, of which every draw is the same, the
    intervals of the two shares are put together as if the parts were independent, which errs on
    the wide side.

    Source: Zou and Donner 2008 for the last.
    """
    both = np.stack([values, values])
    means = _resampled_means(both, clusters, resamples, seed, parts.astype(float))
    names = np.array(clusters)
    return _difference([(values[part], list(names[part])) for part in parts], list(means.T))


def unpaired_bootstrap(
    one: tuple[Float[np.ndarray, " items"], Sequence[str]],
    other: tuple[Float[np.ndarray, " others"], Sequence[str]],
    *,
    seed: int = SEED,
) -> Estimate:
    """How much better one model is than another on other items: another language's, say.

    What each has right of its items, and the items' clusters; the two are drawn apart. The
    difference of the shares is first less second; for one of 0 or 1 see `difference_of`.
    """
    sides = (one, other)
    means = [
        _resampled_means(values[None], clusters, RESAMPLES, seed + place)[:, 0]
        for place, (values, clusters) in enumerate(sides)
    ]
    return _difference(sides, means)


def _difference(
    sides: Sequence[tuple[Float[np.ndarray, " items"], Sequence[str]]],
    means: Sequence[Float[np.ndarray, " resamples"]],
) -> Estimate:
    """The share of the first side less that of the second, given both shares in each draw."""
    first, second = (float(values.mean()) for values, _ in sides)
    sure = [_of_all(values, len(set(clusters))) for values, clusters in sides]
    if not any(sure):
        drawn = means[0] - means[1]
        return Estimate(first - second, percentiles(drawn[np.isfinite(drawn)]))
    one, other = (
        interval or percentiles(drawn[np.isfinite(drawn)])
        for interval, drawn in zip(sure, means, strict=True)
    )
    below = np.hypot(first - one.low, other.high - second)
    above = np.hypot(one.high - first, second - other.low)
    value = first - second
    return Estimate(value, Interval(float(value - below), float(value + above)))


def seed_bootstrap(
    values: Float[np.ndarray, "seeds items"],
    clusters: Sequence[str],
    *,
    seed: int = SEED,
) -> Estimate:
    """A share's mean over training seeds, as sure as both few seeds and few clusters allow.

    Source: Davison and Hinkley 1997, section 3.8 (both levels of a hierarchy drawn again).
    """
    means = _resampled_means(values, clusters, RESAMPLES, seed)
    picks = np.random.default_rng(seed + 1).integers(len(values), size=means.shape)
    drawn = np.take_along_axis(means, picks, axis=1).mean(axis=1)
    alike = _of_all(values, len(set(clusters)))
    return Estimate(float(values.mean()), alike or percentiles(drawn))


def draws(clusters: int, resamples: int, seed: int) -> Iterator[Int[np.ndarray, "slice clusters"]]:
    """How often each cluster is drawn, a slice of the resamples at a time."""
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, _SLICE):
        rows = min(_SLICE, resamples - start)
        picks = rng.integers(clusters, size=(rows, clusters))
        picks += clusters * np.arange(rows)[:, None]
        yield np.bincount(picks.ravel(), minlength=rows * clusters).reshape(rows, clusters)


def percentiles(drawn: Float[np.ndarray, " resamples"]) -> Interval:
    """The interval that holds the middle 95 % of what was drawn."""
    return Interval(*percentile_interval(drawn))


def _resampled_means(
    values: Float[np.ndarray, "measures items"],
    clusters: Sequence[str],
    resamples: int,
    seed: int,
    weights: Float[np.ndarray, "measures items"] | None = None,
) -> Float[np.ndarray, "resamples measures"]:
    """Means in each draw; not a number where nothing drawn has weight."""
    numbers = cluster_numbers(clusters)
    weights = np.ones((1, len(numbers))) if weights is None else weights
    sums, sizes = cluster_sums(values * weights, numbers), cluster_sums(weights, numbers)
    with np.errstate(invalid="ignore"):
        slices = [
            (counts @ sums.T) / (counts @ sizes.T)
            for counts in (drawn.astype(float) for drawn in draws(sizes.shape[1], resamples, seed))
        ]
    return np.concatenate(slices)
