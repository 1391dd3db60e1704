"""A tokenizer with a piece for each word, and random models that listen to what they read."""

from collections.abc import Sequence

import tokenizers
import torch
from tokenizers import models, pre_tokenizers, processors

from seq2seq.model.config import build_config
from seq2seq.model.transformer import Transformer
from seq2seq.tokenizer import Tokenizer

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]


def word_tokenizer(words: Sequence[str]) -> Tokenizer:
    """One piece for each word and mark, numbered behind the special ones; all else is unknown."""
    pieces = [*SPECIAL, *words]
    backend = tokenizers.Tokenizer(
        models.WordLevel({piece: number for number, piece in enumerate(pieces)}, unk_token="<unk>")
    )
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 2)]
    )
    backend.add_special_tokens(SPECIAL)
    names = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    return Tokenizer(backend, names)


def listening_model(
    vocabulary: int, positions: int, *, seed: int = 1, to: tuple[str, ...] = ("cross_attention",)
) -> Transformer:
    """A random model; new weights listen little, but other inputs are to have other outputs.

    Args:
        vocabulary: Pieces that it knows.
        positions: The most pieces that it reads or writes.
        seed: Of its weights.
        to: Parts of the names of the attentions that are made to listen.
    """
    config = build_config(
        "m2m_100", vocab_size=vocabulary, width=16, ffn_width=32, heads=2, encoder_layers=1,
        decoder_layers=1, dropout=0.0, attention_dropout=0.0, activation_dropout=0.0,
        activation="relu", scale_embedding=True, max_positions=positions,
    )  # fmt: skip
    torch.manual_seed(seed)
    model = Transformer(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            loud = "key_value" in name or "output" in name
            if loud and any(part in name for part in to):
                parameter.mul_(20)
    return model
