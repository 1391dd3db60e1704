"""What the answer hangs on: searched on the set to choose on, confirmed on the reported one."""

from collections.abc import Sequence
from dataclasses import dataclass

from seq2seq.probe.causes.experiment import MATTERS, Effect, Experiment, Trial
from seq2seq.probe.causes.head import WithoutHead, take_head_away
from seq2seq.probe.causes.joint_sets import JointSets, group_that_sees, search_joint
from seq2seq.probe.causes.knock_outs import (
    ALL_WORDS,
    KnockOut,
    readers_of,
    sight_of_words,
    words_of,
)
from seq2seq.probe.causes.use import Use, sight_of_measure, try_use
from seq2seq.probe.items.placement import PlacedCase
from seq2seq.probe.measures.accuracy import answers_right
from seq2seq.probe.measures.scores import Measure, stack_and_word
from seq2seq.probe.statistics.scored_sets import ScoredSets
from seq2seq.score.cluster_sample import draw_clusters

MOST_SEARCHED = 200
"""Items of the set to choose on that are searched; all of the reported set are reported."""

TOLD = ("→nouns", "→gold", "→other")
"""Ends of knock-outs that hide a noun from a row: the loss of a content is no loss of a choice."""


@dataclass(frozen=True)
class Carrier:
    """The knock-out of one word that costs most, chosen on one set and reported on another.

    Attributes:
        chosen: what it costs on the set that it was chosen on: the most of all, so too much.
        found: what it costs on the reported set.
    """

    chosen: Effect
    found: Effect

    @property
    def confirmed(self) -> bool:
        """Whether it costs much on both sets, and much more than the same with other words."""
        return self.chosen.matters and self.found.matters


@dataclass(frozen=True)
class Causes:
    """What knock-outs have shown, on the reported set.

    Attributes:
        effects: of every row and edge, the costliest first.
        carrier: the one chosen on the other set; None where that has no translations.
        readers: if the carrier is a row: what hiding it from each reader costs, the costliest
            first.
        joint: sets of knock-outs, where no single one carries the answer; None, too, where the
            model is so close to chance that there is no answer to take away.
        by_head: what the answer owes to the best single head; by_all_heads: to all heads in the
            same rows; by_group: to the rows that see the nouns together, in all heads.
        group: the words of those rows, found on the other set; empty where all words together cost
            little there, so that `by_group` is of all of them.
        without_head: the best single head taken away.
        trials: all outcomes, case by case.
    """

    effects: tuple[Effect, ...] = ()
    carrier: Carrier | None = None
    readers: tuple[Effect, ...] = ()
    joint: JointSets | None = None
    by_head: Use | None = None
    by_all_heads: Use | None = None
    by_group: Use | None = None
    group: tuple[str, ...] = ()
    without_head: WithoutHead | None = None
    trials: tuple[Trial, ...] = ()

    @property
    def redundant(self) -> bool:
        """Whether several rows are used together, and none of them in that way by itself."""
        if self.by_group is None or len(self.group) < 2:
            return False
        how = "→nouns" if self.by_group.needed else "⇄nouns"
        alone = {one.name for one in self.effects if one.matters}
        return not any(f"{word}{how}" in alone for word in self.group)


def find_causes(
    experiment: Experiment, scored: ScoredSets, unrelated: Sequence[PlacedCase]
) -> Causes:
    """Search what carries the answer, and whether it hangs on the best head and on others.

    ``unrelated`` are sentences without a question, on which ablating the head should cost nothing.
    """
    trials = [experiment.trial(one) for one in experiment.knock_outs.values()]
    effects = _costliest_first(experiment.effects(trials))
    select = _to_search(scored)
    carrier = None if select is None else _carrier(select, effects)
    readers: tuple[Effect, ...] = ()
    joint = None
    if carrier is not None and carrier.confirmed and carrier.found.name.endswith(" off"):
        word = carrier.found.name.removesuffix(" off")
        found = [experiment.trial(one) for one in readers_of(experiment.placed, word)]
        readers = _costliest_first(experiment.effects(found))
        trials += found
    answered = answers_right(experiment.intact).mean() - 0.5 >= MATTERS
    if carrier is not None and select is not None and not carrier.confirmed and answered:
        joint, sets = search_joint(select, experiment)
        trials += sets
    measure = scored.head.measure
    by_head, of_head = try_use(
        experiment, sight_of_measure(experiment, measure, alone=True), measure
    )
    by_all, of_all = try_use(experiment, sight_of_measure(experiment, measure, alone=False))
    group = () if select is None or not answered else group_that_sees(select)
    sight = sight_of_words(group or words_of(experiment.placed), "" if group else ALL_WORDS)
    by_group, of_group = try_use(experiment, sight)
    without, ablations = take_head_away(experiment, measure, unrelated=unrelated)
    every = (*trials, *of_head, *of_all, *of_group, *ablations)
    return Causes(
        effects, carrier, readers, joint, by_head, by_all, by_group, group, without,
        tuple({one.name: one for one in every}.values()),
    )  # fmt: skip


def knock_outs_while_translating(experiment: Experiment, measure: Measure) -> list[KnockOut]:
    """Knock-outs of the encoder that can be kept up while the model translates freely.

    The pronoun's row, its sight of the nouns in all heads, hidden and exchanged, and the chosen
    head's if that lies in the encoder.
    """
    names = ("it off", "it→nouns", "it⇄nouns")
    found = [experiment.knock_outs[name] for name in names if name in experiment.knock_outs]
    if stack_and_word(measure)[0] == "encoder":
        found.append(sight_of_measure(experiment, measure, alone=True).both)
    return found


def _to_search(scored: ScoredSets) -> Experiment | None:
    """The set to choose on, or whole clusters of it; None where it has no translations."""
    if scored.dev_scores.preference is None:
        return None
    clusters = [one.case.cluster for one in scored.dev]
    rows = draw_clusters(clusters, MOST_SEARCHED, seed=scored.seed)
    return Experiment(scored.model, [scored.dev[row] for row in rows])


def _carrier(select: Experiment, effects: Sequence[Effect]) -> Carrier | None:
    """The costliest knock-out of the set to choose on that takes a choice away.

    One that costs more, but hardly more than the same with other words, says nothing of its word;
    it is chosen only where there is no better.
    """
    reported = {one.name: one for one in effects}
    names = [name for name in select.knock_outs if name in reported and not name.endswith(TOLD)]
    tried = select.effects([select.trial(select.knock_outs[name]) for name in names])
    able = [one for one in tried if one.matters]
    chosen = max(able or tried, key=_lost, default=None)
    return None if chosen is None else Carrier(chosen, reported[chosen.name])


def _lost(effect: Effect) -> float:
    """What is lost of the answer; who is told the wrong noun loses twice what is not known."""
    return effect.cost.value / (2 if "⇄" in effect.name else 1)


def _costliest_first(effects: Sequence[Effect]) -> tuple[Effect, ...]:
    return tuple(sorted(effects, key=lambda one: -one.cost.value))
