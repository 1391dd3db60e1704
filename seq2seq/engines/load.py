"""From a name and a folder to an engine.

Each program is imported where it is chosen: torch and transformers take seconds, and CTranslate2
needs neither.
"""

from collections.abc import Callable
from pathlib import Path

from seq2seq.devices import resolve_device
from seq2seq.engines.converted import WEIGHTS, ConvertedEngine, converted_folder
from seq2seq.engines.engine import Engine, EngineName
from seq2seq.errors import DeviceError, ModelError
from seq2seq.families import FAMILIES
from seq2seq.files import read_json_object
from seq2seq.memory import without_garbage_collection
from seq2seq.run import model_folder


def load_engine(name: EngineName, path: Path, *, device: str = "auto") -> tuple[Engine, Path]:
    """Load a model into the program that is to run it.

    Args:
        name: Which program; ``auto`` is our own where it knows the architecture, CTranslate2 for
            a folder in its format, and else the stock class of transformers.
        path: A run folder, or a folder in the program's own format.
        device: Where it computes, as in `seq2seq.devices`.

    Returns:
        The engine, and the folder it was loaded from, where tokenizer and search settings lie.

    Raises:
        ModelError: There is no such model, or the program is not installed.
        DeviceError: There is no such device, or the program cannot use it.
    """
    chosen = fitting_engine(path) if name == "auto" else name
    with without_garbage_collection():
        return _load(chosen, path, device)


def _load(name: EngineName, path: Path, device: str) -> tuple[Engine, Path]:
    match name:
        case "ctranslate2":
            folder = converted_folder(path)
            return ConvertedEngine.load(folder, device=device), folder
        case "transformers":
            from seq2seq.engines.stock import StockEngine

            place, folder = resolve_device(device), model_folder(path)
            return StockEngine.load(folder, device=place), folder
        case _:
            from seq2seq.engines.native import NativeEngine
            from seq2seq.model.stock import load_model

            place, folder = resolve_device(device), model_folder(path)
            return NativeEngine(load_model(folder).to(place)), folder


def load_eight_bits(path: Path, *, device: str, say: Callable[[str], object]) -> Engine:
    """Load a model into our own program with matrices of 8 bits.

    Args:
        path: A run folder or a stock model folder.
        device: As in `seq2seq.devices`; a CPU.
        say: Told what 8 bits change.

    Raises:
        ModelError: There is no such model, or it is none of ours.
        DeviceError: The device or the processor cannot do it.
    """
    place, folder = resolve_device(device), model_folder(path)
    if place.type != "cpu":
        raise DeviceError(
            f"8 bits: device '{place}', needed a CPU, where our own program has such products; "
            "say --device cpu or leave --quantize out"
        )
    from seq2seq.engines.native import EightBitEngine
    from seq2seq.model.stock import load_model

    with without_garbage_collection():
        return EightBitEngine(load_model(folder), say=say)


def fitting_engine(path: Path) -> EngineName:
    """The program that runs a folder's model fastest without changing it.

    Raises:
        ModelError: There is no model.
    """
    if (path / WEIGHTS).is_file():
        return "ctranslate2"
    config = model_folder(path) / "config.json"
    needed = "the config.json of a stock model folder"
    kind = read_json_object(config, error=ModelError, needed=needed).get("model_type")
    return "native" if kind in FAMILIES else "transformers"
