"""Drawing whole clusters of items, so that what is left still stands for the set."""

import random
from collections import Counter
from collections.abc import Sequence

from seq2seq.probe.statistics.bootstrap import SEED

LEAST_CLUSTERS = 2  # fewer say nothing about others


def whole_clusters(clusters: Sequence[str], most: int, *, seed: int = SEED) -> list[int]:
    """Draw clusters at random, as long as their items are no more than are wanted.

    Args:
        clusters: the name of each item's cluster.
        most: how many items are wanted; two clusters are drawn even if they have more.
        seed: of the draw.

    Returns:
        The numbers of the items drawn, in their order; all where there are no more.
    """
    sizes = Counter(clusters)
    names = list(sizes)
    random.Random(seed).shuffle(names)
    drawn, items = set[str](), 0
    for name in names:
        if items + sizes[name] <= most or len(drawn) < LEAST_CLUSTERS:
            drawn.add(name)
            items += sizes[name]
    return [number for number, name in enumerate(clusters) if name in drawn]
