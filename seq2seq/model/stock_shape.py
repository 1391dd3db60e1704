"""The numbers of a stock encoder-decoder, in a recipe's words whatever its class calls them."""

from collections.abc import Mapping
from typing import Any, Literal

from transformers import AutoConfig

from seq2seq.errors import ModelError

# What a recipe says of a model, and what the classes call it.
T5_NAMES: Mapping[str, str] = {
    "width": "d_model",
    "ffn_width": "d_ff",
    "heads": "num_heads",
    "encoder_layers": "num_layers",
    "decoder_layers": "num_decoder_layers",
    "dropout": "dropout_rate",
}
BART_NAMES: Mapping[str, str] = {
    "width": "d_model",
    "ffn_width": "encoder_ffn_dim",
    "heads": "encoder_attention_heads",
    "encoder_layers": "encoder_layers",
    "decoder_layers": "decoder_layers",
    "dropout": "dropout",
    "attention_dropout": "attention_dropout",
    "activation_dropout": "activation_dropout",
    "scale_embedding": "scale_embedding",
}
STOCK_NAMES: Mapping[str, Mapping[str, str]] = {
    "t5": T5_NAMES,
    "mt5": T5_NAMES,
    "bart": BART_NAMES,
    "mbart": BART_NAMES,
    "pegasus": BART_NAMES,
    "led": {ours: theirs for ours, theirs in BART_NAMES.items() if ours != "scale_embedding"},
}
# T5 knows how far apart two pieces are and not where they stand, so it reads any length; this is
# only a bound on what memory can hold.
NO_POSITIONS = 16384


# The ids of special pieces in a vocabulary of ours, and which of them decoding starts with.
OWN_IDS = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
T5_START, BART_START = 1, 2


def build_stock_config(
    family: str,
    *,
    vocab_size: int,
    numbers: Mapping[str, Any],
    activation: str,
    positions: int,
    window: int,
) -> Any:
    """The configuration of a stock class for a vocabulary of ours.

    Args:
        family: One of ``STOCK_NAMES``.
        vocab_size: Pieces in the joint vocabulary, special pieces included.
        numbers: The shape in a recipe's words; what the class does not have is left out.
        activation: Of the feed-forward blocks.
        positions: The longest source or target.
        window: For LED, how many pieces a source piece sees.

    Returns:
        The configuration.
    """
    names = STOCK_NAMES[family]
    values = {theirs: numbers[ours] for ours, theirs in names.items()}
    if names is T5_NAMES:
        values |= {
            "d_kv": numbers["width"] // numbers["heads"],
            "feed_forward_proj": activation,
            "n_positions": positions,
            "decoder_start_token_id": T5_START,
        }
    else:
        values |= {
            "decoder_ffn_dim": numbers["ffn_width"],
            "decoder_attention_heads": numbers["heads"],
            "activation_function": activation,
            "max_position_embeddings": positions,
            "decoder_start_token_id": BART_START,
            "encoder_layerdrop": 0.0,
            "decoder_layerdrop": 0.0,
            "forced_eos_token_id": None,
        }
    if family == "led":
        values |= {
            "max_encoder_position_embeddings": positions,
            "max_decoder_position_embeddings": positions,
            "attention_window": window,
        }
    return AutoConfig.for_model(family, vocab_size=vocab_size, **OWN_IDS, **values)


def source_positions(config: Any) -> int:
    """The most pieces that a stock model can read.

    Raises:
        ModelError: Its configuration does not say.
    """
    return _positions(config, "encoder")


def target_positions(config: Any) -> int:
    """The most pieces that a stock model can write.

    Raises:
        ModelError: Its configuration does not say.
    """
    return _positions(config, "decoder")


def _positions(config: Any, side: Literal["encoder", "decoder"]) -> int:
    if STOCK_NAMES.get(config.model_type) is T5_NAMES:
        return NO_POSITIONS
    names = (f"max_{side}_position_embeddings", "max_position_embeddings", "n_positions")
    for place in (config, getattr(config, side, None)):  # the second of two models in one
        for name in names:
            if getattr(place, name, None):
                return int(getattr(place, name))
    raise ModelError(
        "transformers engine: config.json does not say how many positions the model has, "
        "needed max_position_embeddings or n_positions"
    )


def stock_facts(config: Any) -> dict[str, Any]:
    """The shape of a stock model in the words of a recipe's section ``model``, dropout left out."""
    names = STOCK_NAMES[config.model_type]
    shape = {ours: getattr(config, theirs) for ours, theirs in names.items()}
    facts = {name: value for name, value in shape.items() if "dropout" not in name}
    return facts | {"family": config.model_type, "max_positions": source_positions(config)}


def stock_dropouts(config: Any) -> dict[str, float]:
    """The dropout rates that the model has, in the words of a recipe."""
    names = STOCK_NAMES[config.model_type]
    return {ours: getattr(config, n) for ours, n in names.items() if "dropout" in ours}


def set_dropouts(config: Any, rates: Mapping[str, float]) -> None:
    """Put dropout rates of a recipe into a configuration, that of our own models too."""
    names = STOCK_NAMES.get(config.model_type, {})
    for name, rate in rates.items():
        setattr(config, names.get(name, name), rate)
