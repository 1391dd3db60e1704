"""Small matrices beside those of a pretrained model, which alone are trained: LoRA, by peft.

Source:
    Hu et al. 2021 (arXiv:2106.09685); the library is peft.
"""

from importlib.util import find_spec
from typing import Any

from torch import nn

from seq2seq.errors import TrainingError
from seq2seq.recipe import LoraSpec

ADAPTER = "adapter"
# Names of query and value in T5, and in BART and its kin; of all matrices of a layer, whatever
# they are called.
QUERIES_AND_VALUES = r".*\.(q|v|q_proj|v_proj|query|value)"
ALL_LINEAR = "all-linear"


def add_adapter(model: Any, spec: LoraSpec) -> Any:
    """Put the small matrices into a stock model and leave its own weights as they are.

    Args:
        model: A stock class; changed.
        spec: Rank and the like.

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
    return get_peft_model(model, config)


def is_adapted(model: nn.Module) -> bool:
    """Whether a model is one of `add_adapter`."""
    return hasattr(model, "merge_and_unload")
