"""How many items are right, with an interval, by class, by block, and one system against another.

Items of one document or pair are not independent, so resampling draws whole clusters: a cluster is
one row of counts, and an accuracy is a ratio of two sums. Bootstrap and randomization are those of
``seq2seq compare``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from seq2seq.evaluate.item import Item
from seq2seq.score.figure import Figure
from seq2seq.score.resampling import Statistics, bootstrap, interval_of_all, percentile_interval
from seq2seq.score.result import RESAMPLES

Right = Sequence[float | None]
"""For each item 1 where it is right, 0 where it is not, between them as a mean over seeds, and None
where it was not judged. Empty where nothing was measured."""


@dataclass(frozen=True)
class Accuracy:
    """A share of items.

    Attributes:
        value: from 0 to 1.
        interval: its 95 % interval over clusters; None where there are fewer than two.
        items: how many it is a share of.
        clusters: how many they lie in.
    """

    value: float
    interval: tuple[float, float] | None
    items: int
    clusters: int

    def to_json(self) -> dict[str, Any]:
        """The figures to four decimals."""
        return {
            "accuracy": round(self.value, 4),
            "interval": None if self.interval is None else [round(x, 4) for x in self.interval],
            "items": self.items,
            "clusters": self.clusters,
        }


def accuracy_of(items: Sequence[Item], right: Right) -> Accuracy | None:
    """The share of judged items that are right.

    Args:
        items: of a suite.
        right: of each.

    Returns:
        The share; None where no item was judged.

    Source: Efron and Tibshirani 1993, section 13.3 (percentiles); Cameron, Gelbach and Miller 2008
    for clusters; Clopper and Pearson 1934 where all or none are right.
    """
    judged = _judged(items, right)
    if not judged:
        return None
    statistics = statistics_of(judged)
    interval = None
    if len(statistics.rows) > 1 and statistics.score in (0, 1):
        interval = interval_of_all(statistics.score, len(statistics.rows))
    elif len(statistics.rows) > 1:
        interval = percentile_interval(bootstrap([statistics], RESAMPLES)[0])
    return Accuracy(statistics.score, interval, len(judged), len(statistics.rows))


def accuracy_by(items: Sequence[Item], right: Right, tag: str) -> dict[str, Accuracy]:
    """The accuracy of the items of each class.

    Args:
        items: of a suite.
        right: of each.
        tag: what they are told apart by.

    Returns:
        For each value of the tag, the most frequent first, those of items that have it.
    """
    rows: dict[str, list[tuple[Item, float | None]]] = {}
    for item, value in _pairs(items, right):
        if tag in item.tags:
            rows.setdefault(item.tags[tag], []).append((item, value))
    found = {}
    for name, members in sorted(rows.items(), key=lambda row: (-len(row[1]), row[0])):
        accuracy = accuracy_of([item for item, _ in members], [value for _, value in members])
        if accuracy is not None:
            found[name] = accuracy
    return found


def accuracy_of_blocks(items: Sequence[Item], right: Right) -> Accuracy | None:
    """The share of blocks of which every item is right.

    Args:
        items: of a suite.
        right: of each, 1 or 0.

    Returns:
        The share; None where the suite has no blocks, or none of which every item was judged.
    """
    blocks: dict[str, list[float | None]] = {}
    clusters: dict[str, str] = {}
    for item, value in _pairs(items, right):
        if item.block:
            blocks.setdefault(item.block, []).append(value)
            clusters[item.block] = item.cluster
    whole = [Item(id=name, source="", cluster=clusters[name]) for name in blocks]
    values = [
        None if None in members else float(all(value == 1 for value in members))
        for members in blocks.values()
    ]
    return accuracy_of(whole, values)


def figure_of(items: Sequence[Item], right: Right) -> Figure:
    """An accuracy that can be tested against another of the same items.

    Args:
        items: of a suite.
        right: of each; whether an item is judged depends on the item alone.
    """
    judged = _judged(items, right)
    return Figure("accuracy", statistics_of(judged), "#:1|rows:clusters")


def statistics_of(judged: Sequence[tuple[str, float]]) -> Statistics:
    """What each cluster adds to an accuracy: how much is right, and how many items there are.

    Args:
        judged: the cluster of each item, and how right it is.
    """
    rows: dict[str, list[float]] = {}
    for cluster, value in judged:
        row = rows.setdefault(cluster, [0.0, 0.0])
        row[0] += value
        row[1] += 1
    return Statistics(np.array(list(rows.values()), dtype=np.float64), _ratio, most=1.0)


def mean_over(seeds: Sequence[Right]) -> Right:
    """For each item the mean over seeds; None where a seed was not judged.

    Args:
        seeds: what the model of each seed has right.
    """
    return [
        None if None in values else sum(v for v in values if v is not None) / len(values)
        for values in zip(*seeds, strict=True)
    ]


def tags_of(items: Sequence[Item]) -> tuple[str, ...]:
    """What the items are told apart by, in the order in which they say it."""
    names: Mapping[str, None] = dict.fromkeys(name for item in items for name in item.tags)
    return tuple(names)


def _judged(items: Sequence[Item], right: Right) -> list[tuple[str, float]]:
    return [(item.cluster, value) for item, value in _pairs(items, right) if value is not None]


def _pairs(items: Sequence[Item], right: Right) -> Iterator[tuple[Item, float | None]]:
    return zip(items, right, strict=True) if right else iter(())


def _ratio(sums: Float[np.ndarray, " counts"], _: int) -> float:
    return float(sums[0] / sums[1])
