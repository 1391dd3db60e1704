"""Is a head better than chance, given how many heads were looked at?

Under the null hypothesis a measure is as likely to prefer the gold noun as the other one, cluster
by cluster: exchanging the two nouns of a whole cluster turns the sign of its effect and nothing
else. All measures are turned together, so their dependence is kept, and the largest of them is what
an observed one has to beat.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import binomtest

from seq2seq.probe.statistics.bootstrap import RESAMPLES, SEED, cluster_numbers, cluster_sums

_SLICE = 500  # flips at a time
_ROUNDING = 1e-9  # an equal statistic must not look smaller


@dataclass(frozen=True)
class SignFlip:
    """How often chance does as well.

    Attributes:
        p: for each measure, looked at alone.
        p_fwer: for each measure, as one of all of them: below .05 for any of them in at most 5 %
            of the families in which none differs from chance.
    """

    p: Float[np.ndarray, " measures"]
    p_fwer: Float[np.ndarray, " measures"]


def max_t_sign_flip(
    effects: Float[np.ndarray, "measures items"],
    clusters: Sequence[str],
    *,
    flips: int = RESAMPLES,
    seed: int = SEED,
) -> SignFlip:
    """Test every measure against chance, and against the best of all measures by chance.

    Two-sided: a measure that is reliably wrong is found as well.

    Args:
        effects: by how much each item lies above chance: accuracy less .5, or the difference of
            two models.
        clusters: the name of each item's cluster.
        flips: how often the signs of the clusters are drawn.
        seed: of the draws.

    Returns:
        A p-value of either kind for each measure; 1 for one without any effect. With few clusters
        neither can be small: it is at least 2 to the power of 1 less their number.

    Raises:
        DataError: as in `cluster_numbers`.

    Source: Westfall and Young 1993, section 2.3 (single-step maxT); Winkler et al. 2014 (sign
    flips of whole blocks). The statistic is the cluster sums' total over the root of their sum of
    squares, which grows with the t statistic and which flips leave standardised.
    """
    sums = cluster_sums(effects, cluster_numbers(clusters))
    scale = np.sqrt((sums**2).sum(axis=1, keepdims=True))
    sums = np.divide(sums, scale, out=np.zeros_like(sums), where=scale > _ROUNDING)
    observed = np.abs(sums.sum(axis=1)) - _ROUNDING
    rng = np.random.default_rng(seed)
    as_large, as_large_max = np.zeros(len(sums)), np.zeros(len(sums))
    for start in range(0, flips, _SLICE):
        rows = min(_SLICE, flips - start)
        signs = 2.0 * rng.integers(2, size=(rows, sums.shape[1]), dtype=np.int8) - 1
        flipped = np.abs(signs @ sums.T)
        as_large += (flipped >= observed).sum(axis=0)
        as_large_max += (flipped.max(axis=1, keepdims=True) >= observed).sum(axis=0)
    return SignFlip((1 + as_large) / (1 + flips), (1 + as_large_max) / (1 + flips))


def exact_mcnemar(one: Bool[np.ndarray, " units"], other: Bool[np.ndarray, " units"]) -> float:
    """Are two models right on different units more often one way than the other?

    Two-sided; 1 where the models never differ. Units count as independent: pass whole pairs or
    quads rather than their items, or prefer an interval of the difference.

    Source: McNemar 1947 with the binomial instead of its approximation.
    """
    only_one, only_other = int((one & ~other).sum()), int((~one & other).sum())
    if only_one == only_other:
        return 1.0
    return float(binomtest(only_one, only_one + only_other).pvalue)
