"""How many items does a verdict need? Of fewer the figures may stand, and nothing is claimed."""

from collections.abc import Sequence

from seq2seq.probe.items.case import Case

TOO_FEW = "too few to tell"
LEAST = 12
"""Clusters of each set. Of a link that holds in every cluster, an exact sign test shows something
from 6 on (p = 2 / 2^6 = .031), but one exception would then read as no link; with 12 it may have
two (p = .039). The set to choose on needs as many, or the choice among hundreds of heads is chance,
and that it fails on the reported set says nothing of the model."""


def too_few(chosen_on: Sequence[Case], reported: Sequence[Case]) -> str:
    """Say how many items there are and how many a verdict needs; nothing if they are enough.

    Args:
        chosen_on: what the measure is chosen on; items of one cluster count once, since they are
            not independent.
        reported: what it is reported on.
    """
    dev, test = (len({case.cluster for case in some}) for some in (chosen_on, reported))
    if min(dev, test) >= LEAST:
        return ""
    return (
        f"{TOO_FEW}: {len(chosen_on):,} items in {dev:,} clusters to choose on and "
        f"{len(reported):,} in {test:,} to report, needed {LEAST} clusters of each"
    )
