"""Asking a model the same questions again with something knocked out, and counting what that costs.

A cost is counted in decisions: the share of items in which the model still prefers the good
translation. What does not change is kept: the encoder runs again only if something in it is knocked
out, and nothing is asked twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from seq2seq.probe.causes.knock_outs import PRONOUN, KnockOut, intervention_of, knock_outs_of
from seq2seq.probe.causes.matched_words import MatchedWords, has_words
from seq2seq.probe.items.placement import PlacedCase, batches_with_inputs
from seq2seq.probe.measures.accuracy import answers_right
from seq2seq.probe.measures.routes import decision_rows, preference
from seq2seq.probe.model.interventions import Intervention
from seq2seq.probe.model.reading import Encoded, Inputs
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.statistics.bootstrap import Estimate
from seq2seq.probe.statistics.two_way import Dependence, differences, holm, shares

WORTH_CONTROL = 0.02  # a smaller cost needs no control, except for the pronoun's own
MATTERS, TIMES_CONTROL = 0.2, 3  # the least cost that says something, alone and to its control
ENOUGH_CONTROLS = 1 / 3  # of the items, to compare with


@dataclass(frozen=True)
class Trial:
    """What the model prefers with something knocked out, case by case.

    Attributes:
        name: of the knock-out.
        after: preference for the good translation, in nats.
        control: the same with matched other words knocked out, not a number in cases without a
            match; None where there is next to nothing to compare with.
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
        control: the same cost for matched other words; None where none was tried, or too few items
            have a match.
        matched: share of items that have one; None where none was tried.
        p: of the cost against none, as one of all in its table (Holm).
        change: mean fall of the preference, in nats.
    """

    name: str
    accuracy: Estimate
    cost: Estimate
    control: Estimate | None
    matched: float | None
    p: float
    change: float

    @property
    def matters(self) -> bool:
        """Whether it costs much, and much more than the same with other words if there are some."""
        control = self.control.value if self.control else 0.0
        return (
            self.cost.value >= MATTERS
            and self.cost.interval.low > 0
            and self.cost.value >= TIMES_CONTROL * control
        )


class Experiment:
    """A model and the cases it is asked, ready to be asked again with something knocked out.

    Attributes:
        model: an encoder-decoder.
        placed: cases with a decision row.
        dependence: of the cases.
    """

    def __init__(self, model: StockModel, placed: Sequence[PlacedCase]):
        self.model = model
        self.placed = placed
        self.dependence = Dependence.of([one.case for one in placed])
        self.match = MatchedWords(model, placed)
        self._answers: dict[tuple[KnockOut, ...], Float[np.ndarray, " items"]] = {}

    @cached_property
    def knock_outs(self) -> dict[str, KnockOut]:
        """Everything that is tried with all cases, by name."""
        return knock_outs_of(self.placed)

    @cached_property
    def intact(self) -> Float[np.ndarray, " items"]:
        """Preference of the untouched model."""
        return self.preferences()

    def preferences(
        self, *knock_outs: KnockOut, also: Sequence[Intervention] = ()
    ) -> Float[np.ndarray, " items"]:
        """Preference for the good translation, in nats, with some things knocked out at once.

        ``also`` are interventions that do not depend on the case.
        """
        if also:
            return self._ask(knock_outs, also)
        if knock_outs not in self._answers:
            self._answers[knock_outs] = self._ask(knock_outs, ())
        return self._answers[knock_outs]

    def trial(self, *knock_outs: KnockOut) -> Trial:
        """Try knock-outs at once, and their controls if there is a cost to compare with."""
        name = " + ".join(one.name for one in knock_outs)
        after = self.preferences(*knock_outs)
        cost = float((answers_right(self.intact) - answers_right(after)).mean())
        if abs(cost) < WORTH_CONTROL and name not in PRONOUN:
            return Trial(name, after)
        controls = self.match.control(*knock_outs)
        with_match = np.array([has_words(controls[0], one) for one in self.placed])
        if not with_match.any():
            return Trial(name, after, np.full(len(self.placed), np.nan))
        return Trial(name, after, np.where(with_match, self.preferences(*controls), np.nan))

    def effects(self, trials: Sequence[Trial]) -> tuple[Effect, ...]:
        """Count what knock-outs of these cases cost, in their order."""
        return effects_of(self.intact, trials, self.dependence)

    def _ask(
        self, knock_outs: Sequence[KnockOut], also: Sequence[Intervention]
    ) -> Float[np.ndarray, " items"]:
        found = np.empty(len(self.placed))
        for numbers, batch, inputs, encoded in self._batches:
            done = [*also, *(intervention_of(one, batch, inputs) for one in knock_outs)]
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
    def _batches(self) -> list[tuple[list[int], list[PlacedCase], Inputs, Encoded]]:
        return [
            (numbers, batch, inputs, self.model.encode(inputs))
            for numbers, batch, inputs in batches_with_inputs(self.model, self.placed)
        ]


def effects_of(
    intact: Float[np.ndarray, " items"], trials: Sequence[Trial], dependence: Dependence
) -> tuple[Effect, ...]:
    """Count what knock-outs cost, in their order; p-values are corrected for their number."""
    if not trials:
        return ()
    before = answers_right(intact)
    now = np.stack([answers_right(one.after) for one in trials])
    accuracies, costs = shares(now, dependence), differences(before - now, dependence)
    p = holm([one.p for one in costs])
    return tuple(
        Effect(
            one.name,
            accuracies[number],
            costs[number].estimate,
            _control(before, one, dependence),
            None if one.control is None else float(np.isfinite(one.control).mean()),
            p[number],
            float((intact - one.after).mean()),
        )
        for number, one in enumerate(trials)
    )


def _control(
    before: Float[np.ndarray, " items"], trial: Trial, dependence: Dependence
) -> Estimate | None:
    """What matched words cost in the items that have some; None if those are too few."""
    if trial.control is None:
        return None
    rows = np.flatnonzero(np.isfinite(trial.control))
    part = dependence.part(rows)
    if len(rows) < ENOUGH_CONTROLS * len(before) or len(set(part.clusters)) < 2:
        return None
    cost = before[rows] - answers_right(trial.control[rows])
    return differences(cost[None], part)[0].estimate
