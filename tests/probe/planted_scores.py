"""Scores of heads that are known: at chance, in love with a place, or right a planted share."""

from collections.abc import Sequence

import numpy as np

from seq2seq.probe.measures.accuracy import Layout
from seq2seq.probe.measures.scores import Measure, Scores
from seq2seq.probe.statistics.selection import ALPHA, Finding

CLUSTER = 8


def layout(clusters: int, prefix: str = "test") -> Layout:
    """Clusters of two quads of two pairs; gold stands first in the first item of each pair."""
    items = clusters * CLUSTER
    return Layout(
        ids=tuple(f"{prefix} {row}" for row in range(items)),
        clusters=tuple(f"{prefix} block {row // CLUSTER}" for row in range(items)),
        pairs=np.arange(items).reshape(-1, 2),
        quads=np.arange(items).reshape(-1, 4),
        gold_first=np.arange(items) % 2 == 0,
    )


def heads(count: int) -> tuple[Measure, ...]:
    return tuple(Measure("E→", "raw", "encoder", n // 8, n % 8) for n in range(count))


def scores(
    rng: np.random.Generator,
    *,
    accuracies: Sequence[float],
    clusters: int = 60,
    spread: float = 0.2,
    prefix: str = "test",
) -> Scores:
    """Heads that are right this often, more in some clusters and less in others.

    Within a cluster all items of a head share one rate, drawn around its accuracy, so that items
    are far from independent. The third head from the end always prefers the first noun.
    """
    places = layout(clusters, prefix)
    items = len(places.ids)
    shift = rng.choice([-spread, spread], size=(len(accuracies), clusters))
    rate = np.repeat(np.array(accuracies)[:, None] + shift, CLUSTER, axis=1)
    right = rng.random((len(accuracies), items)) < rate
    right[-3] = places.gold_first
    low, high = np.sort(rng.random((2, len(accuracies), items)), axis=0)
    return Scores(
        heads(len(accuracies)), places, np.where(right, high, low), np.where(right, low, high)
    )


def items_as_clusters(given: Scores) -> Scores:
    """The same scores of someone who takes all items for independent."""
    old = given.layout
    alone = Layout(old.ids, old.ids, old.pairs, old.quads, old.gold_first)
    return Scores(given.measures, alone, given.gold, given.distractor)


def confirmed(finding: Finding, alpha: float = ALPHA) -> bool:
    """Whether a measure differs from chance in the direction that was fixed before."""
    return finding.p <= alpha and finding.accuracy > 0.5
