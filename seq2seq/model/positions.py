"""Where a piece stands in its sentence, as a vector of sines and cosines.

Attention sees a set, not a sequence: without these vectors "dog bites man" and "man bites dog" are
the same input. Each feature pair is a clock hand with its own speed, so any distance between two
positions is one fixed rotation. Both families put all sines in the first half of the vector and all
cosines in the second; they differ in the speed of the slowest hand and in where counting starts.

Source: Vaswani et al. 2017, section 3.5, in the half-split layout.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from seq2seq.model.config import ModelConfig


def position_table(config: ModelConfig) -> Float[Tensor, "positions width"]:
    """Tabulate the position vectors of a model; row 0 belongs to the first piece.

    Args:
        config: The numbers of the model.

    Returns:
        One row for each position that the model can hold.
    """
    half, rows = config.d_model // 2, config.max_position_embeddings
    if torch.get_default_device().type == "meta":  # only the shape is asked for
        return torch.empty(rows, config.d_model)
    if config.model_type == "m2m_100":
        # The slowest hand turns at exactly 1/10000, and the stock table begins with the row after
        # the padding id. Computed in 32 bits as there: rounding shows at far positions.
        feature = torch.arange(half, dtype=torch.float32)
        speeds = torch.exp(feature * -(math.log(10000.0) / (half - 1)))
        angles = torch.arange(rows + 2, dtype=torch.float32)[2:, None] * speeds
    else:
        feature = torch.arange(half, dtype=torch.float64)
        angles = torch.arange(rows, dtype=torch.float64)[:, None] / 10000.0 ** (feature / half)
    return torch.cat([angles.sin(), angles.cos()], dim=1).float()
