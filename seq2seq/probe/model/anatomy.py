"""Finds out, by one small pass, which modules of a stock model attend, and what each is for.

Families name their parts differently, so names are not asked. With a source of three pieces and a
target of two, whoever looks at three columns from the decoder sees the source. The first linear map
to be called with what the heads said is their output projection.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook
from transformers.pytorch_utils import Conv1D

from seq2seq.errors import ModelError
from seq2seq.libraries import running
from seq2seq.probe.model.attention_function import attending, stock_attention
from seq2seq.probe.model.interventions import Stack

Kind = Literal["encoder", "decoder", "encoder-decoder"]

SUPPORTED = (
    "an encoder-decoder model (such as Marian, M2M100, NLLB, BART, mBART, T5, Pegasus), an encoder "
    "(BERT, RoBERTa, DistilBERT; ViT for images) or a decoder (GPT-2, Llama)"
)

STACKS: Mapping[Kind, tuple[Stack, ...]] = {
    "encoder": ("encoder",),
    "decoder": ("decoder",),
    "encoder-decoder": ("encoder", "decoder", "cross"),
}

SOURCE_PIECES = 3
TARGET_PIECES = 2


@dataclass(frozen=True)
class Anatomy:
    """Where a model attends.

    Attributes:
        stack_of: For each attending module its stack; layers may share a module.
        depth: Layers of each stack.
        heads: Heads of a layer of each stack.
        sharing: How many neighbouring heads of each stack share their keys and values, as in
            grouped-query attention; 1 where layers differ.
        projection_of: For attending modules whose output projection was found, this one.
    """

    stack_of: Mapping[nn.Module, Stack]
    depth: Mapping[Stack, int]
    heads: Mapping[Stack, int]
    sharing: Mapping[Stack, int]
    projection_of: Mapping[nn.Module, Any]


def anatomy_of(model: Any, kind: Kind, *, name: str) -> Anatomy:
    """Let a model read a few pieces, and note who attends to what; ``name`` is for messages.

    Raises:
        ModelError: The model cannot be run as its configuration asks, a stack does not attend in a
            way that can be read, or the layers of one stack differ in their number of heads.
    """
    surveyor = _Surveyor()
    hook = register_module_forward_pre_hook(surveyor.before)
    try:
        with running(name), attending(model, surveyor.attend), torch.no_grad():
            model(**_small_inputs(model, kind))
    finally:
        hook.remove()
    encoder = set(model.get_encoder().modules()) if kind == "encoder-decoder" else set()
    stack_of: dict[nn.Module, Stack] = {}
    heads: dict[Stack, list[int]] = {stack: [] for stack in STACKS[kind]}
    sharing: dict[Stack, set[int]] = {stack: set() for stack in STACKS[kind]}
    for call in surveyor.calls:
        stack = _stack(call, kind, in_encoder=call.module in encoder)
        stack_of[call.module] = stack
        heads[stack].append(call.heads)
        sharing[stack].add(call.heads // call.key_heads)
    _require_heads(heads, name=name, family=type(model).__name__)
    return Anatomy(
        stack_of=stack_of,
        depth={stack: len(counts) for stack, counts in heads.items()},
        heads={stack: counts[0] for stack, counts in heads.items()},
        sharing={
            stack: min(counts) if len(counts) == 1 else 1 for stack, counts in sharing.items()
        },
        projection_of=surveyor.projection_of,
    )


def output_slices(projection: Any, heads: int) -> Float[Tensor, "heads dim width"]:
    """What an output projection does with what each head says."""
    weight: Tensor = projection.weight
    rows = weight if isinstance(projection, Conv1D) else weight.T
    return rows.reshape(heads, -1, rows.shape[-1])


@dataclass(frozen=True)
class _Call:
    module: nn.Module
    heads: int
    key_heads: int
    columns: int


class _Surveyor:
    """An attention function that changes nothing and remembers its callers."""

    def __init__(self) -> None:
        self.calls: list[_Call] = []
        self.projection_of: dict[nn.Module, Any] = {}
        self.said: Tensor | None = None  # by the last caller, until the next linear map is called

    def attend(
        self,
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        **options: Any,
    ) -> tuple[Tensor, Tensor]:
        answer = stock_attention(module)(module, query, key, value, attention_mask, **options)
        self.calls.append(_Call(module, query.shape[1], key.shape[1], key.shape[2]))
        self.said = answer[0]
        return answer

    def before(self, module: nn.Module, arguments: tuple[Any, ...]) -> None:
        if self.said is None or not isinstance(module, nn.Linear | Conv1D):
            return
        if torch.equal(arguments[0].reshape(-1), self.said.reshape(-1)):
            self.projection_of[self.calls[-1].module] = module
        self.said = None


def _small_inputs(model: Any, kind: Kind) -> dict[str, Tensor]:
    config, device = model.config, model.device
    if model.main_input_name == "pixel_values":
        size = config.image_size
        height, width = (size, size) if isinstance(size, int) else size
        return {"pixel_values": torch.zeros(1, config.num_channels, height, width, device=device)}
    source = torch.zeros(1, SOURCE_PIECES, dtype=torch.long, device=device)
    inputs = {"input_ids": source, "attention_mask": torch.ones_like(source)}
    if kind == "encoder-decoder":
        inputs["decoder_input_ids"] = source[:, :TARGET_PIECES]
        inputs["decoder_attention_mask"] = inputs["attention_mask"][:, :TARGET_PIECES]
    return inputs


def _stack(call: _Call, kind: Kind, *, in_encoder: bool) -> Stack:
    if kind != "encoder-decoder":
        return kind
    if in_encoder:
        return "encoder"
    return "cross" if call.columns == SOURCE_PIECES else "decoder"


def _require_heads(heads: Mapping[Stack, list[int]], *, name: str, family: str) -> None:
    silent = [stack for stack, counts in heads.items() if not counts]
    if silent:
        raise ModelError(
            f"{name}: no attention maps came back from {', '.join(silent)}: {family} keeps its own "
            f"attention there and cannot be read; needed {SUPPORTED}"
        )
    for stack, counts in heads.items():
        if len(set(counts)) > 1:
            raise ModelError(
                f"{name}: layers of {stack} have {counts} heads; needed the same number in all"
            )
