"""A part of a set that still stands for it: whole clusters, drawn at random.

Items of one cluster are not independent, so a part of one would say more than it knows; and the
first items of a file are often of one kind.
"""

import random
from collections.abc import Sequence

from seq2seq.score.result import SEED

LEAST_CLUSTERS = 2  # fewer say nothing about others


def draw_clusters(
    clusters: Sequence[str], most: int, *, sizes: Sequence[int] = (), seed: int = SEED
) -> list[int]:
    """Draw clusters as long as their items together are no larger than is wanted.

    Args:
        clusters: the name of each item's cluster.
        most: the largest sum of sizes; two clusters are drawn even if theirs is larger.
        sizes: of the items, such as their pieces; 1 each if left out, so that items are counted.
        seed: of the draw.

    Returns:
        The places of the drawn items, in their order; all where they are no larger together.
    """
    totals: dict[str, int] = {}
    for cluster, size in zip(clusters, sizes or [1] * len(clusters), strict=True):
        totals[cluster] = totals.get(cluster, 0) + size
    names = list(totals)
    random.Random(seed).shuffle(names)
    drawn, total = set[str](), 0
    for name in names:
        if total + totals[name] <= most or len(drawn) < LEAST_CLUSTERS:
            drawn.add(name)
            total += totals[name]
    return [place for place, cluster in enumerate(clusters) if cluster in drawn]
