"""Where is the antecedent written, where is it read, and what carries it if no single word does?

Three searches by knock-out. Every word and edge by itself; then, for the row that costs most, who
reads it; and where no single word matters, sets. Words that stand in for each other cost nothing
one by one, so a set is not grown but shrunk: it begins with every word of the clause, and loses
those without which the answer stays away. That is done on the cases that the head is chosen on and
reported on others, because the best of many sets looks good by chance; the control of a set is that
of matched other words, as many.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from jaxtyping import Float

from seq2seq.probe.causes.experiment import Effect, Experiment, Trial, effects_of
from seq2seq.probe.causes.head import USED_COST, matters
from seq2seq.probe.causes.knock_outs import (
    KnockOut,
    MatchedWords,
    clause_of,
    control_of,
)
from seq2seq.probe.statistics.bootstrap import SEED

CASES = 120  # to shrink a set on; it is reported on all
SLACK = 0.05  # by how much accuracy may come back when a part is left out

KINDS: Mapping[str, str] = {
    "rows": "{} off",
    "sight of the nouns": "{}→nouns",
    "the nouns' sight": "nouns→{}",
    "the decision row's sight": "decision→{}",
}
"""What is taken from all words of the clause at once, to begin with."""


@dataclass(frozen=True)
class JointSets:
    """Sets of knock-outs that together take the answer away.

    Attributes:
        effects: on the reported items, of one set of each kind that costs much when all words of
            the clause have part in it; names are joined by " + ", and the set of matched controls
            stands beside each.
        shrunk_on: how many cases the sets were shrunk on.
        tried: how many sets were compared there.
    """

    effects: tuple[Effect, ...]
    shrunk_on: int
    tried: int

    @property
    def found(self) -> Effect | None:
        """The smallest set whose loss costs much, and much more than that of other words."""
        able = [one for one in self.effects if matters(one)]
        return min(able, key=lambda one: one.name.count(" + "), default=None)


def search_joint(
    select: Experiment, report: Experiment, *, seed: int = SEED
) -> tuple[JointSets, tuple[Trial, ...]]:
    """Find small sets of knock-outs that together take the answer away.

    Args:
        select: a model and the cases to shrink sets on.
        report: the same model and the cases to report.
        seed: of the intervals.

    Returns:
        The sets, and their outcomes case by case.
    """
    few = Experiment(select.model, select.placed[:CASES])
    words = clause_of(report.placed)
    trials, tried = [], 0
    for pattern in KINDS.values():
        names = [pattern.format(word) for word in words]
        parts = [few.knock_outs[name] for name in names if name in few.knock_outs]
        kept, compared = _shrunk(few, parts)
        tried += compared
        if len(kept) > 1:
            trials.append(_together(report, [one.name for one in kept]))
    effects = effects_of(report.intact, trials, clusters=report.clusters, seed=seed)
    return JointSets(effects, len(few.placed), tried), tuple(trials)


def _shrunk(experiment: Experiment, parts: Sequence[KnockOut]) -> tuple[list[KnockOut], int]:
    """The parts without which the answer comes back, and how many sets were compared.

    Nothing if all parts together cost little.
    """
    kept, tried = list(parts), 1
    whole = _accuracy(experiment.preferences(*kept))
    if _accuracy(experiment.intact) - whole < USED_COST:
        return [], tried
    while len(kept) > 1:
        smaller = [[one for one in kept if one is not left] for left in kept]
        after = [experiment.preferences(*some) for some in smaller]
        tried += len(smaller)
        best = min(range(len(smaller)), key=[_left(one) for one in after].__getitem__)
        if _accuracy(after[best]) > whole + SLACK:
            break
        kept = smaller[best]
    return kept, tried


def _accuracy(after: Float[np.ndarray, " items"]) -> float:
    return float((after > 0).mean() + (after == 0).mean() / 2)


def _left(after: Float[np.ndarray, " items"]) -> tuple[float, float]:
    """What is left of the answer: first the decisions, then how sure they are."""
    return _accuracy(after), float(after.mean())


def _together(experiment: Experiment, names: Sequence[str]) -> Trial:
    parts = [experiment.knock_outs[name] for name in names]
    controls = _controls(parts, experiment.match)
    return Trial(
        " + ".join(names), experiment.preferences(*parts), experiment.preferences(*controls)
    )


def _controls(knock_outs: Sequence[KnockOut], match: MatchedWords) -> list[KnockOut]:
    """Controls of a set, with another word for each knock-out that takes its control by rank."""
    found, rows, seen = [], 0, 0
    for one in knock_outs:
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
