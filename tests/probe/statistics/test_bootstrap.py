"""Intervals hold what they promise when items come in clusters, and agree with scipy 1.17.1."""

import numpy as np
import pytest
from scipy.stats import binomtest

from seq2seq.errors import DataError
from seq2seq.probe.statistics.bootstrap import (
    Estimate,
    cluster_bootstrap,
    cluster_numbers,
    cluster_sums,
    difference_of,
    mean_of,
    seed_bootstrap,
    unpaired_bootstrap,
)

SKEWED = np.array([0.02, 0.1, 0.15, 0.2, 0.24, 0.3, 0.33, 0.4, 0.52, 0.6, 0.9, 1.7, 2.9, 4.4, 8.1])


def names(items: int, each: int = 1) -> list[str]:
    return [f"block {row // each}" for row in range(items)]


def ends(found: Estimate) -> tuple[float, float]:
    return found.interval.low, found.interval.high


def test_sums_are_taken_over_clusters_in_any_order_of_items() -> None:
    numbers = cluster_numbers(["a", "b", "a", "c", "b"])
    assert numbers.tolist() == [0, 1, 0, 2, 1]
    values = np.array([[1.0, 2, 3, 4, 5], [0, 0, 1, 0, 1]])
    assert cluster_sums(values, numbers).tolist() == [[4, 7, 4], [1, 1, 0]]


def test_intervals_of_single_items_are_scipys() -> None:
    # scipy.stats.bootstrap((SKEWED,), np.mean, n_resamples=400_000, method="percentile")
    (plain,) = cluster_bootstrap(SKEWED[None], names(15), resamples=40_000)
    assert ends(plain) == pytest.approx((0.4753, 2.6087), abs=0.04)


def test_a_cluster_is_drawn_as_a_whole_whatever_its_size() -> None:
    rng = np.random.default_rng(3)
    sizes = rng.integers(1, 12, size=20)
    clusters = [f"block {n}" for n, size in enumerate(sizes) for _ in range(size)]
    values = (rng.random(len(clusters)) < np.repeat(rng.random(20), sizes)).astype(float)
    parts = np.split(values, np.cumsum(sizes)[:-1])
    literal = [
        np.concatenate([parts[pick] for pick in rng.integers(20, size=20)]).mean()
        for _ in range(4000)
    ]
    (found,) = cluster_bootstrap(values[None], clusters)
    assert ends(found) == pytest.approx(tuple(np.quantile(literal, [0.025, 0.975])), abs=0.015)


def test_intervals_hold_the_truth_as_often_as_they_say_and_item_intervals_do_not() -> None:
    rng = np.random.default_rng(4)
    held = {8: 0, 1: 0}
    for _ in range(200):
        rate = np.repeat(rng.choice([0.4, 1.0], size=80), 8)  # .7 on average
        values = (rng.random(640) < rate).astype(float)[None]
        for each in held:
            (found,) = cluster_bootstrap(values, names(640, each), resamples=500)
            low, high = ends(found)
            held[each] += low <= 0.7 <= high
    assert 0.91 <= held[8] / 200 <= 0.98
    assert held[1] / 200 < 0.85


def test_a_measure_has_the_same_interval_alone_and_among_others() -> None:
    values = np.random.default_rng(5).random((3, 40))
    together = cluster_bootstrap(values, names(40, 4), resamples=200)
    alone = [cluster_bootstrap(row[None], names(40, 4), resamples=200)[0] for row in values]
    for one, other in zip(together, alone, strict=True):
        assert ends(one) == pytest.approx(ends(other))


