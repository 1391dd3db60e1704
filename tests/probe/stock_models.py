"""Tiny stock models of every family that the probe must open, with random weights."""

import copy
from typing import Any

import torch
import transformers as hf

VOCABULARY = 60
WIDE = {"vocab_size": VOCABULARY, "d_model": 24, "encoder_attention_heads": 4,
        "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32,
        "encoder_layers": 3, "decoder_layers": 2, "max_position_embeddings": 40, "pad_token_id": 1,
        "bos_token_id": 0, "eos_token_id": 2, "decoder_start_token_id": 2,
        "forced_eos_token_id": None}  # fmt: skip
T5 = {"vocab_size": VOCABULARY, "d_model": 24, "d_kv": 10, "d_ff": 32, "num_layers": 3,
      "num_decoder_layers": 2, "num_heads": 4, "decoder_start_token_id": 0}  # fmt: skip
DEEP = {"vocab_size": VOCABULARY, "hidden_size": 24, "num_hidden_layers": 3,
        "num_attention_heads": 4, "intermediate_size": 32,
        "max_position_embeddings": 40}  # fmt: skip

ENCODER_DECODERS: dict[str, tuple[Any, Any]] = {
    "marian": (hf.MarianMTModel, hf.MarianConfig(**WIDE)),
    "m2m_100": (hf.M2M100ForConditionalGeneration, hf.M2M100Config(**WIDE)),
    "bart": (hf.BartForConditionalGeneration, hf.BartConfig(**WIDE)),
    "mbart": (hf.MBartForConditionalGeneration, hf.MBartConfig(**WIDE)),
    "pegasus": (hf.PegasusForConditionalGeneration, hf.PegasusConfig(**WIDE)),
    "t5": (hf.T5ForConditionalGeneration, hf.T5Config(**T5)),
}
ENCODERS: dict[str, tuple[Any, Any]] = {
    "bert": (hf.BertModel, hf.BertConfig(**DEEP)),
    "roberta": (hf.RobertaModel, hf.RobertaConfig(**DEEP)),
    "distilbert": (
        hf.DistilBertModel,
        hf.DistilBertConfig(vocab_size=VOCABULARY, dim=24, n_layers=3, n_heads=4, hidden_dim=32),
    ),
    "albert": (hf.AlbertModel, hf.AlbertConfig(**DEEP, embedding_size=12)),  # layers share weights
}
DECODERS: dict[str, tuple[Any, Any]] = {
    "gpt2": (
        hf.GPT2LMHeadModel,
        hf.GPT2Config(vocab_size=VOCABULARY, n_embd=24, n_layer=3, n_head=4, n_positions=40),
    ),
    "opt": (  # joins the rows of all texts after attention
        hf.OPTForCausalLM,
        hf.OPTConfig(
            vocab_size=VOCABULARY,
            hidden_size=24,
            num_hidden_layers=3,
            num_attention_heads=4,
            ffn_dim=32,
            word_embed_proj_dim=24,
            max_position_embeddings=40,
        ),
    ),
    "llama": (hf.LlamaForCausalLM, hf.LlamaConfig(**DEEP, num_key_value_heads=2)),
    "gemma2": (  # caps its scores
        hf.Gemma2ForCausalLM,
        hf.Gemma2Config(**DEEP, num_key_value_heads=2, head_dim=6, attn_logit_softcapping=0.5),
    ),
}
FAMILIES = ENCODER_DECODERS | ENCODERS | DECODERS
IMAGE_SIZE, PATCH = 8, 4
VIT = hf.ViTConfig(
    hidden_size=24, num_hidden_layers=2, num_attention_heads=4, intermediate_size=32,
    image_size=IMAGE_SIZE, patch_size=PATCH,
)  # fmt: skip


def build(family: str, *, seed: int = 0) -> Any:
    """Build a stock model whose maps are far from uniform: all its weights are well away from 0."""
    kind, config = FAMILIES[family]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return scatter(kind(copy.deepcopy(config)), seed=seed)


def scatter(model: Any, *, seed: int = 0) -> Any:
    """Move every weight, so that no bias is 0 and no norm is 1."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            if not weight.requires_grad:
                continue  # a table of positions, which is computed and not saved
            weight.add_(torch.randn(weight.shape, generator=draw) * 0.2)
    return model.eval()


def lines(*lengths: int, start: int | None = None, seed: int = 0) -> list[list[int]]:
    """Draw lines of pieces of these lengths, none of them special; `start` replaces the first."""
    draw = torch.Generator().manual_seed(seed)
    drawn = [torch.randint(4, VOCABULARY, (length,), generator=draw).tolist() for length in lengths]
    return drawn if start is None else [[start, *line[1:]] for line in drawn]
