"""The architectures of our own models, as transformers names them in ``model_type``."""

from typing import Literal, get_args

Family = Literal["m2m_100", "marian"]
FAMILIES: tuple[Family, ...] = get_args(Family)
