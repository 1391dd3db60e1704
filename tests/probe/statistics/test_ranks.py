"""Ranks with ties, the area under the curve and Spearman's rho agree with scipy 1.17.1."""

import numpy as np
import pytest

from seq2seq.errors import DataError
from seq2seq.probe.statistics.ranks import (
    area_under_curve,
    midranks,
    rank_correlation,
    weighted_midranks,
)

ONE = np.array([3.0, 1, 4, 1, 5, 9, 2, 6, 5, 3])
OTHER = np.array([2.0, 7, 1, 8, 2, 8, 1, 8, 2, 8])


def test_equal_items_share_the_mean_of_their_ranks() -> None:
    # scipy.stats.rankdata(ONE)
    assert midranks(ONE[None])[0].tolist() == [4.5, 1.5, 6, 1.5, 7.5, 10, 3, 9, 7.5, 4.5]


def test_an_item_that_counts_twice_ranks_as_two_equal_items() -> None:
    counts = np.random.default_rng(0).integers(4, size=(20, 10))
    for row, ranks in zip(counts, weighted_midranks(ONE, counts), strict=True):
        repeated = midranks(np.repeat(ONE, row)[None])[0]
        assert np.repeat(ranks, row).tolist() == repeated.tolist()


def test_the_area_is_the_share_of_pairs_in_the_right_order() -> None:
    # scipy.stats.mannwhitneyu([.1, .4, .4, .8, .9], [.2, .4, .3, .8]).statistic / 20
    values = np.array([[0.1, 0.4, 0.4, 0.8, 0.9, 0.2, 0.4, 0.3, 0.8]])
    positive = np.arange(9) < 5
    assert area_under_curve(values, positive).tolist() == [0.625]
    assert area_under_curve(-values, positive).tolist() == [0.375]


def test_an_area_of_one_side_only_is_refused() -> None:
    message = r"area under the curve: 3 of 3 items are positive, needed items of both sides; pass"
    with pytest.raises(DataError, match=message):
        area_under_curve(np.ones((1, 3)), np.ones(3, dtype=bool))


def test_rank_correlation_is_spearmans() -> None:
    once = np.ones((1, 10), dtype=int)
    # scipy.stats.spearmanr(ONE, OTHER).statistic
    assert rank_correlation(ONE, OTHER, once) == pytest.approx([0.13471506281091267])
    assert rank_correlation(ONE, ONE**3, once) == pytest.approx([1])
    assert rank_correlation(ONE, np.zeros(10), once).tolist() == [0]


def test_rank_correlation_of_a_resample_is_that_of_its_repeated_items() -> None:
    counts = np.random.default_rng(1).integers(3, size=(5, 10))
    for row, found in zip(counts, rank_correlation(ONE, OTHER, counts), strict=True):
        ranks = midranks(np.stack([np.repeat(ONE, row), np.repeat(OTHER, row)]))
        assert found == pytest.approx(np.corrcoef(ranks)[0, 1])
