"""Weights in and out of stock folders: what ``AutoModelForSeq2SeqLM`` reads, and what it writes.

The stock classes keep query, key and value apart and repeat the shared embedding under several
names; ours are fused and shared. This file is the dictionary between the two, and the writer of the
files that surround the weights.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from transformers import AutoConfig

from seq2seq.errors import ModelError
from seq2seq.families import FAMILIES
from seq2seq.files import read_json_object
from seq2seq.libraries import explaining
from seq2seq.model.config import ModelConfig, check_numbers, shares_inputs
from seq2seq.model.transformer import Transformer
from seq2seq.model.weights import read_weights, refuse_not_finite, write_weights
from seq2seq.run import write_json

SHARED = "model.shared.weight"
SOURCE = "model.encoder.embed_tokens.weight"
TARGET = "model.decoder.embed_tokens.weight"
HEAD = "lm_head.weight"

# What new modules draw their weights by.
DRAWS = {"normal_", "uniform_", "kaiming_uniform_", "xavier_uniform_"}

# Position tables follow from the configuration; some published files hold them all the same.
COMPUTED = (
    "model.encoder.embed_positions.weights",
    "model.decoder.embed_positions.weights",
    "model.encoder.embed_positions.weight",
    "model.decoder.embed_positions.weight",
)

# Ours, and the stock names whose rows it stacks.
ENCODER_NAMES = {
    "self_attention.query_key_value": (
        "self_attn.q_proj",
        "self_attn.k_proj",
        "self_attn.v_proj",
    ),
    "self_attention.output": ("self_attn.out_proj",),
    "self_attention_residual.norm": ("self_attn_layer_norm",),
    "feed_forward.expand": ("fc1",),
    "feed_forward.contract": ("fc2",),
    "feed_forward_residual.norm": ("final_layer_norm",),
}
DECODER_NAMES = ENCODER_NAMES | {
    "cross_attention.query": ("encoder_attn.q_proj",),
    "cross_attention.key_value": ("encoder_attn.k_proj", "encoder_attn.v_proj"),
    "cross_attention.output": ("encoder_attn.out_proj",),
    "cross_attention_residual.norm": ("encoder_attn_layer_norm",),
}


def stock_names(config: ModelConfig) -> Iterator[tuple[str, tuple[str, ...]]]:
    """List our parameter names beside the stock names whose tensors they stack.

    Args:
        config: The numbers of the model.

    Yields:
        Our name, and one or more stock names.
    """
    if shares_inputs(config):
        yield "embedding.weight", (SHARED,)
    else:
        yield "embedding.weight", (SOURCE,)
        yield "target_embedding.weight", (TARGET,)
    if not config.tie_word_embeddings:
        yield "head.weight", (HEAD,)
    if config.model_type == "marian":
        yield "logits_bias", ("final_logits_bias",)
    stacks = (
        ("encoder", config.encoder_layers, ENCODER_NAMES),
        ("decoder", config.decoder_layers, DECODER_NAMES),
    )
    for stack, layers, names in stacks:
        for kind in ("weight", "bias"):
            if config.model_type == "m2m_100":
                yield f"{stack}_norm.{kind}", (f"model.{stack}.layer_norm.{kind}",)
            for layer in range(layers):
                for ours, stock in names.items():
                    yield (
                        f"{stack}.{layer}.{ours}.{kind}",
                        tuple(f"model.{stack}.layers.{layer}.{name}.{kind}" for name in stock),
                    )


def tied_names(config: ModelConfig) -> dict[str, tuple[str, ...]]:
    """List the stock names that repeat another tensor of the same model.

    Args:
        config: The numbers of the model.

    Returns:
        For each name that is kept, those that must hold the same numbers.
    """
    if shares_inputs(config):
        return {SHARED: (SOURCE, TARGET, HEAD)}
    return {TARGET: (HEAD,)} if config.tie_word_embeddings else {}


def stock_state(model: Transformer) -> dict[str, Tensor]:
    """Name a model's weights as its stock class does, each shared matrix once.

    Args:
        model: The model.

    Returns:
        Copies that share no memory with the model or each other, so that what a converter does to
        them in place cannot reach the model.
    """
    ours = model.state_dict()
    state = {}
    for name, stock in stock_names(model.config):
        tensor = ours[name]
        if name == "logits_bias":
            tensor = tensor[None]
        for part_name, part in zip(stock, tensor.chunk(len(stock)), strict=True):
            state[part_name] = part.detach().clone().contiguous()
    if _has_idle_matrix(model.config):
        state[SHARED] = state[SOURCE].clone()
    return state


def _has_idle_matrix(config: ModelConfig) -> bool:
    """Whether the stock class has a shared embedding that it never looks into."""
    shared = getattr(config, "share_encoder_decoder_embeddings", True)
    return bool(shared and not config.tie_word_embeddings)


def merged_state(model: Transformer, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights with stock names under our own.

    Args:
        model: A model of the shape that they are to have.
        state: Weights as ``stock_state`` or the stock class's ``state_dict`` give them.

    Returns:
        What ``load_state_dict`` takes.

    Raises:
        ModelError: One line with every tensor that is missing, unknown, of another shape, or
            different from the one that it should repeat.
    """
    state = {name: tensor for name, tensor in state.items() if name not in COMPUTED}
    if _has_idle_matrix(model.config) and SHARED in state:
        # Files older than transformers 5 hold the input embedding under this name alone.
        shared = state.pop(SHARED)
        state = {SOURCE: shared, TARGET: shared} | state
    problems = _merge_tied(model.config, state)
    ours = model.state_dict()
    if "final_logits_bias" in state:
        state["final_logits_bias"] = state["final_logits_bias"].reshape(-1)
    merged = {}
    for name, stock in stock_names(model.config):
        parts = [state.pop(part) for part in stock if part in state]
        if len(parts) < len(stock):
            problems.append(f"{' or '.join(stock)} is missing")
            continue
        rows, *rest = ours[name].shape
        if [part.shape for part in parts] != [torch.Size([rows // len(parts), *rest])] * len(parts):
            problems.append(
                f"{'+'.join(stock)} has shape '{_rows_and_rest(parts)}', "
                f"'{list(ours[name].shape)}' is needed"
            )
            continue
        merged[name] = torch.cat(parts)
    problems += [f"{name} is unknown" for name in sorted(state)]
    if problems:
        raise ModelError(
            f"{model.config.model_type} weights: {_at_most(problems, 8)}; "
            "check that config.json and the weights belong together"
        )
    return merged


def _rows_and_rest(parts: list[Tensor]) -> list[int]:
    """The shape of stacked tensors, where they can be stacked."""
    try:
        return list(torch.cat(parts).shape)
    except RuntimeError:
        return list(parts[0].shape)


def _merge_tied(config: ModelConfig, state: dict[str, Tensor]) -> list[str]:
    """Leave one of each group of repeated tensors in the state, under the name that is kept."""
    problems = []
    for kept, repeats in tied_names(config).items():
        found = {name: state.pop(name) for name in (kept, *repeats) if name in state}
        if not found:
            continue
        first_name, first = next(iter(found.items()))
        problems += [
            f"{name} differs from {first_name}, which config.json calls the same"
            for name, tensor in found.items()
            if not torch.equal(tensor, first)
        ]
        state[kept] = first
    return problems


def _at_most(problems: list[str], most: int) -> str:
    more = [f"and {len(problems) - most} more"] if len(problems) > most else []
    return "; ".join(problems[:most] + more)


def load_model(folder: Path, *, config: ModelConfig | None = None) -> Transformer:
    """Load any stock ``m2m_100`` or ``marian`` folder: ours, NLLB, M2M100, opus-mt.

    Weights are read from safetensors, or from the ``pytorch_model.bin`` of older models in a way
    that lets it hold nothing but numbers, because a pickle can run code. They are held in 32 bits
    whatever the file holds. Layer dropping, a training-time setting of some published models that
    this package does not know, is switched off in the returned model's configuration.

    Args:
        folder: A folder with ``config.json`` and ``model.safetensors``, or its shards, or
            ``pytorch_model.bin``.
        config: Instead of the folder's, such as one with other dropout.

    Returns:
        The model, in evaluation mode.

    Raises:
        ModelError: A file is missing or damaged, describes another kind of model, or holds
            numbers that are not finite.
    """
    config = config or read_config(folder)
    state = {name: tensor.float() for name, tensor in read_weights(folder).items()}
    refuse_not_finite(state, where=folder)
    if config.model_type == "marian" and "final_logits_bias" not in state:
        # Stock loading fills this gap with zeros too.
        state["final_logits_bias"] = torch.zeros(config.vocab_size)
    with NoFirstWeights():
        with torch.device("meta"):  # numbers that do not fit the weights may ask for any memory
            shapes = Transformer(config)
        merged = merged_state(shapes, state)
        model = Transformer(config)
    model.load_state_dict(merged)
    return model.eval()


class NoFirstWeights(TorchFunctionMode):
    """Inside the block new modules draw no random weights: loaded ones replace them at once.

    Drawing takes seconds for a large model, moves the random generator, and on torch's ``meta``
    device loads its compiler, a second of every start.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Hand back as it is what was to be filled with random numbers."""
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") in DRAWS:
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


def read_config(folder: Path) -> ModelConfig:
    """Read the numbers of a stock model; layer dropping is switched off.

    Raises:
        ModelError: There is no configuration, or that of another kind of model.
    """
    path = folder / "config.json"
    needed = "the config.json of a stock model folder"
    kind = read_json_object(path, error=ModelError, needed=needed).get("model_type")
    if kind not in FAMILIES:
        raise ModelError(
            f"{path}: model_type is '{kind}', 'm2m_100' or 'marian' is needed; "
            "use the transformers engine for other architectures"
        )
    config: ModelConfig = read_stock_config(folder)
    check_numbers(config, where=path)
    return config


def read_stock_config(folder: Path) -> Any:
    """Read the numbers of a model of any class; layer dropping is switched off.

    Raises:
        ModelError: The library cannot read them.
    """
    with explaining(folder):
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    for name in ("encoder_layerdrop", "decoder_layerdrop"):
        if getattr(config, name, 0):
            setattr(config, name, 0.0)
    config._name_or_path = ""  # it would be saved, and tell about folders of this machine
    return config


@dataclass(frozen=True)
class SearchDefaults:
    """How a model's folder says that it is meant to be decoded."""

    beams: int = 5
    length_penalty: float = 1.0
    no_repeat_ngram: int = 0
    max_length: int | None = None
    """Most pieces of an output, the start piece included; None is all that a model has places for,
    as models of ours always say."""
    first_id: int | None = None
    """The piece every output begins with, a language tag."""


def save_model(model: Transformer, folder: Path, *, search: SearchDefaults | None = None) -> None:
    """Write a stock model folder: ``AutoModelForSeq2SeqLM`` loads it without any code of ours.

    The tokenizer, without which no model should travel, is written by its own module.

    Args:
        model: The model.
        folder: Where to write; made if it does not exist.
        search: What stock ``generate`` does where a caller asks for nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = model.config
    config.dtype = "float32"
    config.to_json_file(folder / "config.json", use_diff=False)
    state = {name: tensor.float().cpu() for name, tensor in stock_state(model).items()}
    write_weights(state, folder / "model.safetensors")
    (folder / "model.safetensors").chmod(0o644)  # safetensors lets nobody else read its files
    write_json(
        folder / "generation_config.json", generation_settings(config, search or SearchDefaults())
    )


def generation_settings(config: ModelConfig, search: SearchDefaults) -> dict[str, object]:
    """Say how a model of ours is meant to be decoded, in the words of ``generation_config.json``.

    Stock ``generate`` reads these and nothing else. ``early_stopping`` is what makes its beam
    search agree with that of CTranslate2.

    Args:
        config: The numbers of the model.
        search: Beams and the like.

    Returns:
        The content of the file.
    """
    settings: dict[str, object] = {
        "pad_token_id": config.pad_token_id,
        "eos_token_id": config.eos_token_id,
        "decoder_start_token_id": config.decoder_start_token_id,
        "bad_words_ids": [[config.pad_token_id]],
        "max_length": config.max_position_embeddings,
        "num_beams": search.beams,
        "early_stopping": search.beams > 1,
        "length_penalty": search.length_penalty,
        "no_repeat_ngram_size": search.no_repeat_ngram,
    }
    if config.bos_token_id is not None:
        settings["bos_token_id"] = config.bos_token_id
    if search.first_id is not None:
        settings["forced_bos_token_id"] = search.first_id
    if config.model_type == "marian":
        settings["forced_eos_token_id"] = config.forced_eos_token_id
    return settings
