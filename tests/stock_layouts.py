"""Small folders laid out as the published ones are: opus-mt, NLLB and M2M100, random weights."""

import io
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from transformers import (
    M2M100Config,
    M2M100ForConditionalGeneration,
    MarianConfig,
    MarianMTModel,
    PreTrainedModel,
)
from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES

ENGLISH = ("the", "robot", "lifts", "a", "heavy", "crane", "because", "it", "was", "newer", "slow")
GERMAN = ("der", "Roboter", "hebt", "einen", "schweren", "Kran", "weil", "er", "neuer", "größer")
TAGS = ("deu_Latn", "eng_Latn", "fra_Latn")
SIZES: dict[str, Any] = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 1, "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48, "encoder_attention_heads": 4, "decoder_attention_heads": 4,
    "dropout": 0.1, "attention_dropout": 0.0, "activation_dropout": 0.0, "scale_embedding": True,
    "max_position_embeddings": 64,
}  # fmt: skip


def sentences(words: Sequence[str], count: int, *, seed: int = 1) -> list[str]:
    """Words of a language in any order, with a capital and an end."""
    drawn = random.Random(seed)
    lines = (" ".join(drawn.choices(words, k=drawn.randint(2, 8))) for _ in range(count))
    return [line[0].upper() + line[1:] + drawn.choice(".!?") for line in lines]


def write_pairs(path: Path, count: int, *, seed: int = 1) -> None:
    """A TSV file of English beside German; the number of words is all they have in common."""
    english, german = (sentences(words, count, seed=seed) for words in (ENGLISH, GERMAN))
    lines = [f"{one}\t{other}\n" for one, other in zip(english, german, strict=True)]
    path.write_text("".join(lines), encoding="utf-8")


def opus_mt(folder: Path) -> Path:
    """As ``Helsinki-NLP/opus-mt-en-de``: two sentencepiece models and one list of their pieces.

    ``tokenizer_config.json`` names no class and ``config.json`` holds the search too, as there.
    """
    folder.mkdir(parents=True)
    pieces = {"</s>": 0, "<unk>": 1}
    for name, words in (("source", ENGLISH), ("target", GERMAN)):
        content = _sentencepiece(sentences(words, 400), "unigram", 45)
        (folder / f"{name}.spm").write_bytes(content)
        for piece in _pieces(content)[3:]:  # behind <unk>, <s> and </s>
            pieces.setdefault(piece, len(pieces))
    pieces["<pad>"] = len(pieces)
    _write_json(folder / "vocab.json", pieces)
    _write_json(folder / "tokenizer_config.json", {"target_lang": "de", "source_lang": "en"})
    pad = len(pieces) - 1
    config = MarianConfig(
        **SIZES, vocab_size=len(pieces), decoder_vocab_size=len(pieces), pad_token_id=pad,
        decoder_start_token_id=pad, bos_token_id=0, eos_token_id=0, activation_function="swish",
        forced_eos_token_id=0,
    )  # fmt: skip
    model = _random(MarianMTModel(config))
    with torch.no_grad():
        model.model.shared.weight[pad] = 0
        model.final_logits_bias[:, :-1] = torch.randn(pad) * 0.1
    _save(model, folder)
    search = {"num_beams": 6, "max_length": 64, "bad_words_ids": [[pad]]}
    odd = {"_num_labels": 3, "add_bias_logits": False, "normalize_before": False}
    written = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    _write_json(folder / "config.json", written | search | odd)
    _write_json(
        folder / "generation_config.json",
        search | {"decoder_start_token_id": pad, "eos_token_id": 0, "pad_token_id": pad,
                  "forced_eos_token_id": 0, "renormalize_logits": True},
    )  # fmt: skip
    return folder


def nllb(folder: Path) -> Path:
    """As ``facebook/nllb-200-distilled-600M``: one vocabulary, language tags behind it."""
    folder.mkdir(parents=True)
    content = _sentencepiece(sentences(ENGLISH + GERMAN, 600), "bpe", 90)
    (folder / "sentencepiece.bpe.model").write_bytes(content)
    _write_json(
        folder / "tokenizer_config.json",
        {"tokenizer_class": "NllbTokenizer", "additional_special_tokens": list(TAGS),
         "bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "mask_token": "<mask>",
         "pad_token": "<pad>", "sep_token": "</s>", "unk_token": "<unk>", "src_lang": None,
         "tgt_lang": None, "model_max_length": 1024},
    )  # fmt: skip
    size = len(_pieces(content)) + 1 + len(TAGS) + 1 + 2  # one row of <pad>, the mask, two spare
    _save(_random(_m2m_100(size, "relu")), folder)
    return folder


def m2m100(folder: Path) -> Path:
    """As ``facebook/m2m100_418M``: a list of pieces, tags and made-up words behind them."""
    folder.mkdir(parents=True)
    content = _sentencepiece(sentences(ENGLISH + GERMAN, 600), "bpe", 90)
    (folder / "sentencepiece.bpe.model").write_bytes(content)
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *_pieces(content)[3:]]
    _write_json(folder / "vocab.json", {piece: number for number, piece in enumerate(pieces)})
    _write_json(
        folder / "tokenizer_config.json",
        {"tokenizer_class": "M2M100Tokenizer", "bos_token": "<s>", "eos_token": "</s>",
         "pad_token": "<pad>", "sep_token": "</s>", "unk_token": "<unk>", "src_lang": None,
         "tgt_lang": None, "language_codes": "m2m100", "num_madeup_words": 8,
         "model_max_length": 1024},
    )  # fmt: skip
    codes = FAIRSEQ_LANGUAGE_CODES["m2m100"]
    tags = {"additional_special_tokens": [f"__{code}__" for code in codes]}
    _write_json(folder / "special_tokens_map.json", tags)
    size = len(pieces) + len(codes) + 8
    _save(_random(_m2m_100(size, "relu")), folder)
    return folder


def _m2m_100(size: int, activation: str) -> M2M100ForConditionalGeneration:
    return M2M100ForConditionalGeneration(
        M2M100Config(
            **SIZES,
            vocab_size=size,
            activation_function=activation,
            bos_token_id=0,
            pad_token_id=1,
            eos_token_id=2,
            decoder_start_token_id=2,
            encoder_layerdrop=0.05,
            decoder_layerdrop=0.05,
        )
    )


def _random(model: PreTrainedModel) -> Any:
    """Weights large enough that sources and options matter."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(noise * (0.05 if parameter.ndim == 1 else 0.1))
            if "encoder_attn" in name:
                parameter.mul_(3)
    return model.eval()


def _save(model: PreTrainedModel, folder: Path) -> None:
    model.save_pretrained(folder)


def _sentencepiece(lines: Sequence[str], kind: str, size: int) -> bytes:
    stream = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=stream, model_type=kind, vocab_size=size,
        minloglevel=2, num_threads=1, hard_vocab_limit=kind == "bpe",
    )  # fmt: skip
    return stream.getvalue()


def _pieces(content: bytes) -> list[str]:
    processor = sentencepiece.SentencePieceProcessor(model_proto=content)
    return [processor.id_to_piece(number) for number in range(processor.get_piece_size())]


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
