"""Choose a measure on dev, freeze it, report it once on test.

The best of many heads looks good by chance alone, so what is chosen on one set is reported on
another. The choice is two-sided: with two nouns a head that reliably prefers the wrong one tells as
much as one that prefers the right one, and the sign is part of the choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import false_discovery_control

from seq2seq.errors import DataError
from seq2seq.probe.measures.accuracy import (
    Layout,
    clusters_of,
    groups_right,
    items_right,
    margins,
    swap_consistency,
)
from seq2seq.probe.measures.scores import Measure, Scores, only, relabelled
from seq2seq.probe.statistics.bootstrap import (
    RESAMPLES,
    SEED,
    Estimate,
    Interval,
    cluster_bootstrap,
)
from seq2seq.probe.statistics.permutation import max_t_sign_flip
from seq2seq.probe.statistics.ranks import areas

Sign = Literal[1, -1]
ALPHA = 0.05


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
    """What a measure does on a set, as its sign says: with -1 the other noun counts as right.

    Attributes:
        measure: which one.
        sign: fixed before the set was looked at.
        items: how many.
        pairs: whole pairs among them.
        quads: whole quads among them.
        clusters: that the items lie in.
        accuracy: share of items right, ties half.
        interval: of the accuracy, 95 %.
        pair: share of pairs with both items right; None without pairs of at least two clusters.
        pair_interval: of that share.
        quad: share of quads with all four items right; None in the same case.
        quad_interval: of that share.
        margin: mean of (right - wrong) / (right + wrong).
        auc: how well one threshold on the first noun's score less the second's tells which is
            right; blind to a constant liking for one place. None if the same place always is.
        mass: mean score of the noun that counts as right.
        swap: share of pairs in which the preferred noun changes with the cue.
        p: of the accuracy, looked at alone, two-sided: for a measure that was fixed before.
        p_fwer: the same as one of all measures of the set; None for one that was fixed before.
        q_bh: the share of false finds among measures as small as this in p; None likewise.
        selectivity: accuracy less that of a control, on whichever side of .5 the control lies;
            None where none was given.
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
    p_fwer: float | None
    q_bh: float | None
    selectivity: float | None = None


def choose(dev: Scores) -> Choice:
    """Choose the measure whose accuracy is furthest from one half, on either side.

    The first of equals, so that it does not depend on chance.
    """
    above = items_right(dev.gold, dev.distractor).mean(axis=1) - 0.5
    row, sign = furthest(above)
    return Choice(dev.measures[row], sign, 0.5 + sign * float(above[row]))


def furthest(above: Float[np.ndarray, " measures"]) -> tuple[int, Sign]:
    """The row furthest from chance, the first of equals, and on which side of it that lies."""
    distance = np.abs(above)
    row = int(np.argmax(distance >= distance.max() - 1e-6))
    return row, 1 if above[row] >= 0 else -1


def findings(
    scores: Scores, *, resamples: int = RESAMPLES, seed: int = SEED
) -> tuple[Finding, ...]:
    """Report every measure on a set, with sign 1."""
    return _report(scores, 1, resamples=resamples, seed=seed)


def evaluate(
    choice: Choice,
    test: Scores,
    *,
    among: Sequence[Finding] = (),
    control: float | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Finding:
    """Report a choice on test. It was fixed before, so its p-value counts no other measure.

    Args:
        choice: from `choose`, on other items.
        test: scores of all measures.
        among: what `findings` say of the same scores, if that is known: with sign 1 the choice is
            one of them.
        control: accuracy of a control on the same items, for the selectivity.
        resamples: of the intervals and of the sign flips.
        seed: of the draws.

    Returns:
        The finding, as the choice's sign says.

    Raises:
        DataError: the measure is not among those of the test scores.
    """
    row = row_of(choice, test)
    if among and choice.sign == 1:
        finding = among[row]
    else:
        alone = _as_said(choice, only(test, [row]))
        (finding,) = _report(alone, choice.sign, resamples=resamples, seed=seed)
    finding = replace(finding, p_fwer=None, q_bh=None)
    if control is None:
        return finding
    # A control that is reliably wrong knows as much as one that is reliably right.
    return replace(finding, selectivity=finding.accuracy - max(control, 1 - control))


def row_of(choice: Choice, scores: Scores) -> int:
    """Where the chosen measure stands among the measures of other scores.

    Raises:
        DataError: it does not.
    """
    if choice.measure not in scores.measures:
        raise DataError(
            f"probe scores: {choice.measure} was chosen on dev and is not among the "
            f"{len(scores.measures)} measures of test, needed it; measure the same on both sets"
        )
    return scores.measures.index(choice.measure)


def _as_said(choice: Choice, scores: Scores) -> Scores:
    """The scores with that noun as gold which the choice's sign says is preferred."""
    if choice.sign == 1:
        return scores
    return relabelled(scores, np.zeros(len(scores.layout.ids), dtype=bool))


def _report(scores: Scores, sign: Sign, *, resamples: int, seed: int) -> tuple[Finding, ...]:
    """Findings of all measures, tested as one family."""
    layout = scores.layout
    right = items_right(scores.gold, scores.distractor)
    tested = max_t_sign_flip(right - 0.5, layout.clusters, flips=resamples, seed=seed)
    q = false_discovery_control(tested.p)
    gold, distractor = scores.gold, scores.distractor
    accuracy = cluster_bootstrap(right, layout.clusters, share=True, resamples=resamples, seed=seed)
    pairs = _shares(right, layout.pairs, layout, resamples=resamples, seed=seed)
    quads = _shares(right, layout.quads, layout, resamples=resamples, seed=seed)
    margin, auc = margins(gold, distractor), areas(gold, distractor, layout)
    swap = swap_consistency(right, layout)
    return tuple(
        Finding(
            measure=measure,
            sign=sign,
            items=len(layout.ids),
            pairs=len(layout.pairs),
            quads=len(layout.quads),
            clusters=len(set(layout.clusters)),
            accuracy=accuracy[n].value,
            interval=accuracy[n].interval,
            pair=pairs[n].value if pairs else None,
            pair_interval=pairs[n].interval if pairs else None,
            quad=quads[n].value if quads else None,
            quad_interval=quads[n].interval if quads else None,
            margin=float(margin[n].mean()),
            auc=None if auc is None else float(auc[n]),
            mass=float(gold[n].mean()),
            swap=None if swap is None else float(swap[n]),
            p=float(tested.p[n]),
            p_fwer=float(tested.p_fwer[n]),
            q_bh=float(q[n]),
        )
        for n, measure in enumerate(scores.measures)
    )


def _shares(
    right: Float[np.ndarray, "measures items"],
    groups: Int[np.ndarray, "groups members"],
    layout: Layout,
    *,
    resamples: int,
    seed: int,
) -> tuple[Estimate, ...]:
    """Of whole pairs or quads, for each measure the share that is right.

    Nothing without any, or where all lie in one cluster, which says nothing of others.
    """
    clusters = clusters_of(groups, layout)
    if len(set(clusters)) < 2:
        return ()
    right = groups_right(right, groups)
    return cluster_bootstrap(right, clusters, share=True, resamples=resamples, seed=seed)
