"""Takes down what the heads of a model do during one pass, and interferes where it is told to.

For each layer the model's own written-out attention is called. Blocked edges go in before it, by
way of the mask; columns are exchanged, heads ablated and patched in what comes out.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from seq2seq.errors import ModelError
from seq2seq.probe.model.anatomy import Anatomy, output_slices
from seq2seq.probe.model.attention_function import for_each_head, stock_attention
from seq2seq.probe.model.interventions import (
    BlockedEdges,
    ExchangedColumns,
    HeadAblation,
    Intervention,
    Patch,
    Stack,
)

Quantity = Literal["maps", "values", "outputs"]


class Recorder:
    """The attention function of one pass, and its notes.

    Attributes:
        notes: Of each layer that has attended, per quantity and stack.
        weights: The maps as the model computed them, still part of its graph.
    """

    def __init__(
        self,
        anatomy: Anatomy,
        *,
        stacks: Sequence[Stack],
        quantities: Sequence[Quantity],
        interventions: Sequence[Intervention],
    ):
        self.anatomy = anatomy
        self.interventions = interventions
        self.met: dict[Stack, int] = dict.fromkeys(anatomy.depth, 0)
        self.weights: dict[Stack, list[Tensor]] = {stack: [] for stack in stacks}
        self.notes: dict[Quantity, dict[Stack, list[Tensor]]] = {
            quantity: {stack: [] for stack in stacks} for quantity in quantities
        }

    def attend(
        self,
        module: nn.Module,
        query: Float[Tensor, "batch heads query dim"],
        key: Float[Tensor, "batch groups key dim"],
        value: Float[Tensor, "batch groups key width"],
        attention_mask: Float[Tensor, "_ _ _ key"] | None,
        **options: Any,
    ) -> tuple[Float[Tensor, "batch query heads width"], Float[Tensor, "batch heads query key"]]:
        """Attend as the model would, except where an intervention says otherwise."""
        stack = self.anatomy.stack_of[module]
        layer = self.met[stack]
        self.met[stack] += 1
        here = [one for one in self.interventions if one.stack == stack]
        if torch.is_grad_enabled() and not query.requires_grad:
            query = query.detach().requires_grad_()  # of frozen weights; maps need a graph
        mask = attention_mask
        if here:
            shape = (*query.shape[:3], key.shape[2])
            mask = _knock_out(here, layer, mask=mask, scores=query.new_zeros(shape))
        said, weights = stock_attention(module)(module, query, key, value, mask, **options)
        value = for_each_head(value, query.shape[1])
        maps, answers = weights, said.transpose(1, 2)
        for one in here:
            match one:
                case ExchangedColumns():
                    exchanged = _exchange(one, layer, maps)
                    answers = answers + (exchanged - maps) @ value
                    maps = exchanged
                case HeadAblation():
                    maps = _look_evenly(one, layer, maps, mask=mask)
                    answers = _ablate(one, layer, answers, maps=maps, value=value)
                case Patch() if one.layer == layer:
                    answers = _patch(one, answers)
        if stack in self.weights:
            self.weights[stack].append(weights)
            self._note("maps", stack, maps)
            self._note("outputs", stack, answers)
            if "values" in self.notes:
                self._note("values", stack, self._offered(module, value))
        return answers.transpose(1, 2), maps

    def require_all(self, name: str, *, stacks: Sequence[Stack]) -> None:
        """Refuse a pass in which fewer layers attended than those of the stacks that ran.

        Raises:
            ModelError: Maps are missing.
        """
        needed = {one: self.anatomy.depth[one] if one in stacks else 0 for one in self.met}
        if self.met != needed:
            raise ModelError(
                f"{name}: maps came back from {self.met} layers, needed "
                f"{needed}; the model attended past the probe (under 'sdpa' it "
                "computes no maps)"
            )

    def collected(self, quantity: Quantity) -> dict[Stack, Tensor]:
        """The notes of all layers, by stack, on the CPU; nothing if they were not asked for."""
        found = self.notes.get(quantity, {})
        return {stack: torch.stack(notes).cpu() for stack, notes in found.items() if notes}

    def _note(self, quantity: Quantity, stack: Stack, what: Tensor) -> None:
        if quantity in self.notes:
            self.notes[quantity][stack].append(what.detach())

    def _offered(
        self, module: nn.Module, value: Float[Tensor, "batch heads key width"]
    ) -> Float[Tensor, "batch heads key"]:
        projection = self.anatomy.projection_of.get(module)
        if projection is None:
            raise ModelError(
                f"{type(module).__name__}: its output projection was not found, so values cannot "
                "be weighed; read it without values"
            )
        slices = output_slices(projection, value.shape[1])
        # The length of v W is the root of v (W W') v', which needs no vector as wide as the model.
        products = slices @ slices.transpose(1, 2)
        squares: Tensor = ((value @ products) * value).sum(-1)
        return squares.clamp(min=0).sqrt()


def _knock_out(
    here: Sequence[Intervention],
    layer: int,
    *,
    mask: Float[Tensor, "_ _ _ key"] | None,
    scores: Float[Tensor, "batch heads query key"],
) -> Float[Tensor, "_ _ _ key"] | None:
    """Add all blocked edges of a layer to its mask; `scores` are zeros of their shape."""
    bias = scores
    for one in here:
        if isinstance(one, BlockedEdges):
            _require_shape(f"knock-out of {one.stack} edges", one.edges, scores[:, 0])
            edges = one.edges[:, None]
            if one.heads is not None:
                edges = edges & one.heads[layer, :, None, None]
            bias = bias.masked_fill(edges, -torch.inf)
    blocked = bias.isneginf()
    emptied = blocked.any(-1) & ~(_visible(mask, scores) & ~blocked).any(-1)
    if emptied.any():
        item, head, row = emptied.nonzero()[0].tolist()
        raise ModelError(
            f"knock-out of {here[0].stack} edges: row {row} of item {item} (layer {layer}, head "
            f"{head}) has nothing left to see; leave it at least one visible column"
        )
    if not blocked.any():
        return mask
    return bias if mask is None else mask + bias


def _visible(
    mask: Float[Tensor, "_ _ _ key"] | None, scores: Float[Tensor, "batch heads query key"]
) -> Bool[Tensor, "batch heads query key"]:
    """Tell columns that a row may see from those that are masked with the largest number."""
    if mask is None:
        return torch.ones_like(scores, dtype=torch.bool)
    return (mask > torch.finfo(mask.dtype).min / 2).expand_as(scores)


def _exchange(
    exchange: ExchangedColumns, layer: int, maps: Float[Tensor, "batch heads query key"]
) -> Float[Tensor, "batch heads query key"]:
    """Exchange what two words draw from some rows of some heads of a layer."""
    what = f"exchange of {exchange.stack} columns"
    _require_shape(what, exchange.rows, maps[:, 0, :, 0])
    _require_shape(what, exchange.columns, maps[:, 0, :1].expand(-1, 2, -1))
    where = exchange.rows[:, None, :, None]
    if exchange.heads is not None:
        where = where & exchange.heads[layer, :, None, None]
    words = [exchange.columns[:, None, None, word].to(maps.dtype) for word in (0, 1)]
    drawn = [(maps * word).sum(-1, keepdim=True) for word in words]
    found = maps
    for word, own, others in zip(words, drawn, reversed(drawn), strict=True):
        evenly = word / word.sum(-1, keepdim=True).clamp(min=1)
        spread = torch.where(own > 0, maps * word / own.where(own > 0, 1), evenly)
        found = torch.where(word.bool(), others * spread, found)
    return torch.where(where, found, maps)


def _look_evenly(
    ablation: HeadAblation,
    layer: int,
    maps: Float[Tensor, "batch heads query key"],
    *,
    mask: Float[Tensor, "_ _ _ key"] | None,
) -> Float[Tensor, "batch heads query key"]:
    if ablation.how != "uniform":
        return maps
    visible = _visible(mask, maps).to(maps.dtype)
    evenly = visible / visible.sum(-1, keepdim=True)
    return torch.where(ablation.heads[layer, :, None, None], evenly, maps)


def _ablate(
    ablation: HeadAblation,
    layer: int,
    answers: Float[Tensor, "batch heads query width"],
    *,
    maps: Float[Tensor, "batch heads query key"],
    value: Float[Tensor, "batch heads key width"],
) -> Float[Tensor, "batch heads query width"]:
    match ablation.how:
        case "uniform":
            instead = maps @ value
        case "mean":
            assert ablation.means is not None  # seen to when it was made
            means = ablation.means[layer]
            _require_shape(f"ablation of {ablation.stack} heads", means, answers[0, :, 0])
            instead = means[:, None].expand_as(answers)
    return torch.where(ablation.heads[layer, :, None, None], instead, answers)


def _patch(
    patch: Patch, answers: Float[Tensor, "batch heads query width"]
) -> Float[Tensor, "batch heads query width"]:
    what = f"patch of {patch.stack} layer {patch.layer} head {patch.head}"
    said = answers[:, patch.head]
    _require_shape(what, patch.rows, said[..., 0])
    _require_shape(what, patch.outputs, said)
    patched = answers.clone()
    patched[:, patch.head] = torch.where(patch.rows[..., None], patch.outputs, said)
    return patched


def _require_shape(what: str, given: Tensor, like: Tensor) -> None:
    if given.shape != like.shape:
        raise ModelError(
            f"{what}: has shape {tuple(given.shape)}, the batch needs {tuple(like.shape)}"
        )
