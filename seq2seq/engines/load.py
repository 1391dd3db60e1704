"""From a name and a folder to an engine."""

from pathlib import Path

from seq2seq.engines.converted import ConvertedEngine, converted_folder
from seq2seq.engines.engine import Engine, EngineName, NativeEngine
from seq2seq.engines.stock import StockEngine
from seq2seq.model.stock import load_model
from seq2seq.run import model_folder


def load_engine(name: EngineName, path: Path) -> tuple[Engine, Path]:
    """Load a model into the program that is to run it.

    Args:
        name: Which program.
        path: A run folder, or a folder in the program's own format.

    Returns:
        The engine, and the folder it was loaded from, where tokenizer and search settings lie.

    Raises:
        ModelError: There is no such model, or the program is not installed.
    """
    match name:
        case "native":
            folder = model_folder(path)
            return NativeEngine(load_model(folder)), folder
        case "transformers":
            folder = model_folder(path)
            return StockEngine.load(folder), folder
        case "ctranslate2":
            folder = converted_folder(path)
            return ConvertedEngine.load(folder), folder
