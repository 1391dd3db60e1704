"""The suites that can be read."""

from typing import Literal

SuiteName = Literal[
    "contrapro",
    "contrastive-fr",
    "discevalmt",
    "contracat",
    "mt-geneval",
    "winomt",
    "ctxpro",
    "scat",
]
