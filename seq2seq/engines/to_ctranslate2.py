"""A model as CTranslate2 reads it, written from our own weights.

Built from the state dict and not through CTranslate2's converter of transformers models, which
loads the model anew and lags behind each release of transformers; that converter is the oracle of
the tests. CTranslate2 fixes by construction what stock classes configure: positions of pre-norm
models start behind a padding id of 1, post-norm decoders start from a vector of zeros, which is why
``publish/publishable.py`` is asked before an export.
"""

from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from seq2seq.engines.converted import import_ctranslate2
from seq2seq.model.config import ModelConfig
from seq2seq.model.positions import position_table
from seq2seq.model.stock import HEAD, SHARED, SOURCE, TARGET, stock_state
from seq2seq.model.transformer import Transformer
from seq2seq.tokenizer_like import TokenizerLike

State = Mapping[str, Tensor]


def write_ctranslate2(
    model: Transformer, tokenizer: TokenizerLike, folder: Path, *, quantize: Literal["int8"] | None
) -> None:
    """Write ``model.bin``, ``config.json`` and the vocabulary of CTranslate2.

    Args:
        model: The model. CTranslate2 changes what it is given in place, so it gets copies.
        tokenizer: Its tokenizer.
        folder: An existing folder.
        quantize: Number format of the matrices; None keeps 32-bit floats.

    Raises:
        ModelError: CTranslate2 is not installed.
    """
    import_ctranslate2()
    numbers = copy(model.config)
    numbers.max_position_embeddings += 1  # it scores the end behind the longest target too
    spec = describe_model(numbers, stock_state(model), positions=position_table(numbers))
    spell = tokenizer.piece
    spec.config.eos_token = spec.config.bos_token = spell(tokenizer.eos_id)
    spec.config.unk_token = spell(tokenizer.unk_id)
    # Post-norm decoders start from zeros, whatever piece stands here; padding they do not know.
    marian = model.config.model_type == "marian"
    start = tokenizer.eos_id if marian else model.config.decoder_start_token_id
    spec.config.decoder_start_token = spell(start)
    count = model.config.vocab_size - marian
    pieces = [spell(number) or f"madeupword{number}" for number in range(count)]
    spec.register_source_vocabulary(pieces)
    spec.register_target_vocabulary(pieces)
    # CTranslate2 has no use for it; who loads the folder must know how much may be read.
    spec.config.add_attribute("max_position_embeddings", model.config.max_position_embeddings)
    if tasks := getattr(model.config, "task_specific_params", None):  # the words before a text
        spec.config.add_attribute("task_specific_params", tasks)
    spec.validate()
    spec.optimize(quantization=quantize)
    spec.save(str(folder))


def describe_model(config: ModelConfig, state: State, *, positions: Tensor) -> Any:
    """Put weights where CTranslate2 looks for them.

    Args:
        config: The numbers of the model.
        state: Weights by their stock names; quantising changes them.
        positions: The position table, row 0 for the first piece.

    Returns:
        CTranslate2's specification, still without a vocabulary.
    """
    from ctranslate2.specs import TransformerSpec, common_spec

    activation = {
        "relu": common_spec.Activation.RELU,
        "gelu": common_spec.Activation.GELU,
        "swish": common_spec.Activation.SWISH,
        "silu": common_spec.Activation.SWISH,
    }[config.activation_function]
    marian = config.model_type == "marian"
    spec = TransformerSpec.from_config(
        (config.encoder_layers, config.decoder_layers),
        config.encoder_attention_heads,
        pre_norm=not marian,
        activation=activation,
    )
    # Padding, the last piece of post-norm models, is not in CTranslate2's vocabulary.
    known = slice(0, config.vocab_size - marian)
    source, target, head = embeddings(state)
    spec.encoder.embeddings[0].weight = source[known]
    spec.decoder.embeddings.weight = target[known]
    spec.decoder.projection.weight = head[known]
    spec.decoder.start_from_zero_embedding = marian
    if marian:
        spec.decoder.projection.bias = state["final_logits_bias"].reshape(-1)[known]
    for name, stack in (("encoder", spec.encoder), ("decoder", spec.decoder)):
        stack.scale_embeddings = config.d_model**0.5 if config.scale_embedding else 1.0
        stack.position_encodings.encodings = positions
        if not marian:
            set_norm(stack.layer_norm, state, f"model.{name}.layer_norm")
        for number, layer in enumerate(stack.layer):
            set_layer(layer, state, f"model.{name}.layers.{number}")
    return spec


def embeddings(state: State) -> tuple[Tensor, Tensor, Tensor]:
    """The matrices of source, target and output; one and the same for models of ours."""
    source = state.get(SOURCE, state.get(SHARED))
    target = state.get(TARGET, source)
    assert source is not None
    assert target is not None
    return source, target, state.get(HEAD, target)


def set_layer(spec: Any, state: State, name: str) -> None:
    """Fill one layer of either stack; only the decoder's reads the source too."""
    set_attention(spec.self_attention, state, f"{name}.self_attn", own=True)
    set_norm(spec.self_attention.layer_norm, state, f"{name}.self_attn_layer_norm")
    if hasattr(spec, "attention"):
        set_attention(spec.attention, state, f"{name}.encoder_attn", own=False)
        set_norm(spec.attention.layer_norm, state, f"{name}.encoder_attn_layer_norm")
    set_linear(spec.ffn.linear_0, state, f"{name}.fc1")
    set_linear(spec.ffn.linear_1, state, f"{name}.fc2")
    set_norm(spec.ffn.layer_norm, state, f"{name}.final_layer_norm")


def set_attention(spec: Any, state: State, name: str, *, own: bool) -> None:
    """Fill attention: query, key and value in one product, or the query alone beside the others."""
    groups = [("q", "k", "v")] if own else [("q",), ("k", "v")]
    for linear, parts in zip(spec.linear, groups, strict=False):
        linear.weight = torch.cat([state[f"{name}.{part}_proj.weight"] for part in parts])
        linear.bias = torch.cat([state[f"{name}.{part}_proj.bias"] for part in parts])
    set_linear(spec.linear[-1], state, f"{name}.out_proj")


def set_linear(spec: Any, state: State, name: str) -> None:
    """Fill a linear map."""
    spec.weight, spec.bias = state[f"{name}.weight"], state[f"{name}.bias"]


def set_norm(spec: Any, state: State, name: str) -> None:
    """Fill a layer normalisation."""
    spec.gamma, spec.beta = state[f"{name}.weight"], state[f"{name}.bias"]
