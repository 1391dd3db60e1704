"""A stock folder as a model in memory, with nothing filled in in silence.

The transformers library makes weights random that a folder lacks, and reads a file of weights
wherever an index says it lies. Both are refused here.
"""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForSeq2SeqLM
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES as ENCODER_DECODERS,
)
from transformers.utils import SAFE_WEIGHTS_INDEX_NAME, WEIGHTS_INDEX_NAME

from seq2seq.errors import ModelError
from seq2seq.families import FAMILIES
from seq2seq.libraries import explaining
from seq2seq.model.config import check_numbers
from seq2seq.model.weights import refuse_not_finite, shard_names


def load_encoder_decoder(folder: Path, *, config: Any = None) -> Any:
    """Load a model into its stock class, in 32 bits and evaluation mode.

    Args:
        folder: A stock folder.
        config: Instead of its own, such as one with other dropout.

    Returns:
        The model.

    Raises:
        ModelError: It is no encoder-decoder, or weights are missing, lie elsewhere or are not
            finite.
    """
    if config is None:
        with explaining(folder):
            config = AutoConfig.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
    if config.model_type not in ENCODER_DECODERS:
        raise ModelError(
            f"{folder}: a model of type '{config.model_type}', needed an encoder-decoder such as "
            "marian, m2m_100, t5, bart, mbart or pegasus"
        )
    return load_stock(AutoModelForSeq2SeqLM, folder, config, where=folder).float().eval()


def keep_constants(model: Any) -> Any:
    """Mark as constant, in place, what its class never trains, such as sinusoidal positions.

    ``from_pretrained`` forgets these marks, which ``from_config`` sets: without them the positions
    of Pegasus would be trained until a run is resumed, and no longer.
    """
    with torch.device("meta"):
        new = type(model)(model.config)
    constant = {name for name, one in new.named_parameters() if not one.requires_grad}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(parameter.requires_grad and name not in constant)
    return model


def load_stock(kind: Any, folder: Path, config: Any, *, where: str | Path) -> Any:
    """Load a model of any kind as it was saved.

    Args:
        kind: An ``AutoModel`` class of transformers.
        folder: A stock folder.
        config: Its configuration.
        where: What to call the model in messages.

    Returns:
        The model.

    Raises:
        ModelError: Weights are missing, lie elsewhere or are not finite.
    """
    if config.model_type in FAMILIES:
        check_numbers(config, where=where)
    for name in (SAFE_WEIGHTS_INDEX_NAME, WEIGHTS_INDEX_NAME):
        if (folder / name).is_file():
            shard_names(folder / name)
    with explaining(where):
        model, loaded = kind.from_pretrained(
            folder,
            config=config,
            local_files_only=True,
            output_loading_info=True,
            trust_remote_code=False,
        )
    # Encoders are published without the pooler, and nothing here depends on it.
    missing = sorted(name for name in loaded["missing_keys"] if "pooler" not in name)
    if missing:
        raise ModelError(
            f"{where}: {len(missing)} weights are missing, such as '{missing[0]}', and would be "
            f"random; needed a complete {type(model).__name__}"
        )
    refuse_not_finite(dict(model.named_parameters()), where=where)
    return model
