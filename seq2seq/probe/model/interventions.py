"""What one can do to a head while a model reads, to learn whether it matters.

A head that points at the right noun may still be idle. So the probe takes something away and looks
whether the answer changes: an *edge* (`BlockedEdges`: this row may not see that column), the work
of a whole head (`HeadAblation`), or it puts in what the head said in another run (`Patch`). To take
an edge away sends its attention elsewhere; to exchange two words (`ExchangedColumns`) sends none.
The operators give different answers, therefore each result names its operator.

These are descriptions; `seq2seq.probe.model.recorder` carries them out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeAlias

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from seq2seq.errors import ModelError

Stack = Literal["encoder", "decoder", "cross"]
"""Encoder self-attention, decoder self-attention, and the decoder's view of the source."""


@dataclass(frozen=True)
class BlockedEdges:
    """Blocks edges: before the softmax their scores become minus infinity.

    What is left of a row sums to one again. Several knock-outs of one stack add up. A row that
    would be left without anything to see is refused when the model reads.

    Source: Geva et al. 2023, section 3 ("attention knockout").

    Attributes:
        stack: Where.
        edges: True where a query (row) may no longer see a key (column).
        heads: Which heads of which layers; None for all.
    """

    stack: Stack
    edges: Bool[Tensor, "batch query key"]
    heads: Bool[Tensor, "layers heads"] | None = None


@dataclass(frozen=True)
class ExchangedColumns:
    """Gives one word the attention that a row paid to another, and the reverse, after the softmax.

    Nothing else in the row changes. What a word is given is spread over its pieces as the row's own
    attention was; evenly, if it paid them none. A row that looks at both words alike, or at
    neither, stays as it is.

    Attributes:
        stack: Where.
        rows: True for the queries whose attention is exchanged.
        columns: True for the keys of the one word, and of the other; no key is of both.
        heads: Which heads of which layers; None for all.
    """

    stack: Stack
    rows: Bool[Tensor, "batch query"]
    columns: Bool[Tensor, "batch 2 key"]
    heads: Bool[Tensor, "layers heads"] | None = None


@dataclass(frozen=True)
class HeadAblation:
    """Takes away what heads say, in every row.

    Source: Voita et al. 2019; Wang et al. 2023, section 2.3 (mean).

    Attributes:
        stack: Where.
        heads: Which heads of which layers.
        how: ``uniform``: it looks at all visible columns alike.
            ``mean``: it says the same everywhere, namely `means`.
        means: What each head says on average (of `Reading.outputs`, over real rows); for ``mean``
            and only for it.

    Raises:
        ModelError: Means are missing, or given without need.
    """

    stack: Stack
    heads: Bool[Tensor, "layers heads"]
    how: Literal["uniform", "mean"]
    means: Float[Tensor, "layers heads dim"] | None = None

    def __post_init__(self) -> None:
        if (self.how == "mean") != (self.means is not None):
            raise ModelError(
                f"ablation of {self.stack} heads: how is '{self.how}' and means are "
                f"{'missing' if self.means is None else 'given'}; 'mean' needs the heads' mean "
                "outputs, 'uniform' takes none"
            )


@dataclass(frozen=True)
class Patch:
    """Replaces what one head says in some rows by what it said in another run.

    Source: Vig et al. 2020, section 3; Wang et al. 2023, section 3.

    Attributes:
        stack: Where.
        layer: Which layer, from 0.
        head: Which head, from 0.
        rows: True where the head's output is replaced.
        outputs: What to put there, as in `Reading.outputs`; other rows are not looked at.
    """

    stack: Stack
    layer: int
    head: int
    rows: Bool[Tensor, "batch query"]
    outputs: Float[Tensor, "batch query dim"]


Intervention: TypeAlias = BlockedEdges | ExchangedColumns | HeadAblation | Patch


def moved(one: Intervention, device: torch.device) -> Intervention:
    """The same intervention with its tensors on the device of the model that it is for."""
    tensors: dict[str, Any] = {
        field.name: value.to(device)
        for field in fields(one)
        if isinstance(value := getattr(one, field.name), Tensor)
    }
    return replace(one, **tensors)


def require_fit(
    interventions: Sequence[Intervention], *, depth: Mapping[Stack, int], heads: Mapping[Stack, int]
) -> None:
    """Refuse interventions at places that a model does not have, by its layers and heads a layer.

    Raises:
        ModelError: A stack, layer or head is not there.
    """
    for one in interventions:
        what = f"{type(one).__name__} of {one.stack} heads"
        if one.stack not in depth:
            raise ModelError(f"{what}: the model has {', '.join(depth)} attention only")
        size = (depth[one.stack], heads[one.stack])
        if isinstance(one, Patch):
            if not (0 <= one.layer < size[0] and 0 <= one.head < size[1]):
                raise ModelError(
                    f"{what}: layer {one.layer} head {one.head}; the model has {size[0]} layers "
                    f"of {size[1]} heads, counted from 0"
                )
        elif one.heads is not None and one.heads.shape != size:
            raise ModelError(
                f"{what}: heads have shape {tuple(one.heads.shape)}, needed {size} (layers, heads)"
            )


def self_only(rows: Bool[Tensor, "batch query"]) -> Bool[Tensor, "batch query query"]:
    """The edges whose loss leaves some rows of a self-attention nothing to see but themselves."""
    own = torch.eye(rows.shape[1], dtype=torch.bool, device=rows.device)
    return rows[:, :, None] & ~own
