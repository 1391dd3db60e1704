"""Items, pairs, quads, margins and swaps worked by hand; what is missing is counted or refused."""

from dataclasses import replace

import numpy as np
import pytest

from seq2seq.errors import DataError
from seq2seq.probe.items.case import Case, Mention
from seq2seq.probe.measures.accuracy import (
    clusters_of,
    groups_right,
    items_right,
    layout_of,
    margins,
    swap_consistency,
)
from seq2seq.probe.statistics.ranks import areas

TEXT = "The cat saw the pear because it was ripe."
MENTIONS = (Mention("cat", (4, 7)), Mention("pear", (16, 20)))


def case(name: str, gold: int, pair: str = "p", quad: str = "q", cluster: str = "c") -> Case:
    return Case(name, TEXT, (29, 31), MENTIONS, frozenset({gold}), pair, quad, cluster)


QUAD = [case(f"{n}", n % 2, pair=f"p{n // 2}") for n in range(4)]


def test_items_are_right_by_the_larger_score_and_ties_count_half() -> None:
    gold = np.array([[0.6, 0.2, 0.3, 0.0]], dtype=np.float32)
    distractor = np.array([[0.1, 0.4, 0.3, 0.0]], dtype=np.float32)
    assert items_right(gold, distractor).tolist() == [[1, 0, 0.5, 0.5]]
    assert margins(gold, distractor)[0] == pytest.approx([5 / 7, -1 / 3, 0, 0])


def test_margins_of_scores_that_may_be_negative_stay_within_one() -> None:
    found = margins(np.array([[2.0, -1.0]]), np.array([[-1.0, 1.0]]))
    assert found.tolist() == [[1, -1]]


def test_a_pair_or_quad_is_right_only_if_all_of_it_is() -> None:
    layout = layout_of(QUAD)
    right = np.array([[1, 1, 1, 1], [1, 1, 0, 1], [1, 1, 1, 0.5], [1, 0, 1, 0]])
    assert groups_right(right, layout.pairs).tolist() == [[1, 1], [1, 0], [1, 0], [0, 0]]
    assert groups_right(right, layout.quads).tolist() == [[1], [0], [0], [0]]
    assert clusters_of(layout.pairs, layout) == ("c", "c")


def test_members_are_found_wherever_they_stand() -> None:
    layout = layout_of([QUAD[n] for n in (2, 0, 3, 1)])
    assert layout.pairs.tolist() == [[0, 2], [1, 3]]
    assert layout.quads.tolist() == [[0, 1, 2, 3]]
    assert layout.gold_first.tolist() == [True, True, False, False]


def test_what_lacks_members_is_counted_and_in_no_figure() -> None:
    layout = layout_of(QUAD[:3])
    assert (layout.pairs.tolist(), layout.broken_pairs) == ([[0, 1]], 1)
    assert (layout.quads.shape, layout.broken_quads) == ((0, 4), 1)


def test_cases_of_no_pair_make_none() -> None:
    layout = layout_of([case(str(n), 0, pair="", quad="", cluster=str(n)) for n in range(4)])
    assert (layout.pairs.shape, layout.broken_pairs) == ((0, 2), 0)
    assert swap_consistency(np.ones((1, 4)), layout) is None


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        ([replace(QUAD[0], correct=frozenset()), QUAD[1]],
         "1 of 2 have not one gold noun of two .first: '0'., needed that; leave them out"),
        ([replace(QUAD[0], candidates=(*MENTIONS, MENTIONS[0])), QUAD[1]],
         "1 of 2 have not one gold noun of two"),
        ([QUAD[0], QUAD[0]], "1 ids stand twice .first: '0'., needed unique ones"),
        ([QUAD[0], replace(QUAD[1], cluster="d")],
         "1 pairs lie in several clusters .first: 'p0'., needed one; .*; 1 quads lie in several"),
    ],
)  # fmt: skip
def test_cases_that_would_be_miscounted_are_refused(cases: list[Case], message: str) -> None:
    with pytest.raises(DataError, match=f"probe cases: .*{message}"):
        layout_of(cases)


def test_a_preference_is_consistent_if_it_changes_with_the_cue_rightly_or_not() -> None:
    layout = layout_of(QUAD)
    right = np.array([[1, 1, 0, 0], [1, 0, 0, 1], [1, 1, 0.5, 0.5]])
    assert swap_consistency(right, layout) == pytest.approx([1, 0, 0.5])


def test_pairs_whose_gold_noun_stays_say_nothing_about_swaps() -> None:
    layout = layout_of([case("0", 0), case("1", 0)])
    assert swap_consistency(np.ones((1, 2)), layout) is None


def test_the_area_forgives_a_liking_for_a_place_that_accuracy_punishes() -> None:
    layout = layout_of(QUAD)
    # What the first noun has; it is meant in the first and third item.
    first = np.array([[0.9, 0.7, 0.8, 0.6], [0.5, 0.5, 0.5, 0.5], [0.75, 0.25, 0.75, 0.25]])
    gold = np.where(layout.gold_first, first, 1 - first)
    assert items_right(gold, 1 - gold).mean(axis=1) == pytest.approx([0.5, 0.5, 1])
    assert areas(gold, 1 - gold, layout) == pytest.approx([1, 0.5, 1])


def test_there_is_no_area_where_gold_never_changes_place() -> None:
    layout = layout_of([case("0", 0), case("1", 0)])
    assert areas(np.ones((1, 2)), np.zeros((1, 2)), layout) is None
