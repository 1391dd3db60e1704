"""Anybody's encoder-decoder by its name: a run, a stock folder, or a model of the Hub.

The transformers library fills gaps in silence: weights that a folder lacks become random, and a
tokenizer without files knows no words. Both are refused here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoTokenizer
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES as ENCODER_DECODERS,
)
from transformers.utils import SAFE_WEIGHTS_INDEX_NAME, WEIGHTS_INDEX_NAME, cached_file

from seq2seq.errors import ModelError
from seq2seq.libraries import cannot_open, explaining
from seq2seq.model.config import check_numbers
from seq2seq.model.weights import refuse_not_finite, shard_names
from seq2seq.run import model_folder


def place_of(where: str | Path) -> str:
    """Find out what a name means.

    Args:
        where: A run folder, a stock model folder, or the name of a model of the Hub. The Hub is
            meant only if there is no such folder.

    Returns:
        The stock folder, or the name on the Hub.

    Raises:
        ModelError: A folder without a model, or whose weights lie elsewhere.
    """
    if not (Path(where).exists() or Path(where).is_absolute()):
        return str(where)
    folder = model_folder(Path(where))
    for name in (SAFE_WEIGHTS_INDEX_NAME, WEIGHTS_INDEX_NAME):
        if (folder / name).is_file():
            shard_names(folder / name)
    return str(folder)


def open_encoder_decoder(
    where: str | Path, *, revision: str | None = None, config: Any = None
) -> Any:
    """Load a model into its stock class, in 32 bits and evaluation mode.

    Args:
        where: As in `place_of`.
        revision: A branch, tag or commit on the Hub.
        config: Instead of its own, such as one with other dropout.

    Returns:
        The model.

    Raises:
        ModelError: There is none, it is no encoder-decoder, or weights are missing or not finite.
    """
    place = place_of(where)
    if config is None:
        with explaining(where):
            config = AutoConfig.from_pretrained(place, revision=revision)
    if config.model_type not in ENCODER_DECODERS:
        raise ModelError(
            f"{where}: a model of type '{config.model_type}', needed an encoder-decoder such as "
            "marian, m2m_100, t5, bart, mbart or pegasus"
        )
    if config.model_type in ("m2m_100", "marian"):
        check_numbers(config, where=where)
    with explaining(where):
        model, loaded = AutoModelForSeq2SeqLM.from_pretrained(
            place, revision=revision, config=config, output_loading_info=True
        )
    refuse_gaps(loaded, where=where, kind=type(model).__name__)
    refuse_not_finite(dict(model.named_parameters()), where=where)
    return model.float().eval()


def open_tokenizer(where: str | Path, *, revision: str | None = None) -> Any:
    """Load the stock tokenizer that lies beside a model.

    Args:
        where: As in `place_of`.
        revision: A branch, tag or commit on the Hub.

    Returns:
        The tokenizer.

    Raises:
        ModelError: There is none, or it cannot be read.
    """
    place = place_of(where)
    with explaining(where):
        tokenizer = AutoTokenizer.from_pretrained(place, revision=revision)
    files = sorted(type(tokenizer).vocab_files_names.values())  # none for one that reads bytes
    if files and not any(_is_there(place, one, revision) for one in {"tokenizer.json", *files}):
        raise ModelError(cannot_open(where, f"no tokenizer there: none of {', '.join(files)}"))
    return tokenizer


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


def _is_there(place: str, file: str, revision: str | None) -> bool:
    try:
        return cached_file(place, file, revision=revision) is not None
    except OSError:
        return False
