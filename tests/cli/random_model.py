"""A model that has learnt nothing, for tests of what a command does with lines."""

from pathlib import Path
from typing import Any

import torch

from seq2seq.model.stock import save_model
from seq2seq.recipe import Recipe, TokenizerSpec
from seq2seq.recipe_file import parse_recipe
from seq2seq.tokenizer import train_tokenizer
from seq2seq.train.build import build_model

LINES = ["the red fox", "", "a dog. it runs. it runs far.", "   ", "the owl"]


def tiny_recipe(**given: Any) -> Recipe:
    content = {
        "source_language": "en",
        "target_language": "de",
        "data": {"train": [{"file": "a.tsv"}], "dev": {"file": "b.tsv"},
                 "cleaning": {"max_source_pieces": 32, "max_target_pieces": 32}},
        "model": {"width": 16, "ffn_width": 16, "heads": 2, "encoder_layers": 1,
                  "decoder_layers": 1, "max_positions": 32},
    }  # fmt: skip
    return parse_recipe(content | given, where="test")


def write_random_model(folder: Path) -> None:
    """Write a stock folder."""
    spec = TokenizerSpec(kind="bpe", vocab_size=60)
    tokenizer = train_tokenizer(LINES, spec, family="m2m_100", seed=1)
    torch.manual_seed(6)  # whose output is neither empty nor the same for every line
    save_model(build_model(tiny_recipe().model, tokenizer.vocab_size), folder)
    tokenizer.save(folder, max_length=32)
