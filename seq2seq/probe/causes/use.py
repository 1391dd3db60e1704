"""Is the link that a head shows used: by this head, by all heads, by a group of rows together?

Two questions are asked of rows that see the nouns. Are they *needed*: does the answer fall if both
nouns are hidden from them? And are they *followed*: does the answer go over to the other noun if
the rows see each noun in place of the other? Hiding the antecedent alone answers neither: its
attention goes to the other noun, so the cost holds what is lost and what is told wrongly.
"""

from dataclasses import dataclass

from seq2seq.probe.causes.experiment import Effect, Experiment, Trial
from seq2seq.probe.causes.knock_outs import SightOfNouns, sight_by_nouns, sight_of_nouns
from seq2seq.probe.measures.scores import Measure, heads_of, reads_back, stack_and_word


@dataclass(frozen=True)
class Use:
    """What the answer owes to what some rows of some heads see of the nouns.

    Attributes:
        rows: that look: "it", "it + cue", "decision".
        head: that looks; None for all heads.
        gold: the antecedent is hidden from them.
        other: the other noun is.
        both: both are.
        exchanged: they see each noun in place of the other; None where it is the nouns that look.
    """

    rows: str
    head: Measure | None
    gold: Effect
    other: Effect
    both: Effect
    exchanged: Effect | None

    @property
    def needed(self) -> bool:
        """Whether the answer falls if the rows see neither noun."""
        return self.both.matters

    @property
    def followed(self) -> bool:
        """Whether the answer goes over to the other noun if the rows see the nouns exchanged."""
        return self.exchanged is not None and self.exchanged.matters

    @property
    def used(self) -> bool:
        """Whether the rows are needed or followed."""
        return self.needed or self.followed

    @property
    def redirected(self) -> float:
        """What hiding the antecedent costs beyond hiding both, because the other noun is seen."""
        return max(0.0, self.gold.cost.value - self.both.cost.value)

    @property
    def effects(self) -> tuple[Effect, ...]:
        """The antecedent, the other noun and both hidden; and exchanged, if they are."""
        found = (self.gold, self.other, self.both)
        return found if self.exchanged is None else (*found, self.exchanged)


def try_use(
    experiment: Experiment, sight: SightOfNouns, head: Measure | None = None
) -> tuple[Use, tuple[Trial, ...]]:
    """Interfere in four ways with what rows see of the nouns; ``head`` names where they look."""
    known = experiment.knock_outs
    trials = []
    for one in (sight.gold, sight.other, sight.both, sight.exchanged):
        if one is not None:  # what is in the table of all heads is remembered
            trials.append(experiment.trial(known.get(one.name, one) if one.heads is None else one))
    gold, other, both, *rest = experiment.effects(trials)
    return Use(sight.name, head, gold, other, both, rest[0] if rest else None), tuple(trials)


def sight_of_measure(experiment: Experiment, measure: Measure, *, alone: bool) -> SightOfNouns:
    """What the rows of a measure see of the nouns, in its head ``alone`` or in all heads.

    Raises:
        DataError: the route runs through several stacks.
    """
    stack, word = stack_and_word(measure)
    heads = heads_of(experiment.model, measure, stack) if alone else None
    if reads_back(measure.route):
        return sight_by_nouns(word, heads=heads)
    name = word or ("decision" if stack == "cross" else "decision, written")
    return sight_of_nouns(name, stack, lambda one: one.rows_of(word), heads=heads)
