"""Intervals and p-values of any metric, from what it counts in each segment.

A metric of a corpus is computed from sums over its segments: BLEU from matched n-grams and lengths,
chrF and TER likewise, ROUGE from the scores themselves. So both tests are defined once, for all
metrics. With d the difference of two systems on the whole corpus and d* the one of a resample:

- Paired bootstrap (the same segments drawn for every system), recentred, as if there were no
  difference: p = (1 + #{|d* - d| >= |d|}) / (1 + resamples).
- Approximate randomization (the systems swapped on each segment with probability one half):
  p = (1 + #{|d*| >= |d|}) / (1 + trials). Swaps matter only on the n segments where the systems
  differ; where there are no more than ``trials`` ways to swap them, every one is tried, and
  p = #{|d*| >= |d|} / 2**n exactly.

The counts hold "as large or larger": of 100 segments with one that differs, every swap gives the
same |d|, which is no evidence at all, p = 1. sacrebleu counts "larger" alone; where no swap is
equal, its p-values for randomization are these. Its bootstrap recentres |d*| instead of d*, which
is one-sided wherever the difference is clear: about half of what stands here, and a single
differing segment can look like evidence.

Source: Koehn 2004; Riezler and Maxwell 2005; Noreen 1989 (the shift method).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seq2seq.score.result import SEED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNK = 128  # resamples made at once; a multiple of 32, so that numpy draws the same in any chunks
LEVEL = 0.95  # how often intervals hold the truth
EQUAL = 1e-9  # rounding must not make an equal difference look smaller


@dataclass(frozen=True)
class Statistics:
    """What a metric counted in each segment of one system's output.

    Attributes:
        rows: float64 [segments, counts].
        of_sums: the metric's score, given the sums of some segments' counts [counts] and how
            many segments they are.
        most: the highest score that there can be; the lowest is 0.
    """

    rows: "NDArray[np.float64]"
    of_sums: "Callable[[NDArray[np.float64], int], float]"
    most: float = 100.0

    @property
    def score(self) -> float:
        """Of the whole corpus."""
        return self.of_sums(self.rows.sum(0), len(self.rows))

    def scores(self, sums: "NDArray[np.float64]") -> "NDArray[np.float64]":
        """Scores [resamples] of corpora of the same size, given their sums [resamples, counts]."""
        import numpy as np

        return np.array([self.of_sums(one, len(self.rows)) for one in sums])


def bootstrap(systems: Sequence[Statistics], resamples: int) -> "list[NDArray[np.float64]]":
    """Scores of each system on test sets drawn from its segments, the same ones for all systems.

    Args:
        systems: of the same segments.
        resamples: how many test sets to draw.

    Returns:
        For each system [resamples].
    """
    import numpy as np

    drawn = np.random.default_rng(SEED)
    size = len(systems[0].rows)
    found: list[list[NDArray[np.float64]]] = [[] for _ in systems]
    for count in _chunks(resamples):
        picks = drawn.choice(size, size=(count, size), replace=True)
        times = np.array([np.bincount(pick, minlength=size) for pick in picks], dtype=np.float64)
        for scores, system in zip(found, systems, strict=True):
            scores.append(system.scores(times @ system.rows))
    return [np.concatenate(scores) for scores in found]


def bootstrap_p_value(
    system: "NDArray[np.float64]", baseline: "NDArray[np.float64]", observed: float
) -> float:
    """Share of resamples whose difference, recentred, is as large as the one observed.

    Args:
        system: its scores [resamples].
        baseline: scores of the baseline on the same resamples.
        observed: difference of the two on the whole corpus.
    """
    shifted = abs((system - baseline) - observed)
    as_large = int((shifted >= abs(observed) - EQUAL).sum())
    return (1 + as_large) / (1 + len(shifted))


@dataclass(frozen=True)
class Randomization:
    """What approximate randomization finds.

    Attributes:
        p_value: share of swaps whose difference is as large as the one observed.
        swaps: how many were tried.
        exact: whether these were all there are.
    """

    p_value: float
    swaps: int
    exact: bool


def randomize(system: Statistics, baseline: Statistics, trials: int) -> Randomization:
    """Share of swaps of the two systems whose difference is as large as the one observed.

    Args:
        system: one system.
        baseline: the other, on the same segments.
        trials: most swaps to try.
    """
    import numpy as np

    differing = np.flatnonzero((system.rows != baseline.rows).any(1))
    one, other = system.rows[differing], baseline.rows[differing]
    both = system.rows.sum(0) + baseline.rows.sum(0)
    shared = system.rows.sum(0) - one.sum(0)
    observed = abs(system.score - baseline.score)
    exact = 2 ** len(differing) <= trials
    masks = _all_masks(len(differing)) if exact else _random_masks(differing, system, trials)
    as_large = tried = 0
    for mask in masks:
        swapped = shared + mask @ one + (1 - mask) @ other
        differences = abs(system.scores(swapped) - system.scores(both - swapped))
        as_large += int((differences >= observed - EQUAL).sum())
        tried += len(mask)
    p_value = as_large / tried if exact else (1 + as_large) / (1 + tried)
    return Randomization(p_value, tried, exact)


def interval_of(resampled: "NDArray[np.float64]", most: float = 100.0) -> tuple[float, float]:
    """The 95 % interval of bootstrap resamples: their mean, plus and minus half their spread.

    It ends at scores that there can be. Where many resamples lie close to one of these, all others
    are on its other side, and the same spread on both would pass it.

    Args:
        resampled: the score of each resample.
        most: the highest score that there can be.

    Source: ``estimate_ci`` of sacrebleu, which has no limits, so that all intervals mean the same.
    """
    ordered = sorted(resampled.tolist())
    tail = len(ordered) // 40
    half = (ordered[len(ordered) - tail - 1] - ordered[tail]) / 2
    mean = sum(ordered) / len(ordered)
    # The low end too may lie above by rounding: a perfect BLEU is 100.00000000000004.
    return min(max(mean - half, 0.0), most), min(mean + half, most)


def percentile_interval(resampled: "NDArray[np.float64]") -> tuple[float, float]:
    """The interval that holds the middle 95 % of what was drawn."""
    import numpy as np

    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def interval_of_all(share: float, clusters: int) -> tuple[float, float]:
    """The exact 95 % interval of a share of 0 or 1, of which every resample is the same.

    That everything observed was right does not say that nothing else can be wrong.

    Args:
        share: 0 or 1.
        clusters: of how many independent draws; items of one cluster count as one.

    Source: Clopper and Pearson 1934, whose bounds have this closed form at either end.
    """
    reach = ((1 - LEVEL) / 2) ** (1 / clusters)
    return (reach, 1.0) if share == 1 else (0.0, 1 - reach)


def _chunks(count: int) -> Iterator[int]:
    for start in range(0, count, CHUNK):
        yield min(CHUNK, count - start)


def _all_masks(segments: int) -> "Iterator[NDArray[np.float64]]":
    """Every choice of segments once, [choices, segments] of 0 and 1."""
    import numpy as np

    every = np.arange(2**segments)
    for start in range(0, len(every), CHUNK):
        chunk = every[start : start + CHUNK, None]
        yield ((chunk >> np.arange(segments)) & 1).astype(np.float64)


def _random_masks(
    differing: "NDArray[np.int64]", system: Statistics, trials: int
) -> "Iterator[NDArray[np.float64]]":
    """Random choices among all segments, of which those that differ are kept."""
    import numpy as np

    drawn = np.random.default_rng(SEED)
    for count in _chunks(trials):
        # Drawn for all segments, as sacrebleu does, so that both try the same swaps.
        chosen = drawn.integers(2, size=(count, len(system.rows)), dtype=bool)
        yield (~chosen[:, differing]).astype(np.float64)
