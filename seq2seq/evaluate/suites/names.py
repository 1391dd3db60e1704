"""The suites that can be read."""

from typing import Literal, get_args

SuiteName = Literal[
    "contrapro", "contrastive-fr", "discevalmt", "contracat", "mt-geneval", "winomt", "ctxpro"
]
SUITES: tuple[SuiteName, ...] = get_args(SuiteName)
