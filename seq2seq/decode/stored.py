"""The search that a stock model folder asks for, read as ``generate`` reads it.

``generate`` takes ``generation_config.json``, where that is missing the same keys of
``config.json``, and for what neither says the defaults of the library: one beam, no early stopping.
Here, too, and in every engine; only where no length is named, which the library then takes to be 20
pieces, the limit is our own. Settings that our search does not have are named, never passed over.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from seq2seq.decode.options import DecodeOptions
from seq2seq.errors import ModelError
from seq2seq.files import read_json_object

FILES = ("generation_config.json", "config.json")
# What another search would need, with the values that ask for nothing. Of these, ``generate`` of
# the stock classes itself follows those of the first table.
KNOWN_TO_GENERATE: Mapping[str, tuple[Any, ...]] = {
    "repetition_penalty": (1.0,),
    "encoder_repetition_penalty": (1.0,),
    "encoder_no_repeat_ngram_size": (0,),
    "begin_suppress_tokens": ([],),
    "sequence_bias": ([], {}),
    "exponential_decay_length_penalty": (),
    "guidance_scale": (1.0,),
    "max_time": (),
}
KNOWN_TO_NOBODY: Mapping[str, tuple[Any, ...]] = {
    "do_sample": (False,),
    "num_return_sequences": (1,),
    "num_beam_groups": (1,),
    "diversity_penalty": (0.0,),
    "penalty_alpha": (0.0,),
    "force_words_ids": ([],),
    "constraints": ([],),
    "stop_strings": ([],),
    "watermarking_config": (),
}


@dataclass(frozen=True, slots=True)
class StoredSearch:
    """What a folder asks for.

    Attributes:
        options: What every engine follows.
        only_generate: Settings beyond that, with their values, that ``generate`` alone follows.
        not_followed: Settings that no engine follows.
        forced_end: The piece that ``generate`` writes at the length limit in place of the last
            one; here an output that is cut off keeps its last piece, and is counted.
    """

    options: DecodeOptions
    only_generate: tuple[str, ...] = ()
    not_followed: tuple[str, ...] = ()
    forced_end: int | list[int] | None = None

    def remarks(self, engine: str) -> list[str]:
        """What a user should know who lets an engine search so.

        Args:
            engine: Its name; ``transformers`` runs ``generate``.

        Returns:
            A sentence on the settings that are not followed, or none.
        """
        missed, advice = self.not_followed, ""
        if engine != "transformers" and self.only_generate:
            missed = (*self.only_generate, *missed)
            advice = f"; --engine transformers follows {', '.join(self.only_generate)}"
        return [f"settings of the folder not followed: {', '.join(missed)}{advice}"] * bool(missed)


@dataclass(frozen=True, slots=True)
class _Settings:
    """The keys that are followed; None and absent are the same."""

    num_beams: int | None = None
    early_stopping: bool | Literal["never"] | None = None
    length_penalty: float | None = None
    no_repeat_ngram_size: int | None = None
    max_length: int | None = None
    max_new_tokens: int | None = None
    min_length: int | None = None
    min_new_tokens: int | None = None
    bad_words_ids: list[list[int]] | None = None
    suppress_tokens: list[int] | None = None
    renormalize_logits: bool | None = None
    forced_bos_token_id: int | None = None
    forced_eos_token_id: int | list[int] | None = None
    pad_token_id: int | None = None
    eos_token_id: int | list[int] | None = None
    decoder_start_token_id: int | list[int] | None = None


def _is_count(value: Any, least: int = 0) -> bool:
    return type(value) is int and value >= least


def _is_list(value: Any, of: Callable[[Any], bool] = _is_count) -> bool:
    return isinstance(value, list) and all(map(of, value))


def _fits(name: str, value: Any) -> bool:
    """Whether ``generate`` takes a value of a setting."""
    match name:
        case "num_beams" | "max_new_tokens":
            return _is_count(value, 1)
        case "max_length":
            return _is_count(value, 2)
        case "early_stopping":
            return isinstance(value, bool) or value == "never"
        case "renormalize_logits":
            return isinstance(value, bool)
        case "length_penalty":
            return type(value) in (int, float)
        case "bad_words_ids":
            return _is_list(value, lambda row: bool(row) and _is_list(row))
        case "suppress_tokens":
            return _is_list(value)
        case "forced_eos_token_id" | "eos_token_id" | "decoder_start_token_id":
            return _is_count(value) or _is_list(value)
        case _:
            return _is_count(value)


def stored_search(folder: Path, *, task: Mapping[str, Any] | None = None) -> StoredSearch:
    """Read the search that a stock model folder asks for.

    Args:
        folder: One without either file asks for nothing: one beam.
        task: What ``config.json`` asks for in one of its ``task_specific_params``; it counts more.

    Returns:
        The search, and what of it is not followed.

    Raises:
        ModelError: If a file is not JSON, or asks for what contradicts itself.

    Source: transformers 5, ``generation/utils.py`` (``_prepare_generation_config`` and
    ``_prepare_generated_length``).
    """
    config = _read(folder / FILES[1])
    path = next((folder / name for name in FILES if (folder / name).is_file()), None)
    content = {**(config if path is None else _read(path)), **(task or {})}
    given = {one.name: content.get(one.name) for one in fields(_Settings)}
    wrong = [name for name, one in given.items() if one is not None and not _fits(name, one)]
    if wrong:
        problems = ", ".join(f"{name} is {given[name]!r}" for name in wrong)
        raise ModelError(
            f"{path}: {problems}, needed what 'generate' takes; correct it or download it again"
        )
    settings = _Settings(**given)
    return StoredSearch(
        _options(settings),
        (*_named(content, KNOWN_TO_GENERATE), *_special_pieces(content, config)),
        tuple(_named(content, KNOWN_TO_NOBODY)),
        settings.forced_eos_token_id,
    )


def _options(settings: _Settings) -> DecodeOptions:
    """Count pieces as we do: without the start piece, which ``max_length`` includes."""
    longest, shortest = settings.max_new_tokens, settings.min_new_tokens
    if longest is None and settings.max_length is not None:
        longest = settings.max_length - 1
    if shortest is None:
        shortest = max(0, (settings.min_length or 1) - 1)
    forbidden = [
        *(settings.bad_words_ids or []),
        *([one] for one in settings.suppress_tokens or []),
    ]
    # No engine writes padding, and an end cannot be forbidden: ``generate`` passes over that, too.
    ends = settings.eos_token_id
    idle = [
        [settings.pad_token_id],
        *([one] for one in (ends if isinstance(ends, list) else [ends])),
    ]
    return DecodeOptions(
        beams=settings.num_beams or 1,
        length_penalty=1.0 if settings.length_penalty is None else settings.length_penalty,
        early_stopping=settings.early_stopping or False,
        no_repeat_ngram=settings.no_repeat_ngram_size or 0,
        max_length=longest,
        min_length=shortest,
        forbidden=tuple(tuple(row) for row in forbidden if row not in idle),
        renormalize=settings.renormalize_logits or False,
        first_id=settings.forced_bos_token_id,
    )


def _named(content: Mapping[str, Any], table: Mapping[str, tuple[Any, ...]]) -> Iterator[str]:
    for name, idle in table.items():
        value = content.get(name)
        if value is not None and value not in idle:
            yield f"{name} {value!r}"


def _special_pieces(content: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    """Special ids that the search file changes: our own model takes those of ``config.json``."""
    for name in ("decoder_start_token_id", "eos_token_id", "pad_token_id"):
        value, own = content.get(name), config.get(name)
        if value is not None and own is not None and value not in (own, [own]):
            yield f"{name} {value!r}"


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    return read_json_object(path, error=ModelError, needed="settings that 'generate' takes")
