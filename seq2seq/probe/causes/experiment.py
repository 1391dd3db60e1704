"""Asking a model the same questions again with something knocked out, and counting what that costs.

A cost is counted in decisions: the share of items in which the model still prefers the good
translation. What does not change is kept: the encoder runs again only if something in it is knocked
out, and a control that many knock-outs share is tried once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

from seq2seq.probe.causes.knock_outs import (
    PRONOUN,
    KnockOut,
    MatchedWords,
    control_of,
    edges_of,
    knock_outs_of,
)
from seq2seq.probe.items.placement import PlacedCase, batches_of, inputs_of
from seq2seq.probe.measures.accuracy import answers_right
from seq2seq.probe.measures.routes import decision_rows, preference
from seq2seq.probe.model.interventions import BlockedEdges, Intervention
from seq2seq.probe.model.reading import Encoded, Inputs
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.statistics.bootstrap import SEED, Estimate, cluster_bootstrap

WORTH_CONTROL = 0.02  # a smaller cost needs no control, except for the pronoun's own


@dataclass(frozen=True)
class Trial:
    """What the model prefers with something knocked out, case by case.

    Attributes:
        name: of the knock-out.
        after: preference for the good translation, in nats.
        control: the same with matched other words knocked out; None where there is no match, or
            next to nothing to compare with.
    """

    name: str
    after: Float[np.ndarray, " items"]
    control: Float[np.ndarray, " items"] | None = None


@dataclass(frozen=True)
class Effect:
    """What an intervention costs.

    Attributes:
        name: what was taken away.
        accuracy: share of items in which the good translation is still preferred.
        cost: how much of the accuracy is gone.
        control: the same cost for matched other words; None where none was tried.
        change: mean fall of the preference, in nats.
    """

    name: str
    accuracy: Estimate
    cost: Estimate
    control: Estimate | None
    change: float


class Experiment:
    """A model and the cases it is asked, ready to be asked again with something knocked out.

    Attributes:
        model: an encoder-decoder.
        placed: cases with a decision row.
        clusters: of the cases.
    """

    def __init__(self, model: StockModel, placed: Sequence[PlacedCase]):
        self.model = model
        self.placed = placed
        self.clusters = tuple(one.case.cluster for one in placed)
        self._answers: dict[tuple[object, ...], Float[np.ndarray, " items"]] = {}

    @cached_property
    def match(self) -> MatchedWords:
        """Other words of the cases by how much attention they draw."""
        return MatchedWords.of(self.model, self.placed)

    @cached_property
    def knock_outs(self) -> dict[str, KnockOut]:
        """Everything that is tried with all cases, by name."""
        return {one.name: one for one in knock_outs_of(self.placed, self.match)}

    @cached_property
    def intact(self) -> Float[np.ndarray, " items"]:
        """Preference of the untouched model."""
        return self.preferences()

    def preferences(
        self,
        *knock_outs: KnockOut,
        heads: Bool[Tensor, "layers heads"] | None = None,
        also: Sequence[Intervention] = (),
    ) -> Float[np.ndarray, " items"]:
        """Preference for the good translation with something knocked out.

        Args:
            knock_outs: what is knocked out, all at once.
            heads: where; None for all.
            also: interventions that do not depend on the case.

        Returns:
            In nats, for each case.
        """
        key = tuple((one.stack, one.edges, one.off) for one in knock_outs)
        if heads is not None or also:
            return self._ask(knock_outs, heads, also)
        if key not in self._answers:  # many knock-outs share a control
            self._answers[key] = self._ask(knock_outs, None, ())
        return self._answers[key]

    def trial(self, knock_out: KnockOut) -> Trial:
        """Try a knock-out, and its control if it has one and there is a cost to compare with."""
        after, control = self.preferences(knock_out), control_of(knock_out)
        cost = float((answers_right(self.intact) - answers_right(after)).mean())
        if control is None or (abs(cost) < WORTH_CONTROL and knock_out.name not in PRONOUN):
            return Trial(knock_out.name, after)
        return Trial(knock_out.name, after, self.preferences(control))

    def _ask(
        self,
        knock_outs: Sequence[KnockOut],
        heads: Bool[Tensor, "layers heads"] | None,
        also: Sequence[Intervention],
    ) -> Float[np.ndarray, " items"]:
        found = np.empty(len(self.placed))
        for numbers, inputs, encoded in self._batches:
            batch = [self.placed[number] for number in numbers]
            done = [*also]
            done += [
                BlockedEdges(one.stack, edges_of(one, batch, inputs), heads) for one in knock_outs
            ]
            anew = any(one.stack == "encoder" for one in done)
            reading = self.model.read(
                inputs,
                stacks=(),
                interventions=done,
                encoded=None if anew else encoded,
                rows=decision_rows(batch),
            )
            found[numbers] = preference(reading, batch).numpy()
        return found

    @cached_property
    def _batches(self) -> list[tuple[list[int], Inputs, Encoded]]:
        found = []
        for numbers in batches_of(self.model, self.placed):
            inputs = inputs_of(self.model, [self.placed[number] for number in numbers])
            found.append((numbers, inputs, self.model.encode(inputs)))
        return found


def effects_of(
    intact: Float[np.ndarray, " items"],
    trials: Sequence[Trial],
    *,
    clusters: Sequence[str],
    seed: int = SEED,
) -> tuple[Effect, ...]:
    """Count what knock-outs cost; all intervals come from the same draws.

    Args:
        intact: preferences of the untouched model.
        trials: preferences with each knock-out.
        clusters: of the items.
        seed: of the intervals.

    Returns:
        The effects, in the order of the trials.
    """
    if not trials:
        return ()
    before = answers_right(intact)
    rows = []
    for one in trials:
        now = answers_right(one.after)
        rows += [now, before - now]
        rows.append(before - (before if one.control is None else answers_right(one.control)))
    figures = cluster_bootstrap(np.stack(rows), clusters, seed=seed)
    return tuple(
        Effect(
            one.name,
            figures[3 * number],
            figures[3 * number + 1],
            None if one.control is None else figures[3 * number + 2],
            float((intact - one.after).mean()),
        )
        for number, one in enumerate(trials)
    )
