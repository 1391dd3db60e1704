"""A model as three ONNX graphs.

The graphs have the names and the inputs that other programs know from optimum:

    encoder_model.onnx            source pieces -> encoded source
    decoder_model.onnx            target so far, encoded source -> logits, keys and values
    decoder_with_past_model.onnx  one more piece, keys and values -> logits, its keys and values

They are traced from our own layers, written out below in the terms that a graph has: lengths are
read from tensors, and the past is passed in and out instead of being kept. How to run them stands
in ``run_onnx.py``.
"""

import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from seq2seq.errors import ModelError
from seq2seq.model.attention import BLOCKED
from seq2seq.model.layers import DecoderLayer
from seq2seq.model.transformer import Transformer

ENCODER, FIRST, NEXT = "encoder_model.onnx", "decoder_model.onnx", "decoder_with_past_model.onnx"

# LayerNormalization is one operation from 17 on.
OPSET = 17

Axes = Mapping[str, Mapping[int, str]]


def write_onnx(model: Transformer, folder: Path, *, quantize: Literal["int8"] | None) -> None:
    """Write the three graphs of a model.

    Args:
        model: The model, in evaluation mode.
        folder: An existing folder.
        quantize: Number format of the matrices; None keeps 32-bit floats.

    Raises:
        ModelError: onnx or onnxruntime is not installed.
    """
    import_onnxruntime()
    # Few pieces: on longer examples attention would take a kernel that has no place in a graph.
    ids = torch.full((2, 3), model.config.eos_token_id)
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]])
    encoder, first, following = EncoderGraph(model), DecoderGraph(model), NextPieceGraph(model)
    with torch.no_grad():
        memory = encoder(ids, mask)
        past = first(mask, ids[:, :1], memory)[1:]
    both = names(model, "present", sides=("decoder", "encoder"))
    own = names(model, "present", sides=("decoder",))
    pasts = names(model, "past_key_values", sides=("decoder", "encoder"))
    text, target = {0: "batch", 1: "source"}, {0: "batch", 1: "target"}
    write_graph(
        encoder, {"input_ids": ids, "attention_mask": mask}, folder / ENCODER,
        outputs=["last_hidden_state"],
        axes={"input_ids": text, "attention_mask": text, "last_hidden_state": text},
    )  # fmt: skip
    write_graph(
        first,
        {"encoder_attention_mask": mask, "input_ids": ids, "encoder_hidden_states": memory},
        folder / FIRST,
        outputs=["logits", *both],
        axes={"encoder_attention_mask": text, "input_ids": target, "encoder_hidden_states": text,
              "logits": target, **_cache_axes(both, "target")},
    )  # fmt: skip
    write_graph(
        following,
        {"encoder_attention_mask": mask, "input_ids": ids[:, :1],
         **dict(zip(pasts, past, strict=True))},
        folder / NEXT,
        outputs=["logits", *own],
        axes={"encoder_attention_mask": text, "input_ids": {0: "batch"}, "logits": {0: "batch"},
              **_cache_axes(pasts, "past"), **_cache_axes(own, "past + 1")},
    )  # fmt: skip
    if quantize is not None:
        for name in (ENCODER, FIRST, NEXT):
            _quantize(folder / name)


def write_graph(
    graph: nn.Module,
    inputs: Mapping[str, Tensor],
    path: Path,
    *,
    outputs: Sequence[str],
    axes: Axes,
) -> None:
    """Trace one graph and write it; the only place that knows which exporter is used.

    Args:
        graph: What to trace.
        inputs: Example inputs by name, in order.
        path: Where to write.
        outputs: Names of the outputs.
        axes: For each input and output the dimensions whose size may vary, by their names.
    """
    # With gradients on, because our fast products for a CPU, which no graph knows, need them off.
    with warnings.catch_warnings(), torch.enable_grad():
        # The tracing exporter is called old, and says that it cannot see branches; all of ours
        # depend on the model alone. The newer one takes ten times as long and another package.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph.eval(),
            tuple(inputs.values()),
            str(path),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: dict(named) for name, named in axes.items()},
            opset_version=OPSET,
            dynamo=False,
        )


def _cache_axes(caches: Sequence[str], length: str) -> dict[str, dict[int, str]]:
    return {name: {0: "batch", 2: "source" if ".encoder." in name else length} for name in caches}


def _quantize(path: Path) -> None:
    """Replace a graph by one whose matrices are 8-bit integers."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    whole = path.with_suffix(".whole")
    path.replace(whole)
    logging.disable(logging.WARNING)  # it advises steps that change nothing here
    try:
        quantize_dynamic(whole, path, weight_type=QuantType.QInt8, per_channel=True)
    finally:
        logging.disable(logging.NOTSET)
    whole.unlink()


def import_onnxruntime() -> Any:
    """The package, or how to get it.

    Raises:
        ModelError: It or onnx is not installed.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            f"onnx: {error.name} is not installed, needed for this format; "
            "'pip install seq2seq-toolkit[onnx]'"
        ) from None
    return onnxruntime


