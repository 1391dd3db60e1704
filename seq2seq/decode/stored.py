"""The search that a stock model folder asks for."""

import json
from pathlib import Path
from typing import Any

from seq2seq.decode.options import DecodeOptions
from seq2seq.errors import ModelError


def stored_options(folder: Path) -> DecodeOptions:
    """Read the search that a stock model folder asks for.

    Args:
        folder: If it has no ``generation_config.json``, or for what that does not say, the
            defaults stand. The limit of the length is always ours.

    Returns:
        The options.

    Raises:
        ModelError: If the file is not JSON, or asks for what contradicts itself.
    """
    path = folder / "generation_config.json"
    if not path.is_file():
        return DecodeOptions()
    try:
        stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{path}: not JSON ({error}), copy or download it again") from None
    plain = DecodeOptions()
    return DecodeOptions(
        beams=stored.get("num_beams") or plain.beams,
        length_penalty=stored.get("length_penalty", plain.length_penalty),
        early_stopping=stored.get("early_stopping", plain.early_stopping) is True,
        no_repeat_ngram=stored.get("no_repeat_ngram_size") or 0,
        first_id=stored.get("forced_bos_token_id"),
    )