def test_seeds_repeat_and_matter() -> None:
    values = np.random.default_rng(6).random((1, 40))
    first, again, other = (
        cluster_bootstrap(values, names(40), resamples=200, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.parametrize("share", [0, 1])
def test_all_or_none_right_is_as_sure_as_the_clusters_are_many(share: int) -> None:
    values = np.full((1, 44), float(share))
    exact = binomtest(11 * share, 11).proportion_ci(method="exact")
    found = cluster_bootstrap(values, names(44, 4), share=True)[0]
    assert ends(found) == pytest.approx((exact.low, exact.high))
    assert ends(seed_bootstrap(np.repeat(values, 3, axis=0), names(44, 4))) == ends(found)
    assert ends(mean_of(values[0], names(44, 4))) == (share, share), "of a difference"
    values[0, 0] = 0.5
    low, high = ends(cluster_bootstrap(values, names(44, 4), share=True)[0])
    assert low < high


def test_a_difference_of_two_sure_shares_is_as_sure_as_both() -> None:
    parts = np.arange(32) < 22
    right = np.ones(32)
    low = [0.025 ** (1 / clusters) for clusters in (11, 5)]
    found = difference_of(right, np.stack([parts, ~parts]), names(32, 2))
    assert (found.value, *ends(found)) == pytest.approx((0, low[0] - 1, 1 - low[1]))
    right[22:] = 0
    found = difference_of(right, np.stack([parts, ~parts]), names(32, 2))
    reach = np.hypot(1 - low[0], 1 - low[1])
    assert (found.value, *ends(found)) == pytest.approx((1, 1 - reach, 1))


def test_a_share_is_no_surer_in_a_difference_from_one_that_is_not_sure() -> None:
    parts, right, reach = np.arange(400) < 200, np.ones(400), 0.025 ** (1 / 200)
    right[200] = 0
    drawn = difference_of(right, np.stack([parts, ~parts]), names(400))
    sides = [(right[part], names(200)) for part in (parts, ~parts)]
    for found in (drawn, unpaired_bootstrap(sides[0], sides[1])):
        assert found.value == pytest.approx(0.005)
        # One of 200 wrong: none to three in most draws.
        low, high = 0.005 - np.hypot(1 - reach, 0.005), 0.015
        assert ends(found) == pytest.approx((low, high), abs=2e-3)
    turned = unpaired_bootstrap(sides[1], sides[0])
    assert ends(turned) == pytest.approx((-high, -low), abs=2e-3)


def test_two_models_without_a_mistake_are_not_sure_to_be_alike() -> None:
    side = (np.ones(44), names(44, 4))
    reach = 1 - 0.025 ** (1 / 11)
    assert ends(unpaired_bootstrap(side, side)) == pytest.approx((-reach, reach))


def test_nothing_is_said_of_one_cluster_or_of_items_in_none() -> None:
    with pytest.raises(DataError, match="clusters: 1 of them, needed two or more; an interval or"):
        cluster_bootstrap(np.ones((1, 3)), ["a", "a", "a"])
    with pytest.raises(DataError, match="clusters: 1 of 3 items have none, needed one for each"):
        cluster_bootstrap(np.ones((1, 3)), ["a", "", "b"])


def test_two_models_that_err_on_the_same_items_are_told_apart_only_when_paired() -> None:
    rng = np.random.default_rng(7)
    hard = np.repeat(rng.choice([0.1, 0.9], size=60), 8)
    one = (rng.random(480) < hard).astype(float)
    other = one * (rng.random(480) > 0.1)  # a tenth of its answers lost
    paired = mean_of(one - other, names(480, 8))
    apart = unpaired_bootstrap((one, names(480, 8)), (other, names(480, 8)))
    assert paired.value == pytest.approx(one.mean() - other.mean()) == apart.value
    assert 0 < paired.interval.low < paired.value < paired.interval.high
    assert apart.interval.low < 0 < apart.interval.high


def test_two_equal_models_are_not_told_apart() -> None:
    rng = np.random.default_rng(8)
    one, other = (rng.random((2, 400)) < 0.7).astype(float)
    found = mean_of(one - other, names(400, 4))
    assert found.interval.low < 0 < found.interval.high


def test_unpaired_sets_may_differ_in_size() -> None:
    rng = np.random.default_rng(9)
    one, other = (rng.random(n) < rate for n, rate in ((400, 0.9), (300, 0.6)))
    found = unpaired_bootstrap(
        (one.astype(float), names(400, 4)), (other.astype(float), names(300, 4))
    )
    assert 0.15 < found.interval.low < found.value < found.interval.high < 0.45


def test_training_seeds_that_disagree_widen_the_interval() -> None:
    rng = np.random.default_rng(10)
    alike = (rng.random((3, 800)) < 0.7).astype(float)
    unlike = (rng.random((3, 800)) < np.array([[0.4], [0.7], [1.0]])).astype(float)
    narrow, wide = (seed_bootstrap(values, names(800, 8)) for values in (alike, unlike))
    assert wide.value == pytest.approx(unlike.mean())
    assert narrow.interval.high - narrow.interval.low < 0.1
    assert wide.interval.low < 0.5
    assert wide.interval.high > 0.9
