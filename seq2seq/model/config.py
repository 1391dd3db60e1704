"""The numbers that make a model, in the Hub's configuration classes, and the rules they must obey.

Pre-norm models are ``M2M100Config``, post-norm models are ``MarianConfig``: both classes are loaded
by stock ``transformers`` and converted by CTranslate2 without any code of ours. Some of their
settings convert without complaint into a model that gives other answers; ``check_contract`` refuses
those when a model is built, because at export time the training has already been paid for.
"""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from transformers import M2M100Config, MarianConfig, PretrainedConfig

from seq2seq.errors import ModelError
from seq2seq.families import FAMILIES, Family

Activation = Literal["relu", "gelu", "swish"]
ModelConfig: TypeAlias = M2M100Config | MarianConfig

ACTIVATIONS = ("relu", "gelu", "swish", "silu")


def build_config(
    family: Family,
    *,
    vocab_size: int,
    width: int,
    ffn_width: int,
    heads: int,
    encoder_layers: int,
    decoder_layers: int,
    dropout: float,
    attention_dropout: float,
    activation_dropout: float,
    activation: Activation,
    scale_embedding: bool,
    max_positions: int,
) -> ModelConfig:
    """Write down a model's numbers with every setting that the two stock classes need set.

    The special ids follow from the family: ``m2m_100`` has ``<s>`` 0, ``<pad>`` 1, ``</s>`` 2,
    ``<unk>`` 3 and starts decoding with ``</s>``; ``marian`` has ``</s>`` 0, ``<unk>`` 1, ``<pad>``
    last and starts decoding with ``<pad>``.

    Args:
        family: ``m2m_100`` for pre-norm layers, ``marian`` for post-norm layers.
        vocab_size: Pieces in the joint vocabulary, special pieces included.
        width: Size of the residual stream.
        ffn_width: Size of the hidden layer of the feed-forward blocks.
        heads: Attention heads in every layer.
        encoder_layers: Layers that read the source.
        decoder_layers: Layers that write the target.
        dropout: Share of zeroed features after embeddings and after every block.
        attention_dropout: Share of zeroed attention weights.
        activation_dropout: Share of zeroed features inside the feed-forward blocks.
        activation: Function inside the feed-forward blocks.
        scale_embedding: Multiply embeddings by the square root of the width.
        max_positions: Longest source or target, in pieces.

    Returns:
        A configuration that passes ``check_contract``.

    Raises:
        ModelError: The numbers do not fit each other.
    """
    shared: dict[str, Any] = {
        "vocab_size": vocab_size,
        "d_model": width,
        "encoder_ffn_dim": ffn_width,
        "decoder_ffn_dim": ffn_width,
        "encoder_attention_heads": heads,
        "decoder_attention_heads": heads,
        "encoder_layers": encoder_layers,
        "decoder_layers": decoder_layers,
        "dropout": dropout,
        "attention_dropout": attention_dropout,
        "activation_dropout": activation_dropout,
        "activation_function": activation,
        "scale_embedding": scale_embedding,
        "max_position_embeddings": max_positions,
        # The stock default of m2m_100 is 0.05: whole layers would be skipped in later fine-tuning.
        "encoder_layerdrop": 0.0,
        "decoder_layerdrop": 0.0,
        "tie_word_embeddings": True,
    }
    config = _m2m_100(shared) if family == "m2m_100" else _marian(shared, pad=vocab_size - 1)
    check_contract(config)
    return config


def _m2m_100(shared: dict[str, Any]) -> M2M100Config:
    return M2M100Config(
        **shared,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=2,
        architectures=["M2M100ForConditionalGeneration"],
    )


def _marian(shared: dict[str, Any], *, pad: int) -> MarianConfig:
    return MarianConfig(
        **shared,
        decoder_vocab_size=pad + 1,
        share_encoder_decoder_embeddings=True,
        bos_token_id=None,
        eos_token_id=0,
        forced_eos_token_id=0,
        pad_token_id=pad,
        decoder_start_token_id=pad,
        architectures=["MarianMTModel"],
    )


def check_contract(config: PretrainedConfig) -> None:
    """Refuse a configuration whose stock or CTranslate2 counterpart would give other answers.

    Args:
        config: The numbers of a model; any other architecture is refused.

    Raises:
        ModelError: One line with every broken rule.
    """
    family = config.model_type
    if family not in FAMILIES:
        raise ModelError(
            f"model config: model_type is '{family}', 'm2m_100' or 'marian' is needed; "
            "other architectures can be translated with but not built"
        )
    problems = _shape_problems(config) + _layer_problems(config)
    problems += _m2m_100_problems(config) if family == "m2m_100" else _marian_problems(config)
    if problems:
        raise ModelError(
            f"{family} config: {'; '.join(problems)}; build the configuration with build_config"
        )


