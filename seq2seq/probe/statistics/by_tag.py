"""The frozen measure on parts of a set, by what its cases are tagged with: gender, language, side.

A tag is ``name=value``. A set of which all pronouns are female says nothing of gender, and one in
which every case has a value of its own has no parts: only tags of a few values are broken down.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from seq2seq.probe.items.case import Case
from seq2seq.probe.statistics.bootstrap import (
    LEVEL,
    RESAMPLES,
    SEED,
    Estimate,
    Interval,
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
                interval = mean_of(right[rows], clusters, resamples=resamples, seed=seed).interval
            found = TagFigure(name, value, len(rows), float(right[rows].mean()), interval)
            figures.append(found)
        if len(values) == 2:
            one, other = sorted(values, reverse=True)  # pro less anti, male less female
            found_in = [np.isin(np.arange(len(cases)), values[value]) for value in (one, other)]
            difference = difference_of(
                cases, right, (found_in[0], found_in[1]), resamples=resamples, seed=seed
            )
            differences.append(TagDifference(name, one, other, difference))
    return tuple(figures), tuple(differences)


def difference_of(
    cases: Sequence[Case],
    right: Float[np.ndarray, " items"],
    parts: tuple[Bool[np.ndarray, " items"], Bool[np.ndarray, " items"]],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Estimate:
    """The accuracy on one part of the cases less that on another, each of at least one case.

    Both parts are drawn together, cluster by cluster: sentences that differ in the pronoun alone
    share their nouns, and what is hard in one is hard in the other. Draws in which a part has no
    case do not count.
    """
    _, numbers = np.unique([case.cluster for case in cases], return_inverse=True)
    count = int(numbers.max()) + 1
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=resamples).astype(float)
    means = []
    for part in parts:
        sums = np.bincount(numbers, weights=right * part, minlength=count)
        sizes = np.bincount(numbers, weights=part.astype(float), minlength=count)
        with np.errstate(invalid="ignore"):
            means.append((drawn @ sums) / (drawn @ sizes))
    differences = means[0] - means[1]
    tails = (1 - LEVEL) / 2, (1 + LEVEL) / 2
    low, high = np.quantile(differences[np.isfinite(differences)], tails)
    value = right[parts[0]].mean() - right[parts[1]].mean()
    return Estimate(float(value), Interval(float(low), float(high)))
