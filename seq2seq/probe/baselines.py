"""What a rule that resolves nothing would score, in the same table as the heads.

Each rule gives every candidate of a case a weight; equal weights are a tie and count half, so a
rule that knows nothing about a case is at chance on it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from seq2seq.probe.cases import Case
from seq2seq.probe.resampling import SEED
from seq2seq.probe.selection import Scores


@dataclass(frozen=True)
class Baseline:
    """A named rule; the candidate with the larger weight is its answer."""

    name: str
    weigh: Callable[[Case], Sequence[float]]


def plain_baselines(
    pieces: Mapping[str, Sequence[int]] | None = None, *, seed: int = SEED
) -> list[Baseline]:
    """Rules that learn nothing: random, first, nearest, subject, agent, patient, longest.

    Args:
        pieces: for each case id how many pieces each candidate has; without it "longest" is
            left out.
        seed: of the random rule.

    Returns:
        The rules. "longest" is also what uniform attention answers, summed over pieces.
    """
    raise NotImplementedError


def learnt_baselines(train: Sequence[Case]) -> list[Baseline]:
    """Rules that know training but see only a part of the input.

    Args:
        train: cases whose answers they may count.

    Returns:
        Majority gender, noun prior, cue only (by place and by gender), nouns only.
    """
    raise NotImplementedError


def baseline_scores(cases: Sequence[Case], baselines: Sequence[Baseline]) -> Scores:
    """Score rules as if they were heads, with route "baseline" and their name as variant.

    Args:
        cases: with one gold noun of two.
        baselines: the rules.

    Returns:
        Scores that `findings` turns into accuracies with intervals.
    """
    raise NotImplementedError


def uniform_rows(lengths: Int[np.ndarray, " items"], keys: int) -> Float[np.ndarray, "items keys"]:
    """Attention that looks at all pieces of a text alike."""
    raise NotImplementedError


def offset_profile(
    rows: Float[np.ndarray, "measures items keys"],
    queries: Int[np.ndarray, " items"],
    lengths: Int[np.ndarray, " items"],
) -> Float[np.ndarray, "measures offsets"]:
    """Average attention at each distance from the query: what a head does whatever stands there.

    Args:
        rows: the attention of one query position in each item, padded on the right.
        queries: that position.
        lengths: how many keys of each item are real.

    Returns:
        For each measure the mean at offsets 1 - keys … keys - 1. Offsets that never occur have
        the value between their neighbours.
    """
    raise NotImplementedError


def offset_rows(
    profile: Float[np.ndarray, "measures offsets"],
    queries: Int[np.ndarray, " items"],
    lengths: Int[np.ndarray, " items"],
) -> Float[np.ndarray, "measures items keys"]:
    """Attention rows made of a profile alone, to be measured like real ones.

    Args:
        profile: from `offset_profile`, on dev: on the items themselves, an offset that occurs
            once would give the head back instead of its habit.
        queries: the query position of each item.
        lengths: how many keys of each item are real.

    Returns:
        For each item the profile around its query, 0 beyond its length.
    """
    raise NotImplementedError
