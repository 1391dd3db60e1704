"""How sure is a mean over items that share nouns as well as blocks?

Items of one block are not independent, and neither are items of two blocks that ask about the same
noun: a model may know it, or not. So an error counts together with the errors of all items that
share its block *or* one of its nouns. The interval is that of Student's t on the transformed share,
the p-value is of the same t, so that they agree.

Source: Cameron, Gelbach and Miller 2011 (clusters in several ways); Aronow, Samii and Assenova 2015
(each item has two of one kind); MacKinnon, Nielsen and Webb 2021 (the larger of this variance and
that of one way, where the sum is too small or negative).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse
from scipy.special import expit, logit
from scipy.stats import t

from seq2seq.probe.items.case import Case
from seq2seq.probe.statistics.bootstrap import Estimate, Interval, cluster_numbers
from seq2seq.score.resampling import LEVEL, interval_of_all

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Tested:
    """A mean with its interval, and how often chance differs as much from a value.

    Attributes:
        estimate: the mean.
        p: two-sided; 1 where the mean is that value.
    """

    estimate: Estimate
    p: float


@dataclass(frozen=True, eq=False)
class Dependence:
    """Which items hang together.

    Attributes:
        clusters: the block of each item.
        nouns: the nouns that each item asks about, in any order.
    """

    clusters: tuple[str, ...]
    nouns: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, cases: Sequence[Case]) -> "Dependence":
        """Read clusters and nouns off the cases; a noun is the same in small and large letters."""
        nouns = [tuple({one.text.casefold() for one in case.candidates}) for case in cases]
        return cls(tuple(case.cluster for case in cases), tuple(nouns))

    def part(self, rows: Int[np.ndarray, " some"]) -> "Dependence":
        """The same of some of the items."""
        return Dependence(
            tuple(self.clusters[row] for row in rows), tuple(self.nouns[row] for row in rows)
        )

    @property
    def freedom(self) -> int:
        """Degrees of freedom: of blocks, or of nouns where those recur and are fewer."""
        blocks = len(set(self.clusters))
        nouns = len({noun for some in self.nouns for noun in some})
        recur = nouns < sum(len(set(some)) for some in self.nouns)
        return max(min(blocks, nouns if recur else blocks) - 1, 1)

    def errors(self, values: Float[np.ndarray, "measures items"]) -> Float[np.ndarray, " measures"]:
        """The standard error of each measure's mean.

        Raises:
            DataError: there are fewer than two blocks, or an item is in none.
        """
        off = values - values.mean(axis=1, keepdims=True)
        few = self.freedom + 1
        variances = [
            ((off @ together) * off).sum(axis=1) for together in (self._blocks, self._either)
        ]
        largest = np.maximum(*variances).clip(min=0) * few / (few - 1)
        errors: Float[np.ndarray, " measures"] = np.sqrt(largest) / values.shape[1]
        return errors

    @cached_property
    def _blocks(self) -> sparse.csr_array:
        """One where two items share a block."""
        numbers = cluster_numbers(self.clusters)
        return _together([(number,) for number in numbers])

    @cached_property
    def _either(self) -> sparse.csr_array:
        """One where two items share a block or a noun."""
        return ((self._blocks + _together(self.nouns)) > 0).astype(float)


def shares(
    values: Float[np.ndarray, "measures items"], dependence: Dependence
) -> tuple[Estimate, ...]:
    """The share of items in each row of zeros, halves and ones, with its 95 % interval.

    The interval stays within 0 and 1; where all items are 0 or all are 1, it is that of so many
    clusters (Clopper and Pearson 1934), and of halves alone it is empty.
    """
    reach = float(t.ppf((1 + LEVEL) / 2, dependence.freedom))
    found = []
    for mean, error in zip(values.mean(axis=1), dependence.errors(values), strict=True):
        spread = float(mean * (1 - mean))
        ends = [float(mean)] * 2
        if mean in (0, 1):
            ends = [*interval_of_all(float(mean), dependence.freedom + 1)]
        if error > _ROUNDING and spread > _ROUNDING:
            ends = [float(expit(logit(mean) + side * reach * error / spread)) for side in (-1, 1)]
        found.append(Estimate(float(mean), Interval(*ends)))
    return tuple(found)


def differences(
    values: Float[np.ndarray, "measures items"], dependence: Dependence
) -> tuple[Tested, ...]:
    """The mean of each row of differences of two shares, from -1 to 1, tested against none.

    A mean that does not vary at all has p 0, or 1 if it is 0.
    """
    reach = float(t.ppf((1 + LEVEL) / 2, dependence.freedom))
    found = []
    for mean, error in zip(values.mean(axis=1), dependence.errors(values), strict=True):
        low, high = (float(np.clip(mean + side * reach * error, -1, 1)) for side in (-1, 1))
        p = float(abs(mean) <= _ROUNDING)
        if error > _ROUNDING:
            p = float(2 * t.sf(abs(mean) / error, dependence.freedom))
        found.append(Tested(Estimate(float(mean), Interval(low, high)), p))
    return tuple(found)


def holm(p: Sequence[float]) -> tuple[float, ...]:
    """Correct p-values for their number, so that in at most 5 % of families any lies below .05.

    Source: Holm 1979; as R's ``p.adjust(p, "holm")``.
    """
    found, largest = [0.0] * len(p), 0.0
    for rank, place in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        largest = max(largest, min(1.0, (len(p) - rank) * p[place]))
        found[place] = largest
    return tuple(found)


def _together(members: Sequence[tuple[object, ...]]) -> sparse.csr_array:
    """How many names two items share."""
    names = {name: place for place, name in enumerate(dict.fromkeys(n for m in members for n in m))}
    rows = [row for row, some in enumerate(members) for _ in some]
    columns = [names[name] for some in members for name in some]
    shape = (len(members), len(names))
    belongs = sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)
    return belongs @ belongs.T
