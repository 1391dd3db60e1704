"""The search that a pipeline of transformers 4.57 would make with the same folder and options.

What counts, later over earlier: ``generation_config.json``; four beams and 256 new pieces; what
``config.json`` says of the task; what the caller asks for. Two things surprise. The four beams
replace the number of the folder. The 256 pieces replace its ``max_length`` only if that is 20, the
library's own default then, and in that case replace that of the task too.

The caller always has the last word here. In 4.57 a ``max_length`` given in a call lost to the 256
pieces, options given to ``pipeline`` lost to those of the task, and where they were the library's
defaults, such as ``num_beams=1``, to those of the folder.

Source:
    transformers 4.57.6, ``pipelines/base.py`` (``Pipeline.__init__``) and ``generation/utils.py``
    (``_prepare_generation_config``, ``_prepare_generated_length``).
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from seq2seq.errors import ModelError
from seq2seq.pipeline.options import GenerateOptions, PipelineOptions

BEAMS = 4
NEW_PIECES = 256
UNSET_LENGTH = 20
RIVALS = {
    "max_length": "max_new_tokens",
    "max_new_tokens": "max_length",
    "min_length": "min_new_tokens",
    "min_new_tokens": "min_length",
}
"""Two names for one limit, of which ``generate`` would obey the second whoever gave it."""


def search_settings(
    stored: Any,
    task: Mapping[str, Any],
    asked: Sequence[PipelineOptions],
    *,
    pad_id: int | None,
    positions: int | None,
) -> Any:
    """Put together what ``generate`` is to do.

    Args:
        stored: The ``GenerationConfig`` of the model.
        task: What ``config.json`` says of the task; a prefix in it is not for the search.
        asked: Options of the caller, later ones over earlier ones.
        pad_id: The tokenizer's, for models that name none.
        positions: The most pieces the model can write; without limit if None.

    Returns:
        A ``GenerationConfig`` that says everything.

    Raises:
        ModelError: The options contradict each other.
    """
    settings = deepcopy(stored)
    settings.num_beams = BEAMS
    if settings.max_length in (None, UNSET_LENGTH):
        settings.max_new_tokens = min(NEW_PIECES, (positions or NEW_PIECES + 1) - 1)
    for name, value in task.items():
        if hasattr(settings, name):
            setattr(settings, name, value)
    for options in asked:
        _apply(settings, options)
    if settings.max_new_tokens is not None:
        settings.max_length = None
    if settings.pad_token_id is None:
        settings.pad_token_id = pad_id
    _check(settings)
    return settings


def length_limit(settings: Any) -> int:
    """The most pieces an answer may have, the start piece included."""
    new, whole = settings.max_new_tokens, settings.max_length
    return int(whole if new is None else new + 1)


def _apply(settings: Any, options: PipelineOptions) -> None:
    given = {
        name: value for name, value in options.items() if name in GenerateOptions.__annotations__
    }
    for name in RIVALS:
        if name in given and RIVALS[name] not in given:
            setattr(settings, RIVALS[name], None)
    for name, value in given.items():
        setattr(settings, name, value)


def _check(settings: Any) -> None:
    answers = settings.num_return_sequences or 1
    if answers > settings.num_beams and not settings.do_sample:
        raise ModelError(
            f"pipeline: num_return_sequences is '{answers}' with '{settings.num_beams}' beams; "
            "search more beams, or sample"
        )
