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
from jaxtyping import Bool, Float
from torch import Tensor

from seq2seq.errors import DataError
from seq2seq.probe.access import StockModel
from seq2seq.probe.carrier import Edges, Effect, Knock, Match, effect_of, preferences
from seq2seq.probe.intervention import HeadAblation, Patch, Stack
from seq2seq.probe.placed import Placed, inputs_of
from seq2seq.probe.resampling import SEED
from seq2seq.probe.routes import BATCH, preference
from seq2seq.probe.selection import Measure
from seq2seq.probe.spans import Rows

USED_COST, TIMES_CONTROL = 0.2, 3


@dataclass(frozen=True)
class Verdict:
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
    def used(self) -> bool:
        """Whether losing the gold noun costs enough, and much more than losing another word."""
        return any(_matters(one) for one in self.effects if one.name.startswith("edge→gold"))


def _matters(effect: Effect) -> bool:
    control = effect.control.value if effect.control else 0.0
    cost = effect.cost
    return (
        cost.value >= USED_COST and cost.interval.low > 0 and cost.value >= TIMES_CONTROL * control
    )


def judge(
    model: StockModel,
    placed: Sequence[Placed],
    measure: Measure,
    *,
    unrelated: Sequence[Placed] = (),
    seed: int = SEED,
) -> Verdict:
    """Take a head apart.

    Args:
        model: an encoder-decoder.
        placed: cases with a decision row.
        measure: a route from one word to the nouns, in one head or in a whole layer.
        unrelated: placed sentences whose answer hangs on no noun, to see what ablation costs there.
        seed: of the intervals.

    Returns:
        What was found.

    Raises:
        DataError: the measure is a chain through several stacks, which no single edge carries.
    """
    stack, rows = _looking(measure)
    heads = _heads_of(model, measure, stack)
    match = Match.of(model, placed)
    clusters = tuple(one.case.cluster for one in placed)
    intact = preferences(model, placed, None)
    control = _control(measure, match)
    effects = []
    for where, which in (("this head", heads), ("all heads", None)):
        beside = preferences(model, placed, Knock("", stack, control), heads=which)
        for noun, name in enumerate(("gold", "distractor")):
            knock = Knock(f"edge→{name}, {where}", stack, _edge(measure, rows, noun))
            after = preferences(model, placed, knock, heads=which)
            effects.append(
                effect_of(knock.name, intact, after, beside, clusters=clusters, seed=seed)
            )
    ablated = HeadAblation(stack, heads, "mean", _means(model, placed, stack))
    for name, operator in (
        ("head ablated (mean)", ablated),
        ("head ablated (uniform)", HeadAblation(stack, heads, "uniform")),
    ):
        after = preferences(model, placed, None, also=[operator])
        effects.append(effect_of(name, intact, after, None, clusters=clusters, seed=seed))
    restored, twins = _patched(model, placed, measure, stack, rows)
    elsewhere = None
    if unrelated:
        before = _log_probability(model, unrelated, None)
        elsewhere = float((before - _log_probability(model, unrelated, ablated)).mean())
    return Verdict(measure, tuple(effects), restored, twins, elsewhere)


def _looking(measure: Measure) -> tuple[Stack, str]:
    """The stack of a route, and the word whose row it reads."""
    match measure.route:
        case "E→" | "E↔" | "E←":
            return "encoder", "it"
        case "Ec→":
            return "encoder", "cue"
        case "X" | "X+":
            return "cross", ""
        case "D":
            return "decoder", ""
        case _:
            raise DataError(
                f"probe: route {measure.route!r} runs through several stacks, needed one of E→, "
                "E←, E↔, Ec→, X, X+, D; judge one of its links"
            )


def _heads_of(model: StockModel, measure: Measure, stack: Stack) -> Bool[Tensor, "layers heads"]:
    chosen = torch.zeros(model.depth[stack], model.heads[stack], dtype=torch.bool)
    layer = slice(None) if measure.layer is None else measure.layer
    chosen[layer, slice(None) if measure.head is None else measure.head] = True
    return chosen


