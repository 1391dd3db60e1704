"""Choose a measure on dev, freeze it, report it once on test.

The best of many heads looks good by chance alone, so what is chosen on one set is reported on
another. The choice is two-sided: with two nouns a head that reliably prefers the wrong one tells as
much as one that prefers the right one, and the sign is part of the choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from seq2seq.errors import DataError
from seq2seq.probe.accuracy import (
    Layout,
    groups_right,
    items_right,
    margins,
    swap_consistency,
)
from seq2seq.probe.ranks import area_under_curve
from seq2seq.probe.resampling import (
    RESAMPLES,
    SEED,
    Estimate,
    Interval,
    cluster_bootstrap,
    paired_bootstrap,
)
from seq2seq.probe.significance import benjamini_hochberg, exact_mcnemar, max_t_sign_flip

Sign = Literal[1, -1]
ALPHA = 0.05


@dataclass(frozen=True)
class Measure:
    """What is compared between the two nouns.

    Attributes:
        route: "E→", "X", "CH via it".
        variant: "raw", "norm", "rollout".
        stack: "encoder", "cross" or "decoder"; empty for a route through several.
        layer: from 0; None for all layers together.
        head: from 0; None for all heads together.
    """

    route: str
    variant: str
    stack: str = ""
    layer: int | None = None
    head: int | None = None


@dataclass(frozen=True)
class Scores:
    """What every measure gives the two nouns of every item of a set.

    Attributes:
        measures: the rows of the arrays, each one once.
        layout: the columns.
        gold: the score of the noun that is meant.
        distractor: the score of the other one.

    Raises:
        DataError: sizes differ, a measure stands twice, or a score is not a number.
    """

    measures: tuple[Measure, ...]
    layout: Layout
    gold: Float[np.ndarray, "measures items"]
    distractor: Float[np.ndarray, "measures items"]

    def __post_init__(self) -> None:
        shape = (len(self.measures), len(self.layout.ids))
        if not (self.gold.shape == self.distractor.shape == shape) or 0 in shape:
            raise DataError(
                f"probe scores: {self.gold.shape} and {self.distractor.shape} for {shape[0]} "
                f"measures of {shape[1]} items, needed as many and at least one of each"
            )
        if len(set(self.measures)) < len(self.measures):
            raise DataError("probe scores: a measure stands twice, needed each once")
        finite = (np.isfinite(self.gold) & np.isfinite(self.distractor)).all(axis=1)
        if not finite.all():
            first = self.measures[int(np.argmin(finite))]
            raise DataError(
                f"probe scores: {int((~finite).sum())} of {shape[0]} measures have scores that are "
                f"no numbers (first: {first}), needed numbers; leave such measures or items out"
            )


@dataclass(frozen=True)
class Choice:
    """A measure chosen on dev.

    Attributes:
        measure: the one furthest from chance.
        sign: 1 if it prefers the gold noun, -1 if the other one.
        accuracy: on dev, as the sign says: .5 or more. Too high, because it was chosen.
    """

    measure: Measure
    sign: Sign
    accuracy: float


@dataclass(frozen=True)
class Finding:
    """What a measure does on a set, as its sign says: with -1, right is what prefers the distractor.

    Attributes:
        measure: which one.
        sign: fixed before the set was looked at.
        items: how many.
        pairs: whole pairs among them.
        quads: whole quads among them.
        clusters: that the items lie in.
        accuracy: share of items right, ties half.
        interval: of the accuracy, 95 %.
        pair: share of pairs with both items right; None without pairs.
        pair_interval: of that share.
        quad: share of quads with all four items right; None without quads.
        quad_interval: of that share.
        margin: mean of (gold - distractor) / (gold + distractor).
        auc: how well one threshold on gold less distractor tells which noun is gold; None where
            the gold noun always stands in the same place.
        mass: mean score of the gold noun, whatever the sign.
        swap: share of pairs in which the preferred noun changes with the cue.
        p: of the accuracy, looked at alone, two-sided.
        p_fwer: the same as one of all measures of the set.
        q_bh: the share of false finds among measures as small as this in p.
        selectivity: accuracy less that of a control; None where none was given.
    """

    measure: Measure
    sign: Sign
    items: int
    pairs: int
    quads: int
    clusters: int
    accuracy: float
    interval: Interval
    pair: float | None
    pair_interval: Interval | None
    quad: float | None
    quad_interval: Interval | None
    margin: float
    auc: float | None
    mass: float
    swap: float | None
    p: float
    p_fwer: float
    q_bh: float
    selectivity: float | None = None

    def confirmed(self, alpha: float = ALPHA) -> bool:
        """Whether it differs from chance, for all measures looked at, in the direction chosen."""
        return self.p_fwer < alpha and self.accuracy > 0.5


@dataclass(frozen=True)
class Comparison:
    """Two models on the same items.

    Attributes:
        accuracy: difference in accuracy, first less second.
        pair: difference in pair accuracy; None without pairs.
        p_items: exact McNemar over items.
        p_pairs: exact McNemar over pairs; None without pairs.
    """

    accuracy: Estimate
    pair: Estimate | None
    p_items: float
    p_pairs: float | None


def choose(dev: Scores) -> Choice:
    """Choose the measure whose accuracy is furthest from one half, on either side.

    Args:
        dev: scores on a set that is not reported.

    Returns:
        The choice; the first of equals, so that it does not depend on chance.
    """
    raise NotImplementedError


def findings(
    scores: Scores, *, resamples: int = RESAMPLES, seed: int = SEED
) -> tuple[Finding, ...]:
    """Report every measure on a set, with sign 1.

    Args:
        scores: on the set.
        resamples: of the intervals and of the sign flips.
        seed: of the draws.

    Returns:
        One finding for each measure, in their order.
    """
    raise NotImplementedError


def evaluate(
    choice: Choice,
    test: Scores,
    *,
    control: float | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Finding:
    """Report a choice on test; p_fwer counts all measures of the test scores.

    Args:
        choice: from `choose`, on other items.
        test: scores of all measures.
        control: accuracy of a control on the same items, for the selectivity.
        resamples: of the intervals and of the sign flips.
        seed: of the draws.

    Returns:
        The finding, as the choice's sign says.

    Raises:
        DataError: the measure is not among those of the test scores.
    """
    raise NotImplementedError


def compare_models(
    one: tuple[Choice, Scores],
    other: tuple[Choice, Scores],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Comparison:
    """Compare the choices of two models on the same test items.

    Args:
        one: the first model's choice and test scores.
        other: the second's.
        resamples: of the intervals.
        seed: of the draws.

    Returns:
        The differences.

    Raises:
        DataError: the items differ.
    """
    raise NotImplementedError


def relabelled(scores: Scores, keep: Bool[np.ndarray, " items"]) -> Scores:
    """Call the other noun gold wherever ``keep`` is false: for controls and null studies."""
    raise NotImplementedError
