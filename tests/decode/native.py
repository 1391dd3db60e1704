"""Our own search and scores of one model, any number of sources at once."""

from typing import Any

from seq2seq.decode.options import ForcedScore, Hypothesis
from seq2seq.engines.native import NativeEngine
from seq2seq.model.transformer import Transformer


def decode(model: Transformer, *given: Any, **options: Any) -> list[list[Hypothesis]]:
    return NativeEngine(model).search(*given, **options)


def force(model: Transformer, *given: Any, **options: Any) -> list[ForcedScore]:
    return NativeEngine(model).score(*given, **options)
