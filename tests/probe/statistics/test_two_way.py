"""Intervals of items that share blocks and nouns: worked by hand, and held against simulation."""

import numpy as np
import pytest
from scipy.stats import binomtest

from seq2seq.probe.statistics.two_way import Dependence, differences, holm, shares


def test_an_error_counts_with_those_of_its_block_and_of_its_nouns() -> None:
    # Items 0 and 1 share a block, 1 and 2 a noun; 3 stands alone.
    dependence = Dependence(
        ("a", "a", "b", "c"), (("cat", "dog"), ("fox", "cow"), ("cow", "hen"), ("pig", "ox"))
    )
    values = np.array([[1.0, 0.0, 1.0, 0.5]])
    off = values[0] - values.mean()
    by_hand = off @ off + 2 * (off[0] * off[1] + off[1] * off[2])
    blocks = off @ off + 2 * off[0] * off[1]
    assert dependence.freedom == 2  # of three blocks; there are more nouns
    expected = np.sqrt(max(by_hand, blocks) * 3 / 2) / 4
    assert dependence.errors(values)[0] == pytest.approx(expected)


def test_a_pair_that_shares_both_nouns_counts_once() -> None:
    dependence = Dependence(("a", "b", "c"), (("cat", "dog"), ("dog", "cat"), ("fox", "hen")))
    off = np.array([1.0, 1.0, -2.0])
    found = dependence.errors(off[None])[0]
    assert found == pytest.approx(np.sqrt((off @ off + 2 * off[0] * off[1]) * 3 / 2) / 3)


def test_intervals_stay_between_none_and_all_and_are_exact_where_all_agree() -> None:
    blocks = tuple(str(number // 2) for number in range(40))
    dependence = Dependence(blocks, tuple((block,) for block in blocks))
    values = np.ones((3, 40))
    values[0, :2], values[2] = 0, 0
    most, every, none = shares(values, dependence)
    assert 0.5 < most.interval.low < 0.95 < most.interval.high < 1
    for found, right in ((every, 20), (none, 0)):  # of twenty blocks
        exact = binomtest(right, 20).proportion_ci(method="exact")
        ends = (found.interval.low, found.interval.high)
        assert ends == pytest.approx((exact.low, exact.high))


def test_a_p_value_agrees_with_its_interval() -> None:
    blocks = tuple(str(number // 2) for number in range(60))
    dependence = Dependence(blocks, tuple((block,) for block in blocks))
    draw = np.random.default_rng(3)
    rows = draw.choice([-1.0, 0.0, 1.0], p=[0.2, 0.4, 0.4], size=(200, 60))
    found = differences(rows, dependence)
    for one in found:
        outside = one.estimate.interval.low > 0 or one.estimate.interval.high < 0
        assert (one.p < 0.05) == outside
    assert {one.p < 0.05 for one in found} == {True, False}
    assert differences(np.zeros((1, 60)), dependence)[0].p == 1


@pytest.mark.parametrize(("block", "noun"), [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (0.7, 0.7)])
def test_nineteen_of_twenty_intervals_hold_the_truth_whatever_is_shared(
    block: float, noun: float
) -> None:
    """Planted effects of 80 blocks and 40 nouns, two to an item; 300 sets of 640 items."""
    draw = np.random.default_rng(7)
    blocks = np.arange(640) // 8
    pairs = np.stack([draw.choice(40, 2, replace=False) for _ in range(320)]).repeat(2, axis=0)
    dependence = Dependence(
        tuple(map(str, blocks)), tuple((str(one), str(other)) for one, other in pairs)
    )
    noise = np.sqrt(1 + block**2 + 2 * noun**2)
    likely = block * draw.normal(size=(300, 80))[:, blocks]
    likely += noun * draw.normal(size=(300, 40))[:, pairs].sum(-1)
    right = (likely + draw.normal(size=(300, 640)) + 0.8 * noise > 0).astype(float)
    truth = 0.7881  # of a normal variable to lie above -0.8
    held = [one.interval.low <= truth <= one.interval.high for one in shares(right, dependence)]
    assert 0.92 <= np.mean(held) <= 0.99
    if noun:  # blocks alone are too sure
        alone = Dependence(dependence.clusters, tuple((str(n),) for n in range(640)))
        narrow = [one.interval.low <= truth <= one.interval.high for one in shares(right, alone)]
        assert np.mean(narrow) < 0.9


def test_holm_worked_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([0.9, 0.8]) == pytest.approx((1.0, 1.0))
    assert holm([]) == ()
