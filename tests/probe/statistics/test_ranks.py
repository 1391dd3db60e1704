"""The area under the curve and Spearman's rho are those of a definition worked by hand."""

from dataclasses import replace

import numpy as np
import pytest

from seq2seq.probe.measures.accuracy import Layout
from seq2seq.probe.statistics.ranks import areas, spearman

ONE = np.array([3.0, 1, 4, 1, 5, 9, 2, 6, 5, 3])
OTHER = np.array([2.0, 7, 1, 8, 2, 8, 1, 8, 2, 8])
NONE = np.empty((0, 4), dtype=int)
EACH = [str(n) for n in range(10)]


def test_the_area_is_the_share_of_pairs_in_the_right_order() -> None:
    # Of 20 pairs of an item whose gold noun is first and one whose is not, 12 are in order, 1 tied.
    lead = np.array([[0.1, 0.4, 0.4, 0.8, 0.9, 0.2, 0.4, 0.3, 0.8]])
    first = np.arange(9) < 5
    layout = Layout(tuple("abcdefghi"), ("a",) * 9, NONE[:, :2], NONE, first)
    gold = np.where(first, lead, -lead)
    pairs = [(a > b) + (a == b) / 2 for a in lead[0, :5] for b in lead[0, 5:]]
    assert areas(gold, np.zeros((1, 9)), layout) == pytest.approx([np.mean(pairs)]) == [0.625]
    assert areas(-gold, np.zeros((1, 9)), layout) == pytest.approx([0.375])
    assert areas(np.zeros((1, 9)), np.zeros((1, 9)), layout) == pytest.approx([0.5])
    assert areas(gold, gold, replace(layout, gold_first=first | True)) is None


def test_spearman_is_the_correlation_of_ranks_with_ties_at_their_mean() -> None:
    # Ranks of ONE and OTHER written down, and their Pearson correlation.
    one = [4.5, 1.5, 6, 1.5, 7.5, 10, 3, 9, 7.5, 4.5]
    other = [4, 6, 1.5, 8.5, 4, 8.5, 1.5, 8.5, 4, 8.5]
    found = spearman(ONE, OTHER, EACH, resamples=10)
    assert found.value == pytest.approx(np.corrcoef(one, other)[0, 1])
    assert spearman(ONE, ONE**3, EACH, resamples=10).value == pytest.approx(1)
    still = spearman(ONE, np.zeros(10), EACH, resamples=10)
    assert (still.value, still.interval.low, still.interval.high) == (0, 0, 0)


def test_spearman_finds_a_planted_link_and_not_its_shuffled_twin() -> None:
    rng = np.random.default_rng(11)
    one = rng.normal(size=400)
    other = one + rng.normal(size=400)
    clusters = [str(row // 4) for row in range(400)]
    found = spearman(one, other, clusters, resamples=200)
    assert 0.5 < found.interval.low < found.value < found.interval.high < 0.8
    twin = spearman(one, rng.permutation(other), clusters, resamples=200)
    assert twin.interval.low < 0 < twin.interval.high
