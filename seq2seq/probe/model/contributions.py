"""What each piece contributes to each row of a layer: attention, values and the way past them.

A map says how much a head looks, not what it brings back, nor how much of a row was there before.
After a sublayer, a row is a sum of vectors, one from each column that was looked at and one that
went past the attention:

    y_i = sum_j T_i(j) + bias      T_i(j) = sum over heads of A_ij V_j W_O  (+ x_i for the way past)

A column contributes as much as the sum loses without it: how much nearer T_i(j) lies to y_i than
nothing does, in the L1 distance, and no less than zero. Contributions of a row are divided by
their sum. Where the norm stands *after* the sum (Marian, BART, BERT) it is a linear map once its
deviation is known, and all vectors go through it; where it stands *before* attention (M2M100, T5,
GPT-2, Llama) the sum is the row itself. Which one it is, a pass tells: families are not asked.

Source: Ferrando, Gállego and Costa-jussà 2022 (ALTI, arXiv:2203.04212), equations 8 to 12; for
decoders Ferrando et al. 2022 (ALTI+, arXiv:2205.11631), section 3.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)

from seq2seq.errors import ModelError
from seq2seq.probe.model.anatomy import Anatomy, output_slices
from seq2seq.probe.model.attention_function import AttentionFunction, PassEnded, for_each_head
from seq2seq.probe.model.interventions import Stack

MOST_NUMBERS = 1 << 20
"""Numbers of all vectors of a text that are held at a time: 4 MiB, which a cache holds."""

Shares = Mapping[Stack, Float[Tensor, "layers batch query key"]]
"""For each stack and layer what every column contributes to every row, as `Reading` keeps it."""


@dataclass
class _Sublayer:
    """One call of an attention, and what happens around it."""

    module: nn.Module
    stack: Stack
    asked: Tensor | None  # what the rows looked from
    before: tuple[Tensor, Tensor] | None  # into and out of the norm before
    weights: Tensor | None = None
    value: Tensor | None = None
    added: Tensor | None = None  # what the output projection says
    whole: Tensor | None = None  # that plus the way past, as the next norm is given it
    norm: nn.Module | None = None  # this norm
    after: bool | None = None  # whether it stands after the sum; None until it is known


@dataclass
class Tracer:
    """The attention function of a pass that weighs contributions, and its notes.

    Attributes:
        anatomy: of the model.
        function: the attention of each layer.
        layers: how many attentions are to be weighed before the pass ends; None for all.
        sublayers: one for each call, in order.
    """

    anatomy: Anatomy
    function: AttentionFunction
    layers: int | None = None
    sublayers: list[_Sublayer] = field(default_factory=list)
    _norm: tuple[Tensor, Tensor] | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note inputs of attentions and what norms and output projections do, inside the block."""
        hooks = (
            register_module_forward_pre_hook(self._before),
            register_module_forward_hook(self._after),
        )
        into = [
            module.register_forward_pre_hook(self._asked, with_kwargs=True)
            for module in self.anatomy.stack_of
        ]
        try:
            yield
        finally:
            for hook in (*hooks, *into):
                hook.remove()

    def attend(
        self,
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        **options: Any,
    ) -> tuple[Tensor, Tensor]:
        """Attend, and note weights and values."""
        said, weights = self.function(module, query, key, value, attention_mask, **options)
        last = self.sublayers[-1]
        last.weights, last.value = weights, for_each_head(value, query.shape[1])
        return said, weights

    def require_norms(self, name: str) -> None:
        """Refuse a pass in which a norm stands where the decomposition does not hold.

        Raises:
            ModelError: there is such a norm.
        """
        for sub in self.sublayers:
            sub.after = _is_after(sub)
            if sub.after is None:
                raise ModelError(
                    f"{name}: a norm of {sub.stack} attention stands neither right before the "
                    "attention nor right after the sum with what goes past it, so contributions "
                    "of its columns are not defined; needed a model such as Marian or M2M100"
                )

    def shares(self) -> dict[Stack, Float[Tensor, "layers batch query key"]]:
        """Weigh what has been noted, and give it back on the CPU."""
        found: dict[Stack, list[Tensor]] = {stack: [] for stack in self.anatomy.depth}
        with torch.no_grad():
            for sub in self.sublayers:
                found[sub.stack].append(_shares(sub, self.anatomy.projection_of[sub.module]))
        return {stack: torch.stack(layers).cpu() for stack, layers in found.items() if layers}

    def _asked(self, module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        asked = named.get("hidden_states", given[0] if given else None)
        stack = self.anatomy.stack_of[module]
        self.sublayers.append(_Sublayer(module, stack, asked, self._norm))

    def _before(self, module: nn.Module, given: tuple[Any, ...]) -> None:
        if not _is_norm(module) or not self.sublayers:
            return
        last = self.sublayers[-1]
        if last.added is not None and last.whole is None:
            # OPT takes rows of all texts together into what follows attention.
            alike = given[0].numel() == last.added.numel()
            last.whole = given[0].reshape(last.added.shape) if alike else given[0]
            last.norm = module
            if len(self.sublayers) == self.layers:
                raise PassEnded

    def _after(self, module: nn.Module, given: tuple[Any, ...], answer: Any) -> None:
        if _is_norm(module):
            self._norm = given[0], answer
        elif self.sublayers and module is self.anatomy.projection_of.get(self.sublayers[-1].module):
            self.sublayers[-1].added = answer


def source_shares(shares: Shares) -> Float[Tensor, "layers batch query source"]:
    """What each piece of the source contributes to each row of each decoder layer.

    What is missing to 1 comes from the target that is already written.

    Source: ALTI+, section 3.2.
    """
    encoded = rolled(shares["encoder"])[-1]
    size = shares["decoder"].shape[-1]
    found = torch.zeros(*shares["decoder"].shape[1:3], encoded.shape[-1])
    layers = []
    for own, cross in zip(shares["decoder"], shares["cross"], strict=True):
        past = 1 - cross.sum(-1, keepdim=True)
        found = cross @ encoded + past * (own.reshape(-1, size, size) @ found)
        layers.append(found)
    return torch.stack(layers)


def rolled(
    shares: Float[Tensor, "layers batch query key"],
) -> Float[Tensor, "layers batch query key"]:
    """Multiply the contributions of all layers up to each."""
    reached = [shares[0]]
    for layer in shares[1:]:
        reached.append(layer @ reached[-1])
    return torch.stack(reached)


def _is_norm(module: nn.Module) -> bool:
    return type(module).__name__.endswith("Norm")


def _is_after(sub: _Sublayer) -> bool | None:
    """Whether the norm stands after the sum; None if it stands at neither place."""
    if sub.added is None or sub.whole is None or sub.asked is None:
        return None
    past = sub.whole - sub.added
    if _same(past, sub.asked):
        return True if isinstance(sub.norm, nn.LayerNorm) else None
    if sub.before and _same(sub.before[1], sub.asked) and _same(sub.before[0], past):
        return False
    return None


def _same(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape:
        return False
    return bool((one - other).abs().max() <= 1e-5 + 1e-4 * other.abs().max())


def _shares(sub: _Sublayer, projection: Any) -> Float[Tensor, "batch query key"]:
    assert sub.weights is not None  # require_all has looked
    assert sub.value is not None
    assert sub.added is not None
    assert sub.whole is not None
    weights, past, whole = sub.weights, sub.whole - sub.added, sub.whole
    slices = output_slices(projection, sub.value.shape[1])
    if sub.after:
        assert isinstance(sub.norm, nn.LayerNorm)  # _is_after has looked
        # Once its deviation is known the norm is linear, and may be taken of each part.
        scale = (whole.var(-1, unbiased=False, keepdim=True) + sub.norm.eps).rsqrt()
        slices = (slices - slices.mean(-1, keepdim=True)) * sub.norm.weight
        past = (past - past.mean(-1, keepdim=True)) * scale * sub.norm.weight
        weights = weights * scale[:, None]
        whole = sub.norm(whole)
    size = max(1, MOST_NUMBERS // (weights[0, 0].numel() * past.shape[-1]))
    parts = [torch.split(each, size) for each in (weights, sub.value, past, whole)]
    return torch.cat(
        [
            _row_shares(
                seen,
                torch.einsum("bhkd,hdw->bhkw", value, slices),
                way_past,
                rows,
                own_column=sub.stack != "cross",
            )
            for seen, value, way_past, rows in zip(*parts, strict=True)
        ]
    )


def _row_shares(
    weights: Float[Tensor, "batch heads query key"],
    offered: Float[Tensor, "batch heads key width"],
    past: Float[Tensor, "batch query width"],
    whole: Float[Tensor, "batch query width"],
    *,
    own_column: bool,
) -> Float[Tensor, "batch query key"]:
    """Contributions to the rows of a few texts.

    Args:
        weights: how much each row looks at each column, by head.
        offered: what each column brings to a row that looks at it alone.
        past: what each row brings past the attention.
        whole: the sum of all, bias included.
        own_column: whether the way past belongs to the row's own column; else it gets a column of
            its own, which is left out in the end.
    """
    apart = _distances(weights, offered, past if own_column else None, whole)
    if not own_column:
        apart = torch.cat([apart, (past - whole).abs().sum(-1, keepdim=True)], dim=-1)
    nearer = (whole.abs().sum(-1, keepdim=True) - apart).clamp(min=0)
    shares = nearer / nearer.sum(-1, keepdim=True).clamp(min=torch.finfo(nearer.dtype).tiny)
    return shares if own_column else shares[..., :-1]


def _distances(
    weights: Float[Tensor, "batch heads query key"],
    offered: Float[Tensor, "batch heads key width"],
    past: Float[Tensor, "batch query width"] | None,
    whole: Float[Tensor, "batch query width"],
) -> Float[Tensor, "batch query key"]:
    """How far what each column brings lies from each row, in the L1 distance.

    There is a vector for each two pieces, so only a few of its numbers are held at a time.
    """
    batch, _, queries, keys = weights.shape
    by_column = weights.permute(0, 3, 2, 1).contiguous()
    apart = whole.new_zeros(batch, keys, queries)
    step = max(1, MOST_NUMBERS // (batch * queries * keys))
    for start in range(0, whole.shape[-1], step):
        some = slice(start, start + step)
        parts = by_column @ offered[..., some].transpose(1, 2)
        if past is not None:
            parts.diagonal(dim1=1, dim2=2).add_(past[..., some].transpose(1, 2))
        apart += parts.sub_(whole[:, None, :, some]).abs_().sum(-1)
    return apart.transpose(1, 2)
