"""What becomes of the answer without the chosen head, and with what it said in another sentence.

The head's whole work is taken away (``mean``: it says the same everywhere; ``uniform``: it looks at
everything alike), or its answer in the pronoun's row is put in from the twin sentence, where the
cue differs and the answer flips (`restored`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from seq2seq.probe.causes.experiment import Effect, Experiment, Trial
from seq2seq.probe.items.placement import (
    PlacedCase,
    batches_of,
    batches_with_inputs,
    inputs_of,
)
from seq2seq.probe.measures.routes import decision_rows, preference
from seq2seq.probe.measures.scores import Measure, heads_of, stack_and_word
from seq2seq.probe.model.interventions import HeadAblation, Patch, Stack
from seq2seq.probe.model.stock_model import StockModel


@dataclass(frozen=True)
class WithoutHead:
    """What taking the chosen head away has shown.

    Attributes:
        measure: the head, or the whole layer where a route has no heads.
        effects: of each ablation.
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


def take_head_away(
    experiment: Experiment, measure: Measure, *, unrelated: Sequence[PlacedCase] = ()
) -> tuple[WithoutHead, tuple[Trial, ...]]:
    """Ablate a head, and patch it.

    Args:
        experiment: an encoder-decoder and its cases.
        measure: a route from one word to the nouns, in one head or in a whole layer.
        unrelated: placed sentences whose answer hangs on no noun, to see what ablation costs there.

    Returns:
        What was found, and each ablation's outcome case by case.

    Raises:
        DataError: the measure is a chain through several stacks.
    """
    model, placed = experiment.model, experiment.placed
    stack, word = stack_and_word(measure)
    heads = heads_of(model, measure, stack)
    ablated = HeadAblation(stack, heads, "mean", _means(model, placed, stack))
    trials = tuple(
        Trial(name, experiment.preferences(also=[operator]))
        for name, operator in (
            ("head ablated (mean)", ablated),
            ("head ablated (uniform)", HeadAblation(stack, heads, "uniform")),
        )
    )
    restored, twins = _patched(model, placed, measure, stack, word)
    elsewhere = None
    if unrelated:
        before = _log_probability(model, unrelated, None)
        elsewhere = float((before - _log_probability(model, unrelated, ablated)).mean())
    return WithoutHead(measure, experiment.effects(trials), restored, twins, elsewhere), trials


def _means(
    model: StockModel, placed: Sequence[PlacedCase], stack: Stack
) -> Float[Tensor, "layers heads dim"]:
    """What each head says on average over the real rows of all cases."""
    total, count = torch.zeros(()), 0
    for _, batch, inputs in batches_with_inputs(model, placed):
        rows = decision_rows(batch)
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
        asked = [
            replace(other, decision=one.decision) for one, other in zip(here, there, strict=True)
        ]
        inputs = inputs_of(model, here)
        at = decision_rows(here)
        clean = preference(model.read(inputs, stacks=(), rows=at), here)
        twin = model.read(inputs_of(model, asked), stacks=(stack,), outputs=True, rows=at)
        rows = torch.zeros(twin.outputs[stack].shape[1:4:2], dtype=torch.bool)
        for number, one in enumerate(here):
            rows[number, list(one.rows_of(word))] = True
        said = twin.outputs[stack][measure.layer, :, measure.head]
        patch = Patch(stack, measure.layer, measure.head, rows, said)
        patched = preference(model.read(inputs, stacks=(), interventions=[patch], rows=at), here)
        moved += float((clean - patched).sum())
        whole += float((clean - preference(twin, asked)).sum())
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
    for numbers, _, inputs in batches_with_inputs(model, placed):
        assert inputs.target_ids is not None
        assert inputs.target_mask is not None
        done = [] if ablation is None else [ablation]
        logits = model.read(inputs, stacks=(), interventions=done).logits
        assert logits is not None
        next_ids, real = inputs.target_ids[:, 1:], inputs.target_mask[:, 1:]
        each = logits[:, :-1].log_softmax(-1).gather(-1, next_ids[..., None])[..., 0]
        found[numbers] = ((each * real).sum(1) / real.sum(1).clamp(min=1)).numpy()
    return found
