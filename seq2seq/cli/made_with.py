"""What decides the lines of an output, as it is kept beside lines that are not all yet."""

import hashlib
import os
from pathlib import Path
from typing import Any

import typer

from seq2seq.cli.kept_output import CHANGED_INPUT, MODEL, MODEL_FILES
from seq2seq.lines import STDIN

# What changes no line, or is said in a way of its own.
ASIDE = ("model", "source", "output", "resume", "as_json", "n_best", "device", "batch_tokens")
# Of a large file so many pieces of so many bytes are read, spread over it.
PIECES, PIECE_BYTES = 256, 1 << 14


def made_with(context: typer.Context, model: Path) -> dict[str, Any]:
    """Say what the lines of a command are made with.

    Args:
        context: Of the command, with all that was asked for.
        model: Where the model lies.

    Returns:
        Model, input, and each option that is not as it would be by itself, as a user types it.
    """
    from seq2seq.engines.converted import converted_folder
    from seq2seq.engines.load import fitting_engine
    from seq2seq.run import model_folder

    engine, source = context.params["engine"], context.params["source"]
    if engine == "auto":
        engine = fitting_engine(model)
    folder = converted_folder(model) if engine == "ctranslate2" else model_folder(model)
    found: dict[str, Any] = {MODEL: _text(model.resolve()), MODEL_FILES: digest_of(folder)}
    found["--input"] = _text(source if str(source) == STDIN else source.resolve())
    if source.is_file():
        found[CHANGED_INPUT] = source.stat().st_mtime_ns
    for option in context.command.params:
        value = context.params.get(option.name or "")
        if option.name in ASIDE or value is None or value == option.default:
            continue
        if value is False:
            found[option.secondary_opts[0]] = True
        else:
            found[option.opts[0]] = _text(value) if isinstance(value, str) else value
    return found


def digest_of(folder: Path) -> str:
    """A name for the contents of a model's files, the same for a copy.

    It takes a moment whatever their size: of files above 4 MiB only places all over are read.

    Args:
        folder: That the model is read from.
    """
    from seq2seq.engines.conversion import DECIDING

    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix not in DECIDING or not path.is_file():
            continue
        size = path.stat().st_size
        digest.update(os.fsencode(f"{path.name} {size} "))
        with path.open("rb", buffering=0) as file:
            for place in range(0, size, max(PIECE_BYTES, size // PIECES)):
                file.seek(place)
                digest.update(file.read(PIECE_BYTES))
    return digest.hexdigest()[:16]


def _text(value: str | Path) -> str:
    """Names and texts of a command line may hold bytes that are not UTF-8."""
    return os.fsencode(str(value)).decode("utf-8", "backslashreplace")
