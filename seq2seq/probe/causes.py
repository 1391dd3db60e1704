"""What the answer hangs on: the searches by knock-out, and the chosen head taken apart."""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Bool
from torch import Tensor

from seq2seq.probe.asked import Asked, Effect, Trial, accuracy_of, effects_of
from seq2seq.probe.carrier import Knock
from seq2seq.probe.causal import USED_COST, Verdict, edge_of, heads_of, judge, looking, matters
from seq2seq.probe.measured import Measured
from seq2seq.probe.placed import Placed
from seq2seq.probe.search import Joint, search_carrier, search_joint, search_readers


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
    joint: Joint | None = None
    verdict: Verdict | None = None
    trials: tuple[Trial, ...] = ()


def find_causes(measured: Measured, unrelated: Sequence[Placed]) -> Causes:
    """Search what carries the answer, and take the best head apart.

    Args:
        measured: an encoder-decoder's sets; every case has a decision row.
        unrelated: sentences without a question, to see what ablating the head costs there.

    Returns:
        What was found.
    """
    asked, seed = measured.asked, measured.seed
    trials = search_carrier(asked)
    effects = costliest_first(asked, trials, seed=seed)
    readers: tuple[Effect, ...] = ()
    joint = None
    row = row_written(effects)
    if row is not None:
        found = search_readers(asked, row.name.removesuffix(" off"))
        readers = costliest_first(asked, found, seed=seed)
        known = {one.name for one in trials}
        trials += tuple(one for one in found if one.name not in known)
    answered = accuracy_of(asked.intact, asked.clusters, seed=seed).value - 0.5
    able = measured.dev_scores.preference is not None and answered >= USED_COST
    if able and not any(matters(one) for one in single(effects)):
        joint, sets = search_joint(Asked(measured.model, measured.dev), asked, seed=seed)
        trials += sets
    verdict, operators = judge(asked, measured.head.measure, unrelated=unrelated, seed=seed)
    return Causes(effects, readers, joint, verdict, (*trials, *operators))


def costliest_first(asked: Asked, trials: Sequence[Trial], *, seed: int) -> tuple[Effect, ...]:
    """Count what knock-outs cost, and order them by it."""
    effects = effects_of(asked.intact, trials, clusters=asked.clusters, seed=seed)
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


def kept_up(measured: Measured) -> list[tuple[Knock, Bool[Tensor, "layers heads"] | None]]:
    """Knock-outs of the encoder that can be kept up while the model translates freely.

    Args:
        measured: an encoder-decoder's sets.

    Returns:
        The pronoun's row, its sight of the gold noun in all heads, and the chosen head's edge
        if that lies in the encoder; each with the heads concerned.
    """
    asked = measured.asked
    found: list[tuple[Knock, Bool[Tensor, "layers heads"] | None]] = [
        (asked.knocks[name], None) for name in ("it off", "it→gold") if name in asked.knocks
    ]
    measure = measured.head.measure
    stack, word = looking(measure)
    if stack == "encoder":
        knock = Knock("edge→gold, this head", stack, edge_of(measure, word, 0))
        found.append((knock, heads_of(measured.model, measure, stack)))
    return found
