"""Stock folders of random models that find some outputs clearly better than others, and pairs."""

import json
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch

from seq2seq.families import Family
from seq2seq.model.config import build_config
from seq2seq.model.stock import SearchDefaults, save_model
from seq2seq.model.transformer import Transformer
from seq2seq.recipe import TokenizerSpec
from seq2seq.tokenizer import Tokenizer, train_tokenizer

POSITIONS = 24
WORDS = ("the", "red", "fox", "sees", "a", "dog", "and", "an", "old", "owl", "runs", "far", "from")


def random_text(count: int, *, seed: int = 1) -> list[str]:
    """Lines of words in any order."""
    generator = random.Random(seed)
    return [" ".join(generator.choices(WORDS, k=generator.randint(1, 6))) for _ in range(count)]


@cache
def small_tokenizer(family: Family) -> Tokenizer:
    """A vocabulary of pieces shorter than words."""
    spec = TokenizerSpec(kind="bpe", vocab_size=48)
    return train_tokenizer(random_text(60), spec, family=family, seed=1)


def random_model(family: Family, vocabulary: int, **changes: Any) -> Transformer:
    """A model whose every weight is random and large enough to matter."""
    torch.manual_seed(4)
    numbers: dict[str, Any] = {
        "width": 32, "ffn_width": 48, "heads": 4, "encoder_layers": 2, "decoder_layers": 2,
        "dropout": 0.0, "attention_dropout": 0.0, "activation_dropout": 0.0, "activation": "relu",
        "scale_embedding": True, "max_positions": POSITIONS,
    }  # fmt: skip
    config = build_config(family, vocab_size=vocabulary, **(numbers | changes))
    model = Transformer(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "cross_attention" in name:  # so that different sources have different outputs
                parameter.mul_(3)
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.2)
        if model.logits_bias is not None:
            model.logits_bias[:-1] += torch.randn(vocabulary - 1) * 0.2
        model.embedding.weight[config.pad_token_id] = 0
    return model


def save_folder(model: Transformer, tokenizer: Tokenizer, folder: Path, *, beams: int = 4) -> Path:
    """The stock folder of a model."""
    save_model(model, folder, search=SearchDefaults(beams=beams))
    tokenizer.save(folder, max_length=POSITIONS)
    return folder


def small_folder(family: Family, folder: Path, **changes: Any) -> Path:
    """A stock folder of a random model."""
    tokenizer = small_tokenizer(family)
    return save_folder(random_model(family, tokenizer.vocab_size, **changes), tokenizer, folder)


def write_pairs(path: Path, count: int = 100, *, extra: tuple[str, ...] = ()) -> Path:
    """A TSV file of pairs; what is extra comes first."""
    lines = [
        *extra,
        *map(
            "\t".join,
            zip(random_text(count, seed=2), random_text(count, seed=3), strict=True),
        ),
    ]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def edit_json(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change a JSON file in place."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
