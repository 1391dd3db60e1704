"""The frozen measure on parts of a set, by what its cases are tagged with: gender, language, side.

A tag is ``name=value``. A set of which all pronouns are female says nothing of gender, and one in
which every case has a value of its own has no parts: only tags of a few values are broken down.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from seq2seq.probe.items.case import Case
from seq2seq.probe.statistics.bootstrap import (
    RESAMPLES,
    SEED,
    Estimate,
    Interval,
    difference_of,
    mean_of,
)

MOST_VALUES = 12


@dataclass(frozen=True)
class TagFigure:
    """How often a measure is right on the cases of one tag.

    Attributes:
        tag: its name.
        value: its value.
        items: how many cases have it.
        accuracy: share of them right, ties half.
        interval: of that share, 95 %; None if all of them lie in one cluster.
    """

    tag: str
    value: str
    items: int
    accuracy: float
    interval: Interval | None


@dataclass(frozen=True)
class TagDifference:
    """How much more often a measure is right on one part of the cases than on another.

    Attributes:
        tag: the name of the tag that tells them apart.
        one: its value in the first part.
        other: its value in the second.
        difference: of the accuracies, first less second, with its interval.
    """

    tag: str
    one: str
    other: str
    difference: Estimate


def by_tag(
    cases: Sequence[Case],
    right: Float[np.ndarray, " items"],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> tuple[tuple[TagFigure, ...], tuple[TagDifference, ...]]:
    """Break an accuracy down; ``right`` is 1 where the measure is right, a half for a tie.

    A figure for each value of each tag of two to twelve values, and a difference for each tag of
    exactly two.
    """
    parts: dict[str, dict[str, list[int]]] = {}
    for number, case in enumerate(cases):
        for tag in case.tags:
            name, equals, value = tag.partition("=")
            if equals:
                parts.setdefault(name, {}).setdefault(value, []).append(number)
    figures, differences = [], []
    for name, values in parts.items():
        if not 2 <= len(values) <= MOST_VALUES:
            continue
        for value, rows in sorted(values.items()):
            clusters = [cases[row].cluster for row in rows]
            interval = None
            if len(set(clusters)) > 1:
                share = mean_of(right[rows], clusters, share=True, resamples=resamples, seed=seed)
                interval = share.interval
            found = TagFigure(name, value, len(rows), float(right[rows].mean()), interval)
            figures.append(found)
        if len(values) == 2:
            one, other = sorted(values, reverse=True)  # pro less anti, male less female
            found_in = [np.isin(np.arange(len(cases)), values[value]) for value in (one, other)]
            clusters = [case.cluster for case in cases]
            difference = difference_of(
                right, np.stack(found_in), clusters, resamples=resamples, seed=seed
            )
            differences.append(TagDifference(name, one, other, difference))
    return tuple(figures), tuple(differences)
