"""Is the link that a head shows also used? The chosen head, taken apart.

A head may point at the right noun while the model gets its answer elsewhere: "attends, but is not
used" is a finding. The operators differ in what they take, so each is named: the head's whole work
(``head ablated``); its sight of one noun (``edge→gold``, ``edge→distractor``), in this head or in
all; of a word that draws as much attention (the control); or its answer in the pronoun's row, which
is put in from the twin sentence, where the cue differs and the answer flips (``patched``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from seq2seq.probe.causes.experiment import Effect, Experiment, Trial, effects_of
from seq2seq.probe.causes.knock_outs import Edges, KnockOut
from seq2seq.probe.items.pieces import Rows
from seq2seq.probe.items.placement import PlacedCase, batches_of, inputs_of
from seq2seq.probe.measures.routes import decision_rows, preference
from seq2seq.probe.measures.scores import Measure, heads_of, rows_read, stack_and_word
from seq2seq.probe.model.interventions import HeadAblation, Patch, Stack
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.statistics.bootstrap import SEED

USED_COST, TIMES_CONTROL = 0.2, 3

TRIED = {
    "E→": "it→gold",
    "E↔": "it→gold",
    "Ec→": "cue→gold",
    "X": "decision→gold",
    "D": "decision→written gold",
}
"""Of a route, the knock-out of the carrier search that takes the antecedent from its rows."""


@dataclass(frozen=True)
class HeadVerdict:
    """What taking the chosen head apart has shown.

    Attributes:
        measure: the head, or the whole layer where a route has no heads.
        effects: of each operator.
        restored: of the preference that the twin's patch moves, the share that this head's row
            alone moves; None where there are no twins of equal length.
        twins: pairs that were patched.
        elsewhere: mean fall of the log-probability of the reference's next piece on sentences
            without a question, head ablated, in nats; None where none were given.
    """

    measure: Measure
    effects: tuple[Effect, ...]
    restored: float | None
    twins: int
    elsewhere: float | None

    @property
    def edge(self) -> Effect:
        """The costlier of two losses of the gold noun: in this head, or in all."""
        edges = (one for one in self.effects if one.name.startswith("edge→gold"))
        return max(edges, key=lambda one: one.cost.value)

    @property
    def used(self) -> bool:
        """Whether losing the gold noun costs enough, and much more than losing another word."""
        return any(matters(one) for one in self.effects if one.name.startswith("edge→gold"))


def matters(effect: Effect) -> bool:
    """Whether a knock-out costs enough, and much more than that of other words."""
    control = effect.control.value if effect.control else 0.0
    cost = effect.cost
    return (
        cost.value >= USED_COST and cost.interval.low > 0 and cost.value >= TIMES_CONTROL * control
    )


def judge_head(
    experiment: Experiment,
    measure: Measure,
    *,
    unrelated: Sequence[PlacedCase] = (),
    seed: int = SEED,
) -> tuple[HeadVerdict, tuple[Trial, ...]]:
    """Take a head apart.

    Args:
        experiment: an encoder-decoder and its cases.
        measure: a route from one word to the nouns, in one head or in a whole layer.
        unrelated: placed sentences whose answer hangs on no noun, to see what ablation costs there.
        seed: of the intervals.

    Returns:
        What was found, and each operator's outcome case by case.

    Raises:
        DataError: the measure is a chain through several stacks, which no single edge carries.
    """
    model, placed = experiment.model, experiment.placed
    stack, rows = stack_and_word(measure)
    heads = heads_of(model, measure, stack)
    control = KnockOut("", stack, _control(measure, experiment))
    trials = []
    for where, which in (("this head", heads), ("all heads", None)):
        control_after = experiment.preferences(control, heads=which)
        for noun, name in enumerate(("gold", "distractor")):
            edges = edge_of(measure, rows, noun)
            tried = experiment.knock_outs.get(TRIED.get(measure.route, ""))
            if which is None and noun == 0 and tried is not None:
                edges = tried.edges  # the same, whose answers are remembered
            knock_out = KnockOut(f"edge→{name}, {where}", stack, edges)
            trials.append(
                Trial(knock_out.name, experiment.preferences(knock_out, heads=which), control_after)
            )
    ablated = HeadAblation(stack, heads, "mean", _means(model, placed, stack))
    for name, operator in (
        ("head ablated (mean)", ablated),
        ("head ablated (uniform)", HeadAblation(stack, heads, "uniform")),
    ):
        trials.append(Trial(name, experiment.preferences(also=[operator])))
    effects = effects_of(experiment.intact, trials, clusters=experiment.clusters, seed=seed)
    restored, twins = _patched(model, placed, measure, stack, rows)
    elsewhere = None
    if unrelated:
        before = _log_probability(model, unrelated, None)
        elsewhere = float((before - _log_probability(model, unrelated, ablated)).mean())
    return HeadVerdict(measure, effects, restored, twins, elsewhere), tuple(trials)


def edge_of(measure: Measure, word: str, noun: int) -> Edges:
    """What a measure reads: from its word (or the decision row) to one of the nouns, gold first."""

    def edges(one: PlacedCase) -> tuple[Rows, Rows]:
        target = one.nouns[noun]
        if measure.route == "D" and one.decision is not None and one.decision.nouns is not None:
            target = one.decision.nouns[noun]
        rows = rows_read(word, one)
        return (target, rows) if measure.route == "E←" else (rows, target)

    return edges


def _control(measure: Measure, experiment: Experiment) -> Edges:
    """Another word that draws as much, as for the same knock-out in all heads."""
    stack, word = stack_and_word(measure)
    if measure.route == "E←":
        return experiment.match.noun(word)
    if word:
        control = experiment.knock_outs[f"{word}→gold"].control
        assert control is not None  # it has a match
        return control
    return experiment.match.cross if stack == "cross" else experiment.match.written


def _means(
    model: StockModel, placed: Sequence[PlacedCase], stack: Stack
) -> Float[Tensor, "layers heads dim"]:
    """What each head says on average over the real rows of all cases."""
    total, count = torch.zeros(()), 0
    for numbers in batches_of(model, placed):
        batch = [placed[number] for number in numbers]
        inputs, rows = inputs_of(model, batch), decision_rows(batch)
        said = model.read(inputs, stacks=(stack,), outputs=True, rows=rows).outputs[stack]
        mask = inputs.source_mask if stack == "encoder" else inputs.target_mask
        assert mask is not None  # encoder-decoders have both
        total = total + torch.einsum("lbhqd,bq->lhd", said, mask.float())
        count += int(mask.sum())
    return total / count


def _patched(
    model: StockModel, placed: Sequence[PlacedCase], measure: Measure, stack: Stack, word: str
) -> tuple[float | None, int]:
    """Put the twin's output of the head into its row, and see how far the preference moves over.

    Source: Wang et al. 2023, section 3 (path patching), for one head and row.
    """
    if measure.layer is None or measure.head is None:
        return None, 0
    twins = _twins(placed)
    if not twins:
        return None, 0
    ones, others = [one for one, _ in twins], [other for _, other in twins]
    moved, whole = 0.0, 0.0
    for numbers in batches_of(model, ones):
        here, there = [ones[n] for n in numbers], [others[n] for n in numbers]
        # The twin's sentence with this one's answers: both are asked the same question.
        experiment = [
            replace(other, decision=one.decision) for one, other in zip(here, there, strict=True)
        ]
        inputs = inputs_of(model, here)
        at = decision_rows(here)
        clean = preference(model.read(inputs, stacks=(), rows=at), here)
        twin = model.read(inputs_of(model, experiment), stacks=(stack,), outputs=True, rows=at)
        rows = torch.zeros(twin.outputs[stack].shape[1:4:2], dtype=torch.bool)
        for number, one in enumerate(here):
            rows[number, list(rows_read(word, one))] = True
        said = twin.outputs[stack][measure.layer, :, measure.head]
        patch = Patch(stack, measure.layer, measure.head, rows, said)
        patched = preference(model.read(inputs, stacks=(), interventions=[patch], rows=at), here)
        moved += float((clean - patched).sum())
        whole += float((clean - preference(twin, experiment)).sum())
    return moved / whole if whole else None, len(twins)


def _twins(placed: Sequence[PlacedCase]) -> list[tuple[PlacedCase, PlacedCase]]:
    """Pairs that differ in the cue and are of the same length, both ways round."""
    by_pair: dict[str, list[PlacedCase]] = {}
    for one in placed:
        by_pair.setdefault(one.case.pair or one.case.id, []).append(one)
    return [
        both
        for members in by_pair.values()
        if len(members) == 2 and len(members[0].source.ids) == len(members[1].source.ids)
        for both in ((members[0], members[1]), (members[1], members[0]))
    ]


def _log_probability(
    model: StockModel, placed: Sequence[PlacedCase], ablation: HeadAblation | None
) -> Float[np.ndarray, " items"]:
    """Mean log-probability of the pieces of each prefix."""
    found = np.zeros(len(placed))
    for numbers in batches_of(model, placed):
        inputs = inputs_of(model, [placed[number] for number in numbers])
        assert inputs.target_ids is not None
        assert inputs.target_mask is not None
        done = [] if ablation is None else [ablation]
        logits = model.read(inputs, stacks=(), interventions=done).logits
        assert logits is not None
        next_ids, real = inputs.target_ids[:, 1:], inputs.target_mask[:, 1:]
        each = logits[:, :-1].log_softmax(-1).gather(-1, next_ids[..., None])[..., 0]
        found[numbers] = ((each * real).sum(1) / real.sum(1).clamp(min=1)).numpy()
    return found
