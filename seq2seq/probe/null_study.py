"""How often does the whole procedure find something where there is nothing?

Real scores of a real model are kept; only which noun is called gold is drawn anew, for whole
clusters, quads or pairs at once. Then nothing links a score to the label, whatever else the model
attends to, and every find is false. The share of runs with one must be the nominal rate.
"""

from dataclasses import dataclass
from typing import Literal

from seq2seq.probe.resampling import SEED, Interval
from seq2seq.probe.selection import ALPHA, Scores

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
        chosen: runs in which the measure chosen on dev had, alone and in the direction chosen,
            p of at most alpha on test.
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

    @property
    def nominal(self) -> bool:
        """Whether both rates agree with alpha."""
        raise NotImplementedError


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
    """
    raise NotImplementedError


def exact_interval(count: int, runs: int) -> Interval:
    """The 95 % interval of a share of independent runs.

    Source: Clopper and Pearson 1934.
    """
    raise NotImplementedError
