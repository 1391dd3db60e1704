"""Labels that mean nothing: what a choice among heads can fit without any coreference.

Each pair of nouns is given one of the two as its "answer" by a hash, in every sentence alike.
Choosing a head for these labels on dev and reporting it on test says how much of an accuracy comes
from the freedom to choose; the rest is selectivity.
"""

import zlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from seq2seq.errors import DataError
from seq2seq.probe.items.case import Case
from seq2seq.probe.measures.accuracy import items_right
from seq2seq.probe.measures.scores import Scores, relabelled
from seq2seq.probe.statistics.bootstrap import SEED
from seq2seq.probe.statistics.selection import choose, row_of

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
    found = []
    for labelling in range(seed, seed + labellings):
        ours, theirs = (
            relabelled(scores, control_labels(cases, seed=labelling))
            for cases, scores in (dev, test)
        )
        choice = choose(ours)
        right = items_right(theirs.gold, theirs.distractor)[row_of(choice, theirs)].mean()
        found.append(right if choice.sign == 1 else 1 - right)
    return float(np.mean(found))


def _answer(case: Case, seed: int) -> str:
    """One of the two nouns, the same whatever their order."""
    nouns = sorted(_noun(case, place) for place in range(len(case.candidates)))
    return nouns[zlib.crc32(f"{seed} {' '.join(nouns)}".encode()) % len(nouns)]


def _noun(case: Case, place: int | None) -> str:
    return "" if place is None else case.candidates[place].text.casefold()
