"""Anybody's encoder-decoder by its name: a run, a stock folder, or a model of the Hub.

The transformers library fills gaps in silence: weights that a folder lacks become random, and a
tokenizer without files knows no words. Both are refused here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoModelForSeq2SeqLM
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES as ENCODER_DECODERS,
)
from transformers.utils import SAFE_WEIGHTS_INDEX_NAME, WEIGHTS_INDEX_NAME

from seq2seq.errors import ModelError
from seq2seq.libraries import explaining
from seq2seq.model.config import check_numbers
from seq2seq.model.weights import refuse_not_finite, shard_names
from seq2seq.model_location import locate_model
from seq2seq.recipe import FAMILIES


def stock_folder(where: str | Path) -> Path:
    """Find the stock folder that a name means.

    Args:
        where: As in `seq2seq.model_location`.

    Returns:
        The folder, on this machine.

    Raises:
        ModelError: There is none, or its weights lie elsewhere.
    """
    folder = locate_model(where).folder
    for name in (SAFE_WEIGHTS_INDEX_NAME, WEIGHTS_INDEX_NAME):
        if (folder / name).is_file():
            shard_names(folder / name)
    return folder


def open_encoder_decoder(
    folder: Path, *, name: str | Path | None = None, config: Any = None
) -> Any:
    """Load a model into its stock class, in 32 bits and evaluation mode.

    Args:
        folder: A stock folder.
        name: What to call the model in messages; the folder if None.
        config: Instead of its own, such as one with other dropout.

    Returns:
        The model.

    Raises:
        ModelError: It is no encoder-decoder, or weights are missing or not finite.
    """
    where = folder if name is None else name
    if config is None:
        with explaining(where):
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
    if config.model_type not in ENCODER_DECODERS:
        raise ModelError(
            f"{where}: a model of type '{config.model_type}', needed an encoder-decoder such as "
            "marian, m2m_100, t5, bart, mbart or pegasus"
        )
    if config.model_type in FAMILIES:
        check_numbers(config, where=where)
    with explaining(where):
        model, loaded = AutoModelForSeq2SeqLM.from_pretrained(
            folder, config=config, local_files_only=True, output_loading_info=True
        )
    refuse_gaps(loaded, where=where, kind=type(model).__name__)
    refuse_not_finite(dict(model.named_parameters()), where=where)
    return model.float().eval()


def refuse_gaps(loaded: Mapping[str, Any], *, where: str | Path, kind: str) -> None:
    """Refuse a model that has weights which no file held.

    Args:
        loaded: What ``from_pretrained`` tells with ``output_loading_info``.
        where: What to call the model.
        kind: Name of its class.

    Raises:
        ModelError: Weights are missing.
    """
    # Encoders are published without the pooler, and nothing here depends on it.
    missing = sorted(name for name in loaded["missing_keys"] if "pooler" not in name)
    if missing:
        raise ModelError(
            f"{where}: {len(missing)} weights are missing, such as '{missing[0]}', and would be "
            f"random; needed a complete {kind}"
        )
