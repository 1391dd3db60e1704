"""Labels that mean nothing: what a choice among heads can fit without any coreference.

Each pair of nouns is given one of the two as its "answer" by a hash, in every sentence alike.
Choosing a head for these labels on dev and reporting it on test says how much of an accuracy comes
from the freedom to choose; the rest is selectivity.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from seq2seq.errors import DataError
from seq2seq.probe.items.case import Case
from seq2seq.probe.measures.accuracy import items_right
from seq2seq.probe.measures.scores import Scores
from seq2seq.probe.statistics.bootstrap import SEED
from seq2seq.probe.statistics.selection import Choice, furthest, row_of

LABELLINGS = 20


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
    before, after = (_above_chance(*each, seeds) for each in (dev, test))
    found = []
    for ours, theirs in zip(before.T, after.T, strict=True):
        row, sign = furthest(ours)
        reported = row_of(Choice(dev[1].measures[row], sign, 0.5 + abs(ours[row])), test[1])
        found.append(0.5 + sign * theirs[reported])
    return float(np.mean(found))


def _above_chance(
    cases: Sequence[Case], scores: Scores, seeds: Sequence[int]
) -> Float[np.ndarray, "measures labellings"]:
    """By how much each measure's accuracy with each labelling lies above one half."""
    nouns = [Nouns.of(case) for case in cases]  # once for all labellings
    labels = [control_labels(nouns, seed=seed) for seed in seeds]
    signs = np.stack([np.where(one, 1.0, -1.0) for one in labels], axis=1)
    above: Float[np.ndarray, "measures labellings"] = (
        (items_right(scores.gold, scores.distractor) - 0.5) @ signs / len(signs)
    )
    return above


@dataclass(frozen=True)
class Nouns:
    """The nouns of a case, the same whatever their order, and which of them is meant."""

    names: tuple[str, ...]
    gold: str

    @classmethod
    def of(cls, case: Case) -> "Nouns":
        """Those of a case."""
        names = [candidate.text.casefold() for candidate in case.candidates]
        gold = "" if case.gold is None else names[case.gold]
        return cls(tuple(sorted(names)), gold)

    @cached_property
    def joined(self) -> str:
        """All of them in one text."""
        return " ".join(self.names)


def control_labels(cases: Sequence[Nouns], *, seed: int = SEED) -> Bool[np.ndarray, " items"]:
    """Whether the noun that is meant is the one that a hash of the nouns calls the answer.

    Source: Hewitt and Liang 2019, section 2 (control tasks).
    """
    return np.array([_answer(case, seed) == case.gold for case in cases], dtype=bool)


def _answer(case: Nouns, seed: int) -> str:
    return case.names[zlib.crc32(f"{seed} {case.joined}".encode()) % len(case.names)]
