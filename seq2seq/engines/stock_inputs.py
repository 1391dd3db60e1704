"""What a stock class is to be given of some sources, for training and decoding alike."""

from typing import Any

import torch
from jaxtyping import Bool, Int
from torch import Tensor


def encoder_inputs(
    config: Any,
    source_ids: Int[Tensor, "batch source"],
    source_mask: Bool[Tensor, "batch source"] | None,
) -> dict[str, Tensor]:
    """The arguments by which a stock class reads its sources.

    A Longformer sees a window around each piece. One piece that sees everything and is seen by all
    ties the windows together; without it a summary knows no whole.

    Args:
        config: Of the model.
        source_ids: Source pieces, padded.
        source_mask: True at real pieces; None where nothing is padded.

    Returns:
        ``input_ids`` and ``attention_mask``, of LED also ``global_attention_mask``.

    Source:
        Beltagy et al. 2020 (arXiv:2004.05150) §7: global attention on the first piece.
    """
    mask = torch.ones_like(source_ids) if source_mask is None else source_mask.long()
    inputs = {"input_ids": source_ids, "attention_mask": mask}
    if config.model_type == "led":
        first = torch.zeros_like(source_ids)
        first[:, 0] = 1
        inputs["global_attention_mask"] = first
    return inputs
