"""Small matrices beside those of a pretrained model, which alone are trained: LoRA, by peft.

Source:
    Hu et al. 2021 (arXiv:2106.09685); the library is peft.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from torch import nn

from seq2seq.errors import TrainingError
from seq2seq.recipe import LoraSpec

# Names of query and value in T5, and in BART and its kin; of all matrices of a layer, whatever
# they are called.
QUERIES_AND_VALUES = r".*\.(q|v|q_proj|v_proj|query|value)"
ALL_LINEAR = "all-linear"


def add_adapter(model: Any, spec: LoraSpec, *, base: str = "", revision: str | None = None) -> Any:
    """Put the small matrices into a stock model and leave its own weights as they are.

    Args:
        model: A stock class; changed.
        spec: Rank and the like.
        base: Name of the model on the Hub, for whoever loads the adapter alone.
        revision: Its commit there.

    Returns:
        The model inside peft's class, whose trainable weights are the small matrices alone.

    Raises:
        TrainingError: peft is not installed.
    """
    if find_spec("peft") is None:
        raise TrainingError(
            f"train.lora.rank = {spec.rank}: peft is not installed; 'pip install seq2seq[lora]'"
        )
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        task_type="SEQ_2_SEQ_LM",
        r=spec.rank,
        lora_alpha=spec.alpha,
        lora_dropout=spec.dropout,
        target_modules=QUERIES_AND_VALUES if spec.targets == "attention" else ALL_LINEAR,
    )
    adapted: Any = get_peft_model(model, config)
    # It would name the folder on this machine that the model was loaded from.
    adapted.active_peft_config.base_model_name_or_path = base
    adapted.active_peft_config.revision = revision
    return adapted


def save_adapter(model: Any, folder: Path) -> None:
    """Write the small matrices alone, as ``PeftModel.from_pretrained`` loads them.

    Args:
        model: Of `add_adapter`.
        folder: Made if it does not exist.
    """
    model.save_pretrained(folder)
    (folder / "README.md").unlink()  # a form that nobody filled in; the run's card says more
    for path in folder.iterdir():
        path.chmod(0o644)  # safetensors lets nobody else read its files


def is_adapted(model: nn.Module) -> bool:
    """Whether a model is one of `add_adapter`."""
    return hasattr(model, "merge_and_unload")
