"""Where is the antecedent written, where is it read, and what carries it if no single word does?

Three searches by knock-out. Every word and edge by itself; then, for the row that costs most, who
reads it; and where no single word matters, sets of two and three, grown greedily. A set is grown on
the cases that the head is chosen on and reported on others, because the best of many sets looks
good by chance; its control is the set of matched other words.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from jaxtyping import Float

from seq2seq.probe.asked import Asked, Effect, Trial, effects_of
from seq2seq.probe.carrier import Knock, Match, control_of, readers_of
from seq2seq.probe.causal import matters
from seq2seq.probe.resampling import SEED

LARGEST = 3
CASES = 120  # to grow a set on; it is reported on all
ENOUGH = 0.55  # an accuracy at which nothing is left to take away


@dataclass(frozen=True)
class Joint:
    """Sets of knock-outs, each one larger than the one before.

    Attributes:
        parts: names, in the order in which they were added.
        effects: on the reported items, of the first part, the first two, and so on; each with the
            set of its matched controls beside it.
        grown_on: how many cases the set was grown on.
        tried: how many sets were compared there.
    """

    parts: tuple[str, ...]
    effects: tuple[Effect, ...]
    grown_on: int
    tried: int

    @property
    def found(self) -> Effect | None:
        """The smallest set whose loss costs much, and much more than that of other words."""
        return next((one for one in self.effects if matters(one)), None)


def search_carrier(asked: Asked) -> tuple[Trial, ...]:
    """Try every knock-out on all cases.

    Args:
        asked: a model and its cases.

    Returns:
        What came of each.
    """
    return tuple(asked.trial(knock) for knock in asked.knocks.values())


def search_readers(asked: Asked, word: str) -> tuple[Trial, ...]:
    """Find out who reads what is written in the row of a word.

    Args:
        asked: a model and its cases.
        word: of the clause.

    Returns:
        For each reader what becomes of the answer if it does not see that row.
    """
    return tuple(asked.trial(knock) for knock in readers_of(asked.placed, asked.match, word))


def search_joint(
    grow: Asked, report: Asked, *, largest: int = LARGEST, seed: int = SEED
) -> tuple[Joint, tuple[Trial, ...]]:
    """Grow a set of knock-outs that together take the answer away.

    Args:
        grow: a model and the cases to grow the set on.
        report: the same model and the cases to report.
        largest: how many knock-outs a set may have.
        seed: of the intervals.

    Returns:
        The sets, and their outcomes case by case.
    """
    few = Asked(grow.model, grow.placed[:CASES])
    pool = _pool(few, report)
    chosen: list[Knock] = []
    tried = 0
    while len(chosen) < min(largest, len(pool)):
        rest = [one for one in pool if one not in chosen]
        tried += len(rest)
        after = [few.preferences(*chosen, one) for one in rest]
        best = min(range(len(rest)), key=lambda n, after=after: _left(after[n]))  # type: ignore[misc]
        chosen.append(rest[best])
        if _left(after[best])[0] <= ENOUGH:
            break
    names = [one.name for one in chosen]
    trials = _reported(report, names)
    effects = effects_of(report.intact, trials, clusters=report.clusters, seed=seed)
    return Joint(tuple(names), effects, len(few.placed), tried), trials


def _pool(grow: Asked, report: Asked) -> list[Knock]:
    """Every single row and edge that both sets have; those to one noun are parts of others."""
    return [
        one
        for one in grow.knocks.values()
        if one.name in report.knocks and one.control is not None and not one.name.endswith("→gold")
    ]


def _left(after: Float[np.ndarray, " items"]) -> tuple[float, float]:
    """What is left of the answer: first the decisions, then how sure they are."""
    return float((after > 0).mean()), float(after.mean())


def _reported(asked: Asked, names: Sequence[str]) -> tuple[Trial, ...]:
    trials = []
    for size in range(1, len(names) + 1):
        part = [asked.knocks[name] for name in names[:size]]
        controls = _controls(part, asked.match)
        trials.append(
            Trial(" + ".join(names[:size]), asked.preferences(*part), asked.preferences(*controls))
        )
    return tuple(trials)


def _controls(knocks: Sequence[Knock], match: Match) -> list[Knock]:
    """Controls of a set, with another word for each knock-out that takes its control by rank."""
    found, rows, seen = [], 0, 0
    for one in knocks:
        if one.control == match.row:
            one = replace(one, control=partial(match.row, rank=rows))
            rows += 1
        elif one.control == match.cross:
            one = replace(one, control=partial(match.cross, rank=seen))
            seen += 1
        control = control_of(one)
        if control is not None:
            found.append(control)
    return found
