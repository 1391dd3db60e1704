"""What the answer hangs on: the searches by knock-out, and the chosen head taken apart."""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Bool
from torch import Tensor

from seq2seq.probe.causes.experiment import Effect, Experiment, Trial, effects_of
from seq2seq.probe.causes.head import USED_COST, HeadVerdict, edge_of, judge_head, matters
from seq2seq.probe.causes.joint_sets import JointSets, search_joint
from seq2seq.probe.causes.knock_outs import KnockOut, readers_of
from seq2seq.probe.items.placement import PlacedCase
from seq2seq.probe.measures.scores import Measure, heads_of, stack_and_word
from seq2seq.probe.statistics.bootstrap import accuracy_of
from seq2seq.probe.statistics.scored_sets import ScoredSets


@dataclass(frozen=True)
class Causes:
    """What knock-outs have shown.

    Attributes:
        effects: of every row and edge, the costliest first.
        readers: of the costliest row that matters, if one does: what hiding it from each reader
            costs, the costliest first.
        joint: sets of knock-outs, where no single one costs much; None, too, where the model is so
            close to chance that there is no answer to take away, or the first set has no
            translations to shrink sets on.
        verdict: of the best single head.
        trials: all outcomes, case by case.
    """

    effects: tuple[Effect, ...] = ()
    readers: tuple[Effect, ...] = ()
    joint: JointSets | None = None
    verdict: HeadVerdict | None = None
    trials: tuple[Trial, ...] = ()


def find_causes(
    experiment: Experiment, scored: ScoredSets, unrelated: Sequence[PlacedCase]
) -> Causes:
    """Search what carries the answer, and take the best head apart.

    Args:
        experiment: the model and the reported set; every case has a decision row.
        scored: the same model's sets.
        unrelated: sentences without a question, to see what ablating the head costs there.

    Returns:
        What was found.
    """
    seed = scored.seed
    trials = search_carrier(experiment)
    effects = costliest_first(experiment, trials, seed=seed)
    readers: tuple[Effect, ...] = ()
    joint = None
    row = row_written(effects)
    if row is not None:
        found = search_readers(experiment, row.name.removesuffix(" off"))
        readers = costliest_first(experiment, found, seed=seed)
        known = {one.name for one in trials}
        trials += tuple(one for one in found if one.name not in known)
    answered = accuracy_of(experiment.intact, experiment.clusters, seed=seed).value - 0.5
    able = scored.dev_scores.preference is not None and answered >= USED_COST
    if able and not any(matters(one) for one in single(effects)):
        joint, sets = search_joint(Experiment(scored.model, scored.dev), experiment, seed=seed)
        trials += sets
    verdict, operators = judge_head(experiment, scored.head.measure, unrelated=unrelated, seed=seed)
    return Causes(effects, readers, joint, verdict, (*trials, *operators))


def costliest_first(
    experiment: Experiment, trials: Sequence[Trial], *, seed: int
) -> tuple[Effect, ...]:
    """Count what knock-outs cost, and order them by it."""
    effects = effects_of(experiment.intact, trials, clusters=experiment.clusters, seed=seed)
    return tuple(sorted(effects, key=lambda one: -one.cost.value))


def single(effects: Sequence[Effect]) -> list[Effect]:
    """Knock-outs of one word; those of the whole clause name none."""
    return [one for one in effects if "clause" not in one.name]


def carrier_of(effects: Sequence[Effect]) -> Effect | None:
    """The costliest knock-out of one word that matters; where none does, the costliest of all.

    One that costs more, but hardly more than the same with other words, says nothing of its word.
    """
    words = single(effects)
    able = [one for one in words if matters(one)]
    return max(able or words, key=lambda one: one.cost.value, default=None)


def row_written(effects: Sequence[Effect]) -> Effect | None:
    """The row whose isolation costs most, among those where it matters."""
    rows = [one for one in effects if one.name.endswith(" off") and matters(one)]
    return max(rows, key=lambda one: one.cost.value, default=None)


def knock_outs_while_translating(
    experiment: Experiment, measure: Measure
) -> list[tuple[KnockOut, Bool[Tensor, "layers heads"] | None]]:
    """Knock-outs of the encoder that can be kept up while the model translates freely.

    Args:
        experiment: an encoder-decoder and its cases.
        measure: the chosen head.

    Returns:
        The pronoun's row, its sight of the gold noun in all heads, and the chosen head's edge
        if that lies in the encoder; each with the heads concerned.
    """
    found: list[tuple[KnockOut, Bool[Tensor, "layers heads"] | None]] = [
        (experiment.knock_outs[name], None)
        for name in ("it off", "it→gold")
        if name in experiment.knock_outs
    ]
    stack, word = stack_and_word(measure)
    if stack == "encoder":
        knock_out = KnockOut("edge→gold, this head", stack, edge_of(measure, word, 0))
        found.append((knock_out, heads_of(experiment.model, measure, stack)))
    return found


def search_carrier(experiment: Experiment) -> tuple[Trial, ...]:
    """Try every knock-out on all cases.

    Args:
        experiment: a model and its cases.

    Returns:
        What came of each.
    """
    return tuple(experiment.trial(knock_out) for knock_out in experiment.knock_outs.values())


def search_readers(experiment: Experiment, word: str) -> tuple[Trial, ...]:
    """Find out who reads what is written in the row of a word.

    Args:
        experiment: a model and its cases.
        word: of the clause.

    Returns:
        For each reader what becomes of the answer if it does not see that row.
    """
    return tuple(
        experiment.trial(knock_out)
        for knock_out in readers_of(experiment.placed, experiment.match, word)
    )
