"""Which words carry the answer together, where one stands in for another?

Words that stand in for each other cost nothing one by one, so a set is not grown but shrunk: it
begins with every word of the text, and loses those without which the answer stays away. That is
done on cases that are not reported, because the best of many sets looks good by chance.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from seq2seq.probe.causes.experiment import MATTERS, Effect, Experiment, Trial
from seq2seq.probe.causes.knock_outs import sight_of_words, words_of
from seq2seq.probe.measures.accuracy import answers_right

SLACK = 0.05  # by how much accuracy may come back when a part is left out

KINDS: Mapping[str, str] = {
    "rows": "{} off",
    "the nouns' sight": "nouns→{}",
    "the decision row's sight": "decision→{}",
}
"""What is taken from all words at once, to begin with."""

Preferences = Callable[[Sequence[str]], Float[np.ndarray, " items"]]
"""What a model prefers without some words."""


@dataclass(frozen=True)
class JointSets:
    """Sets of knock-outs that together take the answer away.

    Attributes:
        effects: on the reported items, of one set of each kind that costs much when all words have
            part in it; names are joined by " + ", and the set of matched controls stands beside.
        shrunk_on: how many cases the sets were shrunk on.
        tried: how many sets were compared there.
    """

    effects: tuple[Effect, ...]
    shrunk_on: int
    tried: int

    @property
    def found(self) -> Effect | None:
        """The smallest set whose loss costs much, and much more than that of other words."""
        able = [one for one in self.effects if one.matters]
        return min(able, key=lambda one: one.name.count(" + "), default=None)


def search_joint(select: Experiment, report: Experiment) -> tuple[JointSets, tuple[Trial, ...]]:
    """Find small sets of knock-outs that together take the answer away.

    They are shrunk on the cases of ``select``; effects and trials are of those of ``report``.
    """
    trials, tried = [], 0
    for pattern in KINDS.values():
        names = [pattern.format(word) for word in words_of(report.placed)]
        kept, compared = _shrunk(
            [name for name in names if name in select.knock_outs and name in report.knock_outs],
            lambda some: select.preferences(*(select.knock_outs[name] for name in some)),
            select.intact,
        )
        tried += compared
        if len(kept) > 1:
            trials.append(report.trial(*(report.knock_outs[name] for name in kept)))
    return JointSets(report.effects(trials), len(select.placed), tried), tuple(trials)


def group_that_sees(select: Experiment) -> tuple[str, ...]:
    """Find the few words whose sight of the nouns the answer hangs on, if they lose it together.

    Those that are needed together (both nouns hidden); where that costs little, those that are
    followed together (the nouns exchanged); none where that does, too.
    """

    def hidden(words: Sequence[str]) -> Float[np.ndarray, " items"]:
        return select.preferences(sight_of_words(words).both)

    def exchanged(words: Sequence[str]) -> Float[np.ndarray, " items"]:
        knock_out = sight_of_words(words).exchanged
        assert knock_out is not None  # words look at nouns
        return select.preferences(knock_out)

    for without in (hidden, exchanged):
        kept, _ = _shrunk(words_of(select.placed), without, select.intact)
        if kept:
            return tuple(kept)
    return ()


def _shrunk(
    parts: Sequence[str], without: Preferences, intact: Float[np.ndarray, " items"]
) -> tuple[list[str], int]:
    """The parts without which the answer comes back, and how many sets were compared.

    Nothing if all parts together cost little.
    """
    kept, tried = list(parts), 1
    whole = _accuracy(without(kept))
    if _accuracy(intact) - whole < MATTERS:
        return [], tried
    while len(kept) > 1:
        smaller = [[one for one in kept if one != without_it] for without_it in kept]
        after = [without(some) for some in smaller]
        tried += len(smaller)
        # What is left of the answer: first the decisions, then how sure they are.
        left = [(_accuracy(one), float(one.mean())) for one in after]
        best = left.index(min(left))
        if _accuracy(after[best]) > whole + SLACK:
            break
        kept = smaller[best]
    return kept, tried


def _accuracy(after: Float[np.ndarray, " items"]) -> float:
    return float(answers_right(after).mean())
