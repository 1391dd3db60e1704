"""From numbers in a recipe to a model, an optimizer and a number format."""

from typing import Any

import torch
from accelerate import PartialState
from torch import nn
from transformers import AutoModelForSeq2SeqLM

from seq2seq.data.batches import Batch
from seq2seq.model.config import build_config
from seq2seq.model.stock_shape import build_stock_config
from seq2seq.model.transformer import Transformer
from seq2seq.recipe import ModelSpec, Recipe
from seq2seq.train.criterion.criterion import TARGET_TOKENS, Criterion, Update
from seq2seq.train.hardware import random_state_kept, wait_for
from seq2seq.train.precision import (
    HALVES,
    LEAST_TURNS,
    MOST_TURNS,
    Precision,
    PrecisionTrial,
    half_precision,
    try_precisions,
)
from seq2seq.train.sharding import is_sharded

# A multiplication and an addition, forward and twice backward.
FLOPS_PER_WEIGHT = 6
# What their names hold in the decoders of BART and its kin, and of T5.
CROSS_KEYS_AND_VALUES = (
    "encoder_attn.k_proj",
    "encoder_attn.v_proj",
    "EncDecAttention.k.",
    "EncDecAttention.v.",
)


def build_stock_model(spec: ModelSpec, vocab_size: int) -> Any:
    """A class of transformers in a recipe's shape, with new random weights."""
    config = build_stock_config(
        spec.family,
        vocab_size=vocab_size,
        numbers=spec.model_dump(),
        activation=spec.activation,
        positions=spec.max_positions,
        window=spec.attention_window,
    )
    return AutoModelForSeq2SeqLM.from_config(config, trust_remote_code=False)


def build_model(spec: ModelSpec, vocab_size: int) -> Transformer:
    """Our model in a recipe's shape, with new random weights."""
    numbers = spec.model_dump(exclude={"attention_window"})  # of LED alone
    return Transformer(build_config(**numbers, vocab_size=vocab_size))


def build_optimizer(criterion: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW of what is not frozen; weight decay, if any, only for matrices."""
    spec = recipe.train
    learning = [p for p in criterion.parameters() if p.requires_grad]
    matrices = [p for p in learning if p.ndim > 1]
    others = [p for p in learning if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": spec.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=spec.peak_lr, betas=(0.9, spec.adam_beta2), fused=True)


def flops_per_token(model: Transformer) -> tuple[float, float]:
    """Floating-point operations of training for a source and for a target token.

    Six for each weight of a matrix that the token meets; attention scores, a few percent of short
    sentences, are left out.

    Source:
        Kaplan et al. 2020 (arXiv:2001.08361) §2.1.
    """
    config = model.config
    width = config.d_model
    ffn = {"encoder": config.encoder_ffn_dim, "decoder": config.decoder_ffn_dim}
    encoder = config.encoder_layers * (4 * width**2 + 2 * width * ffn["encoder"])
    memory = config.decoder_layers * 2 * width**2
    decoder = config.decoder_layers * (6 * width**2 + 2 * width * ffn["decoder"])
    head = config.vocab_size * width
    return FLOPS_PER_WEIGHT * (encoder + memory), FLOPS_PER_WEIGHT * (decoder + head)


def stock_flops_per_token(model: Any) -> tuple[float, float]:
    """The same of a stock class, from the sizes of the matrices of its two stacks.

    The decoder's matrices that read the source, a key and a value in each layer, meet its tokens.
    """
    counted = {"encoder": 0, "decoder": 0, "memory": 0}
    for stack in ("encoder", "decoder"):
        for name, weight in getattr(model, f"get_{stack}")().named_parameters():
            if weight.ndim != 2 or "embed" in name or "relative_attention_bias" in name:
                continue
            reads = any(part in name for part in CROSS_KEYS_AND_VALUES)
            counted["memory" if reads else stack] += weight.numel()
    head = model.get_output_embeddings().weight.numel()
    source = counted["encoder"] + counted["memory"]
    return FLOPS_PER_WEIGHT * source, FLOPS_PER_WEIGHT * (counted["decoder"] + head)


def compare_precisions(criterion: Criterion, batch: Batch, state: PartialState) -> PrecisionTrial:
    """Time a forward and backward pass in each number format; leaves no trace in the model."""
    device = state.device
    counts = {TARGET_TOKENS: batch.target_tokens, **criterion.counts(batch)}
    update = Update(1, {name: torch.tensor(float(n), device=device) for name, n in counts.items()})

    def work(precision: Precision) -> None:
        half = HALVES.get(precision)
        with torch.autocast(device.type, half or torch.bfloat16, enabled=half is not None):
            loss = criterion(batch.to(device), update).loss
        (loss / batch.target_tokens).backward()
        criterion.zero_grad(set_to_none=True)
        wait_for(device)

    if not is_sharded(criterion):
        criterion.to(device)
    criterion.train()
    # Processes that share weights out must all take as many turns, whatever their clocks say.
    turns = LEAST_TURNS if is_sharded(criterion) else MOST_TURNS
    with random_state_kept(device):
        return try_precisions(work, half=half_precision(device), turns=turns)
