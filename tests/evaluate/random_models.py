"""Models with random weights that know every word they are shown."""

import re
from collections.abc import Iterable

import tokenizers
import torch
from tokenizers import models, pre_tokenizers, processors

from seq2seq.context import ContextFormat, SideFormat
from seq2seq.decode.options import DecodeOptions
from seq2seq.model.config import build_config
from seq2seq.model.transformer import Transformer
from seq2seq.tokenizer import Tokenizer
from seq2seq.translate import Translator

SEPARATOR = "|"


def random_translator(
    texts: Iterable[str], *, seed: int = 1, positions: int = 64, context: tuple[int, int] = (0, 0)
) -> Translator:
    """One piece a word; different inputs have different outputs.

    Args:
        texts: what it must know.
        seed: of its weights.
        positions: the most pieces it reads or writes.
        context: sentences before that it takes on the source and on the target side.
    """
    found = {word for text in texts for word in re.findall(r"\w+|[^\w\s]", text)}
    words = [SEPARATOR, *sorted(found - {SEPARATOR})]
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *words]
    backend = tokenizers.Tokenizer(
        models.WordLevel({piece: number for number, piece in enumerate(pieces)}, unk_token="<unk>")
    )
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 2)]
    )
    backend.add_special_tokens(pieces[:4])
    names = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    config = build_config(
        "m2m_100", vocab_size=len(pieces), width=16, ffn_width=32, heads=2, encoder_layers=1,
        decoder_layers=1, dropout=0.0, attention_dropout=0.0, activation_dropout=0.0,
        activation="relu", scale_embedding=True, max_positions=positions,
    )  # fmt: skip
    torch.manual_seed(seed)
    model = Transformer(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "cross_attention.key_value" in name or "cross_attention.output" in name:
                parameter.mul_(20)
    options = DecodeOptions(beams=2, max_length_factor=0, max_length_offset=12)
    pieces_between = (len(pieces) - len(words),)
    form = ContextFormat(*(SideFormat(sentences, pieces_between) for sentences in context))
    tokenizer = Tokenizer(backend, names)
    return Translator(model, tokenizer, options, context=form if any(context) else None)
