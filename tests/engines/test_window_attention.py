"""LED reads as BART does where its window covers the text, and otherwise where the text is longer.

Both are transformers' classes with the same weights, so that only the window tells them apart.
"""

import pytest
import torch
from transformers import BartForConditionalGeneration, LEDForConditionalGeneration

from seq2seq.decode.options import DecodeOptions
from seq2seq.engines.stock import StockEngine
from seq2seq.recipe import ModelSpec
from seq2seq.train.build import build_stock_model

PIECES = 40
OPTIONS = DecodeOptions(beams=2, max_length_factor=1.0, max_length_offset=4)


def model_of(family: str, window: int) -> torch.nn.Module:
    shape = {
        "family": family, "width": 32, "ffn_width": 64, "heads": 2, "encoder_layers": 2,
        "decoder_layers": 1, "max_positions": 64, "attention_window": window,
        "scale_embedding": False,
    }  # fmt: skip
    torch.manual_seed(2)
    return build_stock_model(ModelSpec.model_validate(shape), PIECES).eval()


def led_with_weights_of(bart: BartForConditionalGeneration, window: int) -> StockEngine:
    """LED whose local and global attention both compute what BART's attention computes."""
    led: LEDForConditionalGeneration = model_of("led", window)  # type: ignore[assignment]
    weights = bart.state_dict()
    renamed = {}
    for name, old in led.state_dict().items():
        theirs = name.replace("led.", "model.")
        for ours, other in (("query", "q_proj"), ("key", "k_proj"), ("value", "v_proj")):
            theirs = theirs.replace(f"longformer_self_attn.{ours}_global", other)
            theirs = theirs.replace(f"longformer_self_attn.{ours}", other)
        theirs = theirs.replace("self_attn.output", "self_attn.out_proj")
        new = weights[theirs]
        # BART's table of positions begins with two rows that are never read.
        renamed[name] = new[-len(old) :] if "embed_positions" in name else new
    led.load_state_dict(renamed)
    return StockEngine(led)


@pytest.mark.parametrize(("window", "same"), [(64, True), (4, False)])
def test_where_the_window_covers_the_text_attention_is_full(window: int, same: bool) -> None:
    bart: BartForConditionalGeneration = model_of("bart", window)  # type: ignore[assignment]
    for weights in bart.parameters():
        weights.data *= 8  # so small at first that attention hardly matters
    random = torch.Generator().manual_seed(3)
    sources = [
        [*torch.randint(4, PIECES, (length,), generator=random).tolist(), 2]
        for length in (3, 17, 30)
    ]
    full = StockEngine(bart).search(sources, OPTIONS)
    windowed = led_with_weights_of(bart, window).search(sources, OPTIONS)
    scores = [[one.log_probability for one in beams] for beams in (*full, *windowed)]
    close = [a == pytest.approx(b, abs=1e-4) for a, b in zip(scores[:3], scores[3:], strict=True)]
    assert close == [True] * 3 if same else not all(close)
    if same:
        assert [[one.ids for one in beams] for beams in full] == [
            [one.ids for one in beams] for beams in windowed
        ]
