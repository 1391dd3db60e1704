"""Labels that mean nothing: what a choice among heads can fit without any coreference.

Each pair of nouns is given one of the two as its "answer" by a hash, in every sentence alike.
Choosing a head for these labels on dev and reporting it on test says how much of an accuracy comes
from the freedom to choose; the rest is selectivity.
"""

import zlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from seq2seq.errors import DataError
from seq2seq.probe.items.case import Case
from seq2seq.probe.measures.accuracy import items_right
from seq2seq.probe.measures.scores import Scores
from seq2seq.probe.statistics.bootstrap import SEED
from seq2seq.probe.statistics.selection import Choice, furthest, row_of

LABELLINGS = 20


def control_labels(cases: Sequence[Case], *, seed: int = SEED) -> Bool[np.ndarray, " items"]:
    """Give every pair of nouns a fixed random answer: whether each case keeps its gold noun.

    Source: Hewitt and Liang 2019, section 2 (control tasks).
    """
    return np.array([_answer(case, seed) == _noun(case, case.gold) for case in cases], dtype=bool)


def control_accuracy(
    dev: tuple[Sequence[Case], Scores],
    test: tuple[Sequence[Case], Scores],
    *,
    labellings: int = LABELLINGS,
    seed: int = SEED,
) -> float:
    """Accuracy that the choice of a measure reaches on test with labels that mean nothing.

    A mean over labellings, each time of the measure and sign that fit the labels of dev best.

    Raises:
        DataError: cases and scores are not of the same items, or dev's measures not test's.
    """
    for cases, scores in (dev, test):
        if tuple(case.id for case in cases) != scores.layout.ids:
            raise DataError(
                f"control labels: {len(cases)} cases are not the {len(scores.layout.ids)} items of "
                "the scores, needed the same in the same order; pass the cases that were measured"
            )
    seeds = range(seed, seed + labellings)
    before, after = (
        _above_chance(scores, [control_labels(cases, seed=one) for one in seeds])
        for cases, scores in (dev, test)
    )
    found = []
    for ours, theirs in zip(before.T, after.T, strict=True):
        row, sign = furthest(ours)
        reported = row_of(Choice(dev[1].measures[row], sign, 0.5 + abs(ours[row])), test[1])
        found.append(0.5 + sign * theirs[reported])
    return float(np.mean(found))


def _above_chance(
    scores: Scores, labellings: Sequence[Bool[np.ndarray, " items"]]
) -> Float[np.ndarray, "measures labellings"]:
    """By how much each measure's accuracy with each labelling lies above one half."""
    signs = np.where(np.stack(labellings, axis=1), 1.0, -1.0)
    above: Float[np.ndarray, "measures labellings"] = (
        (items_right(scores.gold, scores.distractor) - 0.5) @ signs / len(signs)
    )
    return above


def _answer(case: Case, seed: int) -> str:
    """One of the two nouns, the same whatever their order."""
    nouns = sorted(_noun(case, place) for place in range(len(case.candidates)))
    return nouns[zlib.crc32(f"{seed} {' '.join(nouns)}".encode()) % len(nouns)]


def _noun(case: Case, place: int | None) -> str:
    return "" if place is None else case.candidates[place].text.casefold()
