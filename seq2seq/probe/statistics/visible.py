"""Does attention show the antecedent better than every rule that looks at no attention?

Half is chance only where nothing but the cue tells the nouns apart. In a set whose first noun is
right in three of four items, "the first one" is right there, and so is a head of random weights
that likes the beginning. So the chosen measure is held, item by item, against the best such rule of
the very set that is reported; a rule that is reliably wrong knows as much as one that is right.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from seq2seq.probe.measures.scores import Measure
from seq2seq.probe.statistics.bootstrap import Estimate
from seq2seq.probe.statistics.selection import ALPHA, Choice, Sign
from seq2seq.probe.statistics.two_way import Dependence, differences, shares


@dataclass(frozen=True)
class Visible:
    """How often a chosen measure points at its noun, beside the best rule without attention.

    Attributes:
        measure: chosen on other items.
        sign: of the choice; with -1 it is the other noun that counts as right.
        items: how many.
        accuracy: share of items right.
        rule: the name of the best rule on these items.
        rule_accuracy: what it has right.
        gain: how much more the measure has right than the rule.
        p: of the gain against none; of this one measure, which was frozen before.
    """

    measure: Measure
    sign: Sign
    items: int
    accuracy: Estimate
    rule: str
    rule_accuracy: float
    gain: Estimate
    p: float

    @property
    def shown(self) -> bool:
        """Whether the measure is right more often than by chance and than the best rule."""
        return self.accuracy.interval.low > 0.5 and self.gain.value > 0 and self.p <= ALPHA


def visible(
    choice: Choice,
    right: Float[np.ndarray, " items"],
    rules: Mapping[str, Float[np.ndarray, " items"]],
    dependence: Dependence,
) -> Visible:
    """Hold a choice, made on other items, against the best rule of a set.

    ``right`` is 1 where the choice is right, as its sign says, a half for a tie; ``rules`` hold
    the same of rules that look at no attention, by name.
    """
    either = {name: one if one.mean() >= 0.5 else 1 - one for name, one in rules.items()}
    rule = max(either, key=lambda name: either[name].mean())
    (accuracy,) = shares(right[None], dependence)
    (gain,) = differences((right - either[rule])[None], dependence)
    return Visible(
        choice.measure, choice.sign, len(right), accuracy, rule, float(either[rule].mean()),
        gain.estimate, gain.p,
    )  # fmt: skip
