"""How often does the whole procedure find something where there is nothing?

Real scores of a real model are kept; only which noun is called gold is drawn anew, for whole
clusters, quads or pairs at once. Then nothing links a score to the label, whatever else the model
attends to, and every find is false. The share of runs with one must be the nominal rate.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import comb
from typing import Literal

import numpy as np
from jaxtyping import Int

from seq2seq.probe.measures.accuracy import Layout, items_right
from seq2seq.probe.measures.scores import Scores, relabelled
from seq2seq.probe.statistics.bootstrap import LEVEL, SEED, Interval, cluster_numbers
from seq2seq.probe.statistics.permutation import max_t_sign_flip
from seq2seq.probe.statistics.selection import ALPHA, choose, row_of

Unit = Literal["cluster", "quad", "pair"]


@dataclass(frozen=True)
class NullStudy:
    """False finds among runs with shuffled labels.

    Attributes:
        unit: what was shuffled as a whole.
        runs: how many.
        alpha: the nominal rate.
        any_measure: runs in which some measure had p_fwer of at most alpha on test.
        any_interval: of that share, 95 %, exact binomial.
        chosen: runs in which the measure chosen on dev had, looked at alone, p of at most alpha
            on test.
        chosen_interval: of that share.
        confirmed: runs in which the chosen measure would have been reported as found.
        best_dev: mean over runs of the chosen measure's accuracy on dev: what looking at all
            measures makes of chance.
    """

    unit: Unit
    runs: int
    alpha: float
    any_measure: int
    any_interval: Interval
    chosen: int
    chosen_interval: Interval
    confirmed: int
    best_dev: float


def null_study(
    dev: Scores,
    test: Scores,
    *,
    unit: Unit = "cluster",
    runs: int = 200,
    alpha: float = ALPHA,
    flips: int = 999,
    seed: int = SEED,
) -> NullStudy:
    """Shuffle labels, choose on dev, test, and count what is found.

    Args:
        dev: scores to choose on.
        test: scores of the same measures to test on.
        unit: what keeps its labels together: both nouns are exchanged in all items of it or none.
        runs: how often.
        alpha: the rate to check.
        flips: of the sign-flip test; one less than a round number makes its p-values exact.
        seed: of the shuffles and flips.

    Returns:
        The counts.

    Raises:
        DataError: a measure of dev is not among those of test.
    """
    rng = np.random.default_rng(seed)
    any_measure = chosen = confirmed = 0
    best_dev = 0.0
    for run in range(runs):
        choice = choose(_shuffled(dev, unit, rng))
        shuffled = _shuffled(test, unit, rng)
        effects = items_right(shuffled.gold, shuffled.distractor) - 0.5
        tested = max_t_sign_flip(effects, test.layout.clusters, flips=flips, seed=seed + run)
        row = row_of(choice, test)
        any_measure += bool((tested.p_fwer <= alpha).any())
        chosen += bool(tested.p[row] <= alpha)
        confirmed += bool(tested.p_fwer[row] <= alpha and effects[row].mean() * choice.sign > 0)
        best_dev += choice.accuracy / runs
    return NullStudy(
        unit=unit,
        runs=runs,
        alpha=alpha,
        any_measure=any_measure,
        any_interval=exact_interval(any_measure, runs),
        chosen=chosen,
        chosen_interval=exact_interval(chosen, runs),
        confirmed=confirmed,
        best_dev=best_dev,
    )


def exact_interval(count: int, runs: int) -> Interval:
    """The 95 % interval of a share of independent runs.

    Args:
        count: runs in which it happened.
        runs: how many there were.

    Returns:
        The rates that the count does not contradict at 2.5 % on either side.

    Source: Clopper and Pearson 1934.
    """
    tail = (1 - LEVEL) / 2
    low = 0.0 if count == 0 else _rate(lambda p: 1 - _at_most(count - 1, runs, p) < tail)
    high = 1.0 if count == runs else _rate(lambda p: _at_most(count, runs, p) > tail)
    return Interval(low, high)


def _shuffled(scores: Scores, unit: Unit, rng: np.random.Generator) -> Scores:
    """The scores with the two nouns exchanged in half of the units, drawn anew."""
    units = _units(scores.layout, unit)
    return relabelled(scores, rng.integers(2, size=len(units))[units] == 1)


def _units(layout: Layout, unit: Unit) -> Int[np.ndarray, " items"]:
    """A number for each item, shared within a unit; an item outside any has its own."""
    match unit:
        case "cluster":
            return cluster_numbers(layout.clusters)
        case "quad":
            groups = layout.quads
        case "pair":
            groups = layout.pairs
    units = np.arange(len(layout.ids))
    units[groups] = groups[:, :1]
    return units


def _at_most(count: int, runs: int, rate: float) -> float:
    """The probability of no more than so many."""
    return sum(comb(runs, k) * rate**k * (1 - rate) ** (runs - k) for k in range(count + 1))


def _rate(too_low: Callable[[float], bool]) -> float:
    """Where a condition that holds for low rates ceases to, by halving."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if too_low(middle) else (low, middle)
    return (low + high) / 2