class _Graph(nn.Module):
    def __init__(self, model: Transformer):
        super().__init__()
        self.model = model


class EncoderGraph(_Graph):
    """Source pieces become the encoded source."""

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Read sources, padded to one length, their mask 1 at real pieces and 0 at padding."""
        model = self.model
        positions = model.positions[: input_ids.shape[1]]
        if model.config.model_type == "m2m_100":  # counts real pieces only
            positions = positions[(attention_mask.cumsum(1) - 1).clamp(min=0)]
        x = model.embedding(input_ids) * model.embedding_scale + positions
        bias = source_bias(attention_mask, queries=input_ids.shape[1])
        for layer in model.encoder:
            x = layer(x, bias)
        return cast(Tensor, model.encoder_norm(x))


class DecoderGraph(_Graph):
    """A target and the encoded source become logits, and keys and values for the next piece."""

    def forward(
        self, encoder_attention_mask: Tensor, input_ids: Tensor, encoder_hidden_states: Tensor
    ) -> tuple[Tensor, ...]:
        """Read a target from its start piece on."""
        length = input_ids.shape[1]
        x = embed_target(self.model, input_ids, start=0)
        later = torch.ones(length, length).triu(1) * BLOCKED
        later = later[None, None].expand(input_ids.shape[0], -1, -1, -1)
        bias = source_bias(encoder_attention_mask, queries=length)
        present: list[Tensor] = []
        for layer in self.model.decoder_layers():
            memory = layer.cross_attention.project_memory(encoder_hidden_states)
            x, *own = read(layer, x, None, memory, own_bias=later, source=bias)
            present += [*own, *memory]
        return logits(self.model, x), *present


class NextPieceGraph(_Graph):
    """One more piece and all keys and values so far become logits, and its keys and values."""

    def forward(
        self, encoder_attention_mask: Tensor, input_ids: Tensor, *past: Tensor
    ) -> tuple[Tensor, ...]:
        """Read the newest piece; `past` holds four tensors a layer, as `names` lists them."""
        x = embed_target(self.model, input_ids, start=past[0].shape[2])
        bias = source_bias(encoder_attention_mask, queries=1)
        present: list[Tensor] = []
        for number, layer in enumerate(self.model.decoder_layers()):
            keys, values, *memory = past[4 * number : 4 * number + 4]
            x, *own = read(
                layer, x, (keys, values), (memory[0], memory[1]), own_bias=None, source=bias
            )
            present += own
        return logits(self.model, x), *present


def read(
    layer: DecoderLayer,
    x: Tensor,
    past: tuple[Tensor, Tensor] | None,
    memory: tuple[Tensor, Tensor],
    *,
    own_bias: Tensor | None,
    source: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Pass positions through a decoder layer, with what was read before given and returned."""
    own: list[Tensor] = []

    def read_own(y: Tensor) -> Tensor:
        query, (key, value) = layer.self_attention.project(y)
        if past is not None:
            key, value = torch.cat([past[0], key], dim=2), torch.cat([past[1], value], dim=2)
        own.extend((key, value))
        return layer.self_attention.read(query, key, value, bias=own_bias)

    x = layer.self_attention_residual(x, read_own)
    x = layer.cross_attention_residual(x, lambda y: layer.cross_attention(y, *memory, bias=source))
    return layer.feed_forward_residual(x, layer.feed_forward), own[0], own[1]


def source_bias(attention_mask: Tensor, *, queries: int) -> Tensor:
    """What is added to the scores of source positions: zero, or blocking at padding."""
    bias = (1.0 - attention_mask[:, None, None].float()) * BLOCKED
    return bias.expand(-1, -1, queries, -1)


def embed_target(model: Transformer, ids: Tensor, *, start: int) -> Tensor:
    """Embeddings and positions of target pieces, the first of which stands at `start`."""
    embedding = model.target_embedding or model.embedding
    positions = model.positions[start : start + ids.shape[1]]
    return cast(Tensor, embedding(ids) * model.embedding_scale + positions)


def logits(model: Transformer, x: Tensor) -> Tensor:
    """Scores of every piece as the next one."""
    return model.logits(model.decoder_norm(x))


def names(model: Transformer, prefix: str, *, sides: Sequence[str]) -> list[str]:
    """Names of keys and values, layer by layer: ``present.0.decoder.key`` and so on."""
    return [
        f"{prefix}.{layer}.{side}.{kind}"
        for layer in range(model.config.decoder_layers)
        for side in sides
        for kind in ("key", "value")
    ]