class _Numbers(BaseModel):
    """What a configuration must hold for a model to be made of it, and how much is plausible."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    vocab_size: Annotated[int, Field(ge=1, le=2**24)]
    d_model: Annotated[int, Field(ge=1, le=2**16)]
    encoder_ffn_dim: Annotated[int, Field(ge=1, le=2**20)]
    decoder_ffn_dim: Annotated[int, Field(ge=1, le=2**20)]
    encoder_attention_heads: Annotated[int, Field(ge=1, le=2**12)]
    decoder_attention_heads: Annotated[int, Field(ge=1, le=2**12)]
    encoder_layers: Annotated[int, Field(ge=1, le=2**10)]
    decoder_layers: Annotated[int, Field(ge=1, le=2**10)]
    max_position_embeddings: Annotated[int, Field(ge=1, le=2**18)]
    dropout: float
    attention_dropout: float
    activation_dropout: float
    activation_function: str
    scale_embedding: bool
    tie_word_embeddings: bool
    pad_token_id: Annotated[int, Field(ge=0)]
    eos_token_id: Annotated[int, Field(ge=0)]
    decoder_start_token_id: Annotated[int, Field(ge=0)]


def check_numbers(config: PretrainedConfig, *, where: object) -> None:
    """Refuse a configuration of somebody's whose values are of another type or out of all range.

    Args:
        config: As the stock class read it; it takes what it finds.
        where: What to call it.

    Raises:
        ModelError: One line with every such value.
    """
    values = {name: getattr(config, name, None) for name in _Numbers.model_fields}
    try:
        numbers = _Numbers.model_validate(values)
    except ValidationError as error:
        problems = [
            f"{details['loc'][0]} is {details['input']!r}, {details['msg'][:1].lower()}"
            f"{details['msg'][1:]}"
            for details in error.errors()
        ]
    else:
        problems = [
            f"{name} is {getattr(numbers, name)}, a piece of the {numbers.vocab_size} is needed"
            for name in ("pad_token_id", "eos_token_id", "decoder_start_token_id")
            if getattr(numbers, name) >= numbers.vocab_size
        ]
    if problems:
        raise ModelError(f"{where}: {'; '.join(problems)}; copy or download it again")


def shares_inputs(config: ModelConfig) -> bool:
    """Tell whether source and target are embedded by the same matrix.

    ``tie_word_embeddings = false`` separates all three matrices of a stock model, whatever
    ``share_encoder_decoder_embeddings`` says.

    Args:
        config: The numbers of a model.

    Returns:
        True for every model of ours, and for most published ones.
    """
    shared = getattr(config, "share_encoder_decoder_embeddings", True)
    return bool(config.tie_word_embeddings and shared)


def _shape_problems(config: ModelConfig) -> list[str]:
    """Numbers that no model can be made of."""
    problems = []
    heads, decoder_heads = config.encoder_attention_heads, config.decoder_attention_heads
    if heads != decoder_heads:
        problems.append(
            f"the encoder has '{heads}' heads and the decoder '{decoder_heads}', "
            "CTranslate2 needs one number"
        )
    for name in ("vocab_size", "encoder_layers", "decoder_layers", "max_position_embeddings"):
        if getattr(config, name) < 1:
            problems.append(f"{name} is '{getattr(config, name)}', at least 1 is needed")
    for count in sorted({heads, decoder_heads}):
        if count < 1 or config.d_model % count:
            problems.append(
                f"d_model is '{config.d_model}', a multiple of '{count}' heads is needed"
            )
    if config.d_model % 2 or config.d_model < 4:
        problems.append(
            f"d_model is '{config.d_model}', an even number from 4 is needed by the position table"
        )
    return problems


def _layer_problems(config: ModelConfig) -> list[str]:
    """Settings inside a layer that this package or a converter does not know."""
    problems = []
    for name in ("encoder_layerdrop", "decoder_layerdrop"):
        if getattr(config, name) != 0:
            problems.append(f"{name} is '{getattr(config, name)}', 0 is needed")
    for name in ("dropout", "attention_dropout", "activation_dropout"):
        if not 0 <= getattr(config, name) < 1:
            problems.append(f"{name} is '{getattr(config, name)}', 0 or more and below 1 is needed")
    if config.activation_function not in ACTIVATIONS:
        problems.append(
            f"activation_function is '{config.activation_function}', "
            f"one of {', '.join(ACTIVATIONS)} is needed"
        )
    if not isinstance(config.eos_token_id, int):
        problems.append(f"eos_token_id is '{config.eos_token_id}', one id is needed")
    return problems


def _m2m_100_problems(config: M2M100Config) -> list[str]:
    problems = []
    # Stock code counts positions from pad + 1, CTranslate2 always from 2.
    if config.pad_token_id != 1:
        problems.append(f"pad_token_id is '{config.pad_token_id}', 1 is needed by CTranslate2")
    # A start piece that is padding has no position, so cached and full decoding would disagree.
    if config.decoder_start_token_id in (None, config.pad_token_id):
        problems.append(
            f"decoder_start_token_id is '{config.decoder_start_token_id}', "
            "an id that is not padding is needed"
        )
    return problems


def _marian_problems(config: MarianConfig) -> list[str]:
    problems = []
    last = config.vocab_size - 1
    # The converter drops the last piece and lets decoding start from a zero vector.
    if config.pad_token_id != last:
        problems.append(f"pad_token_id is '{config.pad_token_id}', the last id '{last}' is needed")
    if config.decoder_start_token_id != config.pad_token_id:
        problems.append(
            f"decoder_start_token_id is '{config.decoder_start_token_id}', "
            f"the padding id '{config.pad_token_id}' is needed"
        )
    if config.decoder_vocab_size != config.vocab_size:
        problems.append(
            f"decoder_vocab_size is '{config.decoder_vocab_size}', "
            f"the joint vocabulary's '{config.vocab_size}' is needed"
        )
    return problems
