"""Stock folders as they lie on the Hub, one for each family, small and the same on every machine.

Weights come from whole numbers and are exact in 32 bits, so what another program made of a folder
once can be written down and compared with for ever.
"""

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForSeq2SeqLM
from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES as M2M_CODES
from transformers.models.mbart.tokenization_mbart import FAIRSEQ_LANGUAGE_CODES as MBART_CODES
from transformers.models.mbart50.tokenization_mbart50 import FAIRSEQ_LANGUAGE_CODES as MBART50_CODES
from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES as NLLB_CODES

from tests.pipeline.vocabularies import (
    TARGET_WORDS,
    pieces,
    write_byte_pairs,
    write_sentencepiece,
    write_tagged,
    write_vocabulary,
)

POSITIONS = 40
SIZES = {
    "d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 24, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
    "max_position_embeddings": POSITIONS, "is_encoder_decoder": True,
}  # fmt: skip
FAIRSEQ_IDS = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
Settings = tuple[dict[str, Any], dict[str, Any]]
"""What ``config.json`` and ``generation_config.json`` say."""


def write_family(family: str, folder: Path) -> Path:
    """Write a whole stock folder.

    Args:
        family: One of `FAMILIES` or `WITHOUT_ANSWERS`.
        folder: Where; made if it does not exist.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config, generation = (FAMILIES | WITHOUT_ANSWERS)[family](folder)
    write_json(folder / "config.json", config)
    if generation:
        write_json(folder / "generation_config.json", generation)
    write_weights(folder)
    return folder


def write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")


def write_weights(folder: Path) -> None:
    """Weights for a ``config.json``: a function of the name and the place of each number."""
    with torch.device("meta"):
        model = AutoModelForSeq2SeqLM.from_config(AutoConfig.from_pretrained(folder))
    tied = set(model.all_tied_weights_keys)
    state = {
        name: torch.from_numpy(numbers(name, tuple(tensor.shape)))
        for name, tensor in model.state_dict().items()
        if name not in tied
    }
    if "final_logits_bias" in state:
        state["final_logits_bias"][:] = 0
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})


def numbers(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Even draws by a 64-bit congruential generator (Knuth's constants), scaled by a power of 2."""
    state = np.uint64(zlib.crc32(name.encode()))
    steps = np.arange(1, int(np.prod(shape)) + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        mixed = (steps * np.uint64(2**32 + 15) + state) * np.uint64(6364136223846793005)
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(1442695040888963407)
    even = (mixed >> np.uint64(48)).astype(np.float32) / 2**15 - 1
    # Small embeddings: tied to the output, large ones would only repeat the last piece.
    norm = "norm" in name and name.endswith("weight")
    scale = 0.25 if norm or "embed" in name or "shared" in name else 1.0
    return (even * np.float32(scale) + np.float32(norm)).reshape(shape)


def marian(folder: Path) -> Settings:
    """opus-mt: two SentencePiece models, one vocabulary, tags of target languages in the text."""
    for name, words in (("source.spm", None), ("target.spm", TARGET_WORDS)):
        write_sentencepiece(folder / name, ["<unk>", "<s>", "</s>"], *([words] if words else []))
    tags = (">>fra<<", ">>deu<<")
    listed = ["</s>", "<unk>", *tags, *pieces(), *pieces(TARGET_WORDS), "<pad>"]
    size = write_vocabulary(folder / "vocab.json", listed)
    write_json(folder / "tokenizer_config.json", {"source_lang": "en", "target_lang": "de"})
    ids = {
        "pad_token_id": size - 1, "eos_token_id": 0, "decoder_start_token_id": size - 1,
        "forced_eos_token_id": 0,
    }  # fmt: skip
    config = SIZES | ids | {
        "model_type": "marian", "vocab_size": size, "decoder_vocab_size": size,
        "scale_embedding": True, "activation_function": "swish",
    }  # fmt: skip
    search = {"bad_words_ids": [[size - 1]], "max_length": POSITIONS, "num_beams": 6}
    return config, ids | search


def m2m_100(folder: Path) -> Settings:
    """M2M100: SentencePiece, and language codes behind its vocabulary."""
    write_sentencepiece(folder / "sentencepiece.bpe.model", ["<unk>", "<s>", "</s>"], kind="BPE")
    listed = ["<s>", "<pad>", "</s>", "<unk>", *pieces()]
    size = write_vocabulary(folder / "vocab.json", listed) + len(M2M_CODES["m2m100"]) + 8
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "M2M100Tokenizer"})
    tags = [f"__{code}__" for code in M2M_CODES["m2m100"]]
    write_json(folder / "special_tokens_map.json", {"additional_special_tokens": tags})
    return _tagged("m2m_100", size, max_length=24)


def nllb(folder: Path) -> Settings:
    """NLLB: ``tokenizer.json`` with its language codes."""
    size = write_tagged(folder / "tokenizer.json", ["eng_Latn", *NLLB_CODES])
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "NllbTokenizer"})
    return _tagged("m2m_100", size, max_length=24)


