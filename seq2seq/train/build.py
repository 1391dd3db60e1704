"""From numbers in a recipe to a model, an optimizer and a number format."""

import torch
from accelerate import PartialState
from torch import nn

from seq2seq.data.batches import Batch
from seq2seq.model.config import build_config
from seq2seq.model.transformer import Transformer
from seq2seq.recipe import Recipe
from seq2seq.train.hardware import Precision, PrecisionTrial, try_precisions, wait_for
from seq2seq.train.trainee import Trainee

# A multiplication and an addition, forward and twice backward.
FLOPS_PER_WEIGHT = 6


def build_model(recipe: Recipe, vocab_size: int) -> Transformer:
    """The recipe's model with new random weights."""
    spec = recipe.model
    return Transformer(
        build_config(
            spec.family,
            vocab_size=vocab_size,
            width=spec.width,
            ffn_width=spec.ffn_width,
            heads=spec.heads,
            encoder_layers=spec.encoder_layers,
            decoder_layers=spec.decoder_layers,
            dropout=spec.dropout,
            attention_dropout=spec.attention_dropout,
            activation_dropout=spec.activation_dropout,
            activation=spec.activation,
            scale_embedding=spec.scale_embedding,
            max_positions=spec.max_positions,
        )
    )


def build_optimizer(trainee: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW; weight decay, if any, only for matrices."""
    spec = recipe.train
    matrices = [p for p in trainee.parameters() if p.ndim > 1]
    others = [p for p in trainee.parameters() if p.ndim <= 1]
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


def compare_precisions(trainee: Trainee, batch: Batch, state: PartialState) -> PrecisionTrial:
    """Time a forward and backward pass in each number format; leaves no trace in the model."""

    def work(precision: Precision) -> None:
        device, mask = state.device, batch.source_mask
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            loss = trainee(
                batch.source_ids.to(device),
                None if mask is None else mask.to(device),
                batch.target_ids.to(device),
            ).loss
        (loss / batch.target_tokens).backward()
        trainee.zero_grad(set_to_none=True)
        wait_for(device)

    trainee.to(state.device).train()
    with torch.random.fork_rng():
        return try_precisions(work)
