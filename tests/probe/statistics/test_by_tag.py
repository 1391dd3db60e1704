"""An accuracy by tag, and the difference of two parts, worked by hand."""

import numpy as np
import pytest

from seq2seq.probe.items.case import Case
from seq2seq.probe.statistics.by_tag import by_tag


def cases(*tags: str, cluster: str = "") -> list[Case]:
    return [
        Case(id=str(n), text="", pronoun=None, cluster=cluster or f"c{n // 2}", tags=(tag, "plain"))
        for n, tag in enumerate(tags)
    ]


SIDES = ["side=pro", "side=anti"] * 4


def test_two_parts_have_a_figure_each_and_a_difference_between_clusters() -> None:
    right = np.array([1, 0, 1, 0, 1, 1, 0, 0.5])
    figures, (difference,) = by_tag(cases(*SIDES), right, resamples=999)
    found = {one.value: (one.items, one.accuracy) for one in figures}
    assert found == {"anti": (4, 0.375), "pro": (4, 0.75)}
    assert (difference.tag, difference.one, difference.other) == ("side", "pro", "anti")
    assert difference.difference.value == 0.375
    interval = difference.difference.interval
    assert -0.5 <= interval.low < 0.375 < interval.high <= 1


def test_parts_that_go_together_differ_by_as_much_in_every_draw() -> None:
    """Each cluster has one of either side, and the first is always the better by one half."""
    right = np.array([1, 0.5, 0.5, 0, 1, 0.5, 0.5, 0])
    _, (difference,) = by_tag(cases(*SIDES), right, resamples=199)
    interval = difference.difference.interval
    assert (interval.low, interval.high) == pytest.approx((0.5, 0.5))


def test_a_tag_of_one_value_or_of_too_many_is_not_broken_down() -> None:
    right = np.ones(14)
    assert by_tag(cases(*["side=pro"] * 14), right) == ((), ())
    assert by_tag(cases(*[f"line={n}" for n in range(14)]), right) == ((), ())
    figures, differences = by_tag(cases(*[f"line={n % 3}" for n in range(14)]), right)
    assert ([one.value for one in figures], differences) == (["0", "1", "2"], ())


def test_a_part_within_one_cluster_has_no_interval() -> None:
    some = [*cases("a=x", "a=x", cluster="one"), *cases("a=y", "a=y", "a=y")]
    figures, _ = by_tag(some, np.ones(5), resamples=99)
    assert [one.interval is None for one in figures] == [True, False]