def _tagged(kind: str, size: int, **search: Any) -> Settings:
    ids = FAIRSEQ_IDS | {"decoder_start_token_id": 2}
    config = SIZES | ids | {"model_type": kind, "vocab_size": size, "scale_embedding": True}
    return config, ids | search


def mbart(folder: Path) -> Settings:
    """mBART of 25 languages: codes behind the text."""
    write_sentencepiece(folder / "sentencepiece.bpe.model", ["<unk>", "<s>", "</s>"])
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "MBartTokenizer"})
    size = 4 + len(pieces()) + len(MBART_CODES) + 1
    return _tagged("mbart", size, max_length=24, num_beams=5)


def mbart50(folder: Path) -> Settings:
    """mBART of 50 languages: codes before the text."""
    write_sentencepiece(folder / "sentencepiece.bpe.model", ["<unk>", "<s>", "</s>"])
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "MBart50Tokenizer"})
    size = 4 + len(pieces()) + len(MBART50_CODES) + 1
    config, generation = _tagged("mbart", size)
    return config, generation | {"max_length": 24, "forced_eos_token_id": 2}


def t5(folder: Path) -> Settings:
    """T5: what to do is said in the text, and written down under its name in ``config.json``."""
    special = ["<pad>", "</s>", "<unk>"]
    write_sentencepiece(folder / "spiece.model", special)
    write_json(folder / "tokenizer_config.json", {"model_max_length": 32})
    ids = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
    tasks = {
        "summarization": {
            "prefix": "a red fox: ", "min_length": 5, "max_length": 12, "num_beams": 3,
            "no_repeat_ngram_size": 3, "length_penalty": 2.0, "early_stopping": True,
        },
        "translation_en_to_de": {"prefix": "the dog: ", "num_beams": 2, "max_length": 9},
        "translation_en_to_fr": {"prefix": "an owl: ", "num_beams": 3, "early_stopping": True},
    }  # fmt: skip
    config = ids | {
        "model_type": "t5", "d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 1, "num_heads": 2,
        "num_decoder_layers": 1, "n_positions": 32, "is_encoder_decoder": True,
        "vocab_size": len(special) + len(pieces()) + 100, "task_specific_params": tasks,
    }  # fmt: skip
    return config, ids | {"max_length": 20}  # which the old library took for no limit at all


def bart(folder: Path) -> Settings:
    """BART: byte-level pieces, and a search for summaries."""
    size = write_byte_pairs(folder)
    write_json(folder / "tokenizer_config.json", {"model_max_length": POSITIONS})
    ids = FAIRSEQ_IDS | {
        "decoder_start_token_id": 2, "forced_bos_token_id": 0, "forced_eos_token_id": 2,
    }  # fmt: skip
    search = {
        "num_beams": 4, "max_length": 22, "min_length": 6, "no_repeat_ngram_size": 3,
        "length_penalty": 2.0, "early_stopping": True,
    }  # fmt: skip
    return SIZES | ids | {"model_type": "bart", "vocab_size": size}, ids | search


def old_bart(folder: Path) -> Settings:
    """A folder from before ``generation_config.json``: the search stands in ``config.json``."""
    config, generation = bart(folder)
    return config | generation, {}


def pegasus(folder: Path) -> Settings:
    """Pegasus: SentencePiece behind 103 pieces that only its pretraining used."""
    write_sentencepiece(folder / "spiece.model", ["<pad>", "</s>", "<unk>"])
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PegasusTokenizer"})
    ids = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
    size = 103 + 3 + len(pieces())
    config = SIZES | ids | {"model_type": "pegasus", "vocab_size": size, "scale_embedding": False}
    search = {"num_beams": 8, "max_length": 16, "length_penalty": 0.6, "forced_eos_token_id": 1}
    return config, ids | search


def led(folder: Path) -> Settings:
    """LED: reads three times as much as it writes, through a window."""
    config, generation = bart(folder)
    long = {
        "model_type": "led", "max_encoder_position_embeddings": 96, "attention_window": [8],
        "max_decoder_position_embeddings": 32,
    }  # fmt: skip
    kept = {key: value for key, value in config.items() if key != "max_position_embeddings"}
    return kept | long, generation


def mt5(folder: Path) -> Settings:
    """mT5: T5 that was taught no task, and whose output matrix is its own."""
    config, generation = t5(folder)
    own = {"model_type": "mt5", "task_specific_params": None, "tie_word_embeddings": False}
    return config | own | {"feed_forward_proj": "gated-gelu"}, generation


# Another program's answers to all of these are written down beside them.
FAMILIES: dict[str, Callable[[Path], Settings]] = {
    "marian": marian, "m2m_100": m2m_100, "nllb": nllb, "mbart": mbart, "mbart50": mbart50,
    "t5": t5, "bart": bart, "old_bart": old_bart, "pegasus": pegasus,
}  # fmt: skip
WITHOUT_ANSWERS: dict[str, Callable[[Path], Settings]] = {"led": led, "mt5": mt5}
