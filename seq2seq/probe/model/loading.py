"""From the name of a model to the model in memory: a run, a stock folder, or the Hub."""

from pathlib import Path
from typing import Any

from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
)
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as DECODERS,
)
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES as IMAGE_ENCODERS,
)
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_MASKED_LM_MAPPING_NAMES as ENCODERS,
)
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES as ENCODER_DECODERS,
)

from seq2seq.context import ContextFormat, says_context, stored_context
from seq2seq.engines.stock_loading import load_stock
from seq2seq.errors import ModelError
from seq2seq.language_tags import language_codes
from seq2seq.libraries import explaining
from seq2seq.model_location import locate_model
from seq2seq.probe.model.anatomy import SUPPORTED, Kind
from seq2seq.probe.model.interventions import Stack
from seq2seq.run import Run
from seq2seq.stock_tokenizer import open_auto_tokenizer, open_tokenizer


def kind_of(config: Any, *, name: str) -> Kind:
    """Tell from a configuration of the transformers library which stacks a model has.

    Raises:
        ModelError: It is none of those the probe knows.
    """
    family = config.model_type
    if getattr(config, "is_encoder_decoder", False):
        if family in ENCODER_DECODERS:
            return "encoder-decoder"
    elif (family in ENCODERS and not getattr(config, "is_decoder", False)) or (
        family in IMAGE_ENCODERS and hasattr(config, "image_size")
    ):
        return "encoder"
    elif family in DECODERS:
        return "decoder"
    raise ModelError(f"{name}: a model of type '{family}'; needed {SUPPORTED}")


def open_stock(where: str | Path) -> tuple[Any, Any]:
    """Read a model and its tokenizer into memory; the latter is None for a model of images.

    Raises:
        ModelError: There is none, its kind is unknown, or weights are missing or not finite.
    """
    folder = locate_model(where).folder
    with explaining(where):
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    kind = kind_of(config, name=str(where))
    model = load_stock(_class_for(kind), folder, config, where=where)
    images = config.model_type in IMAGE_ENCODERS
    tokenizer = None if images else open_auto_tokenizer(folder, name=where)
    if kind == "encoder-decoder":
        _force_language(model, tokenizer)
        # An end that is forced at the length limit would hide that an output was cut off.
        model.generation_config.forced_eos_token_id = None
    return model, tokenizer


def context_of(where: str | Path) -> ContextFormat | None:
    """How a model reads the sentences before the one that it translates; None if it reads none."""
    folder = locate_model(where).folder
    return stored_context(folder, open_tokenizer(folder)) if says_context(folder) else None


def _force_language(model: Any, tokenizer: Any) -> None:
    """Begin outputs with the tag of the language that the tokenizer's files name as the target.

    Folders of NLLB and M2M100 keep it there, and ``generate`` does not look.
    """
    settings = model.generation_config
    if settings.forced_bos_token_id is None and (codes := language_codes(tokenizer)):
        target = getattr(tokenizer, "tgt_lang", None) or ""
        settings.forced_bos_token_id = codes.get(target.strip("_"))


def _class_for(kind: Kind) -> Any:
    match kind:
        case "encoder-decoder":
            return AutoModelForSeq2SeqLM
        case "decoder":
            return AutoModelForCausalLM
        case "encoder":
            return AutoModel


def guided_heads(where: str | Path) -> tuple[tuple[Stack, int, int | None], ...]:
    """Stack, layer and head, from 0, that the recipe of a run told where to look; else nothing.

    The head is None where all of a layer were told.
    """
    run = Run(Path(where))
    if not run.recipe.is_file():
        return ()
    guided = run.read_recipe().train.guided_attention
    return (("encoder", guided.layer, guided.head),) if guided.weight else ()


def special_piece(model: Any, name: str) -> int | None:
    """Look a special piece up; newer folders keep it with what governs generation."""
    for where in (model.config, getattr(model, "generation_config", None)):
        piece: int | None = getattr(where, name, None)
        if piece is not None:
            return piece
    return None
