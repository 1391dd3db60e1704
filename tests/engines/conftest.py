"""Random models of both families in every engine, converted once."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from seq2seq.decode.options import DecodeOptions, Hypothesis
from seq2seq.engines.converted import ConvertedEngine
from seq2seq.engines.engine import Engine
from seq2seq.engines.native import NativeEngine
from seq2seq.engines.stock import StockEngine
from seq2seq.engines.to_ctranslate2 import write_ctranslate2
from seq2seq.model.config import Family
from seq2seq.model.stock import load_model
from seq2seq.tokenizer import Tokenizer, load_tokenizer
from tests.publish.small_models import small_folder


@dataclass(frozen=True)
class Loaded:
    """One model, and every program that can run it."""

    folder: Path
    tokenizer: Tokenizer
    native: NativeEngine
    others: dict[str, Engine]
    searched: dict[DecodeOptions, list[list[Hypothesis]]] = field(default_factory=dict)  # by native


@pytest.fixture(scope="session", params=["m2m_100", "marian"])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load_everywhere(request.param, tmp_path_factory.mktemp(request.param))


def load_everywhere(family: Family, folder: Path) -> Loaded:
    """Make the model of a family in a folder, and load it into every program."""
    pytest.importorskip("ctranslate2")
    small_folder(family, folder)
    model, tokenizer = load_model(folder), load_tokenizer(folder)
    converted = folder / "converted"
    converted.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        (converted / name).write_bytes((folder / name).read_bytes())
    write_ctranslate2(model, tokenizer, converted, quantize=None)
    others: dict[str, Engine] = {
        "transformers": StockEngine.load(folder),
        "ctranslate2": ConvertedEngine.load(converted),
    }
    return Loaded(folder, tokenizer, NativeEngine(model), others)