def _edge(measure: Measure, word: str, noun: int) -> Edges:
    def edges(one: Placed) -> tuple[Rows, Rows]:
        target = one.nouns[noun]
        if measure.route == "D" and one.decision is not None and one.decision.nouns is not None:
            target = one.decision.nouns[noun]
        rows = _rows(measure, word, one)
        return (target, rows) if measure.route == "E←" else (rows, target)

    return edges


def _rows(measure: Measure, word: str, one: Placed) -> Rows:
    if word:
        return one.words[word]
    assert one.decision is not None  # judge is given such cases
    return (one.decision.row + (measure.route == "X+"),)


def _control(measure: Measure, match: Match) -> Edges:
    stack, word = _looking(measure)
    if word:
        return match.gold(word)
    return match.cross if stack == "cross" else match.written


def _means(
    model: StockModel, placed: Sequence[Placed], stack: Stack
) -> Float[Tensor, "layers heads dim"]:
    """What each head says on average over the real rows of all cases."""
    total, count = torch.zeros(()), 0
    for start in range(0, len(placed), BATCH):
        inputs = inputs_of(model, placed[start : start + BATCH])
        said = model.read(inputs, stacks=(stack,), outputs=True).outputs[stack]
        mask = inputs.source_mask if stack == "encoder" else inputs.target_mask
        assert mask is not None  # encoder-decoders have both
        total = total + torch.einsum("lbhqd,bq->lhd", said, mask.float())
        count += int(mask.sum())
    return total / count


def _patched(
    model: StockModel, placed: Sequence[Placed], measure: Measure, stack: Stack, word: str
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
    for start in range(0, len(twins), BATCH):
        here, there = ones[start : start + BATCH], others[start : start + BATCH]
        # The twin's sentence with this one's answers: both are asked the same question.
        asked = [
            replace(other, decision=one.decision) for one, other in zip(here, there, strict=True)
        ]
        inputs = inputs_of(model, here)
        clean = preference(model.read(inputs, stacks=()), here)
        twin = model.read(inputs_of(model, asked), stacks=(stack,), outputs=True)
        rows = torch.zeros(twin.outputs[stack].shape[1:4:2], dtype=torch.bool)
        for number, one in enumerate(here):
            rows[number, list(_rows(measure, word, one))] = True
        said = twin.outputs[stack][measure.layer, :, measure.head]
        patch = Patch(stack, measure.layer, measure.head, rows, said)
        patched = preference(model.read(inputs, stacks=(), interventions=[patch]), here)
        moved += float((clean - patched).sum())
        whole += float((clean - preference(twin, asked)).sum())
    return moved / whole if whole else None, len(twins)


def _twins(placed: Sequence[Placed]) -> list[tuple[Placed, Placed]]:
    """Pairs that differ in the cue and are of the same length, both ways round."""
    by_pair: dict[str, list[Placed]] = {}
    for one in placed:
        by_pair.setdefault(one.case.pair or one.case.id, []).append(one)
    return [
        both
        for members in by_pair.values()
        if len(members) == 2 and len(members[0].source.ids) == len(members[1].source.ids)
        for both in ((members[0], members[1]), (members[1], members[0]))
    ]


def _log_probability(
    model: StockModel, placed: Sequence[Placed], ablation: HeadAblation | None
) -> Float[np.ndarray, " items"]:
    """Mean log-probability of the pieces of each prefix."""
    found = []
    for start in range(0, len(placed), BATCH):
        inputs = inputs_of(model, placed[start : start + BATCH])
        assert inputs.target_ids is not None
        assert inputs.target_mask is not None
        done = [] if ablation is None else [ablation]
        logits = model.read(inputs, stacks=(), interventions=done).logits
        assert logits is not None
        next_ids, real = inputs.target_ids[:, 1:], inputs.target_mask[:, 1:]
        each = logits[:, :-1].log_softmax(-1).gather(-1, next_ids[..., None])[..., 0]
        found.append(((each * real).sum(1) / real.sum(1).clamp(min=1)).numpy())
    return np.concatenate(found)
