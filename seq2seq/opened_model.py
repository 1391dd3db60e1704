"""A model with all that it needs to answer text: its program, its tokenizer, its search, its task.

What the files of a model say is followed as ``generate`` and the tokenizer of transformers follow
it. Beyond that, T5 and its like are told in the text what to do with it: ``task_specific_params``
of ``config.json`` holds the words for each task, and a search for it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from seq2seq.decode.options import DecodeOptions
from seq2seq.decode.stored import stored_search
from seq2seq.engines.engine import Engine, EngineName
from seq2seq.engines.load import load_engine
from seq2seq.engines.stock import StockEngine
from seq2seq.errors import ModelError
from seq2seq.files import read_json_object
from seq2seq.languages import matching_codes
from seq2seq.model_location import locate_model
from seq2seq.reading import Trained
from seq2seq.run import Run
from seq2seq.stock_tokenizer import StockTokenizer, open_tokenizer
from seq2seq.tokenizer_like import TokenizerLike

# A model whose training sources held several sentences this often can read several. Of Tatoeba's
# they are 0.2 to 1.3 %, of Multi30k's below 0.1 %; what lies between was not measured.
READS_SEVERAL = 0.05
PAIR = re.compile(r"translation_([^_]+)_to_([^_]+)")

Work = Literal["translation", "summarization"]
Languages = tuple[str | None, str | None]


@dataclass(frozen=True)
class OpenedModel:
    """A model ready to answer text.

    Attributes:
        engine: The program that runs it.
        tokenizer: The tokenizer it was trained with.
        options: The search that its folder asks for.
        languages: Codes of source and target; None where they are not known.
        trained: What it was trained to read.
        max_source_pieces: The most pieces that it was trained to read, if a recipe says it.
        remarks: What a user should know of all this, a sentence each.
        forced_end: What is not followed where an output is cut off; see `seq2seq.decode.stored`.
    """

    engine: Engine
    tokenizer: TokenizerLike
    options: DecodeOptions
    languages: Languages
    trained: Trained
    max_source_pieces: int | None
    remarks: tuple[str, ...]
    forced_end: int | list[int] | None


@dataclass(frozen=True)
class StoredTask:
    """What ``config.json`` says of a task.

    Attributes:
        prefix: What each text is to begin with.
        search: Changes of the search.
        remark: What a user should know of it, or nothing.
    """

    prefix: str = ""
    search: Mapping[str, Any] = field(default_factory=dict)
    remark: str = ""


def open_model(
    name: str | Path,
    *,
    engine: EngineName = "auto",
    device: str = "auto",
    languages: Languages = (None, None),
    work: Work = "translation",
    source_prefix: str | None = None,
) -> OpenedModel:
    """Open a model with its tokenizer and its search.

    Args:
        name: As in `seq2seq.model_location`, or what an engine's export wrote.
        engine: As in `seq2seq.engines.load`.
        device: As in `seq2seq.devices`.
        languages: Of source and target, where the model knows several; spelt in any usual way.
        work: What it is to do, for models that are told so in the text.
        source_prefix: What each text is to begin with, instead of what the folder says.

    Returns:
        The model. A run limits the length of outputs and sources as its recipe says.

    Raises:
        ModelError: There is no such model, its parts do not fit each other, or it does not know a
            language or task.
        DeviceError: There is no such device.
    """
    path = locate_model(name).path
    loaded, folder = load_engine(engine, path, device=device)
    tokenizer = open_tokenizer(folder, languages=languages)
    task, run = StoredTask(source_prefix or ""), Run(path)
    if isinstance(tokenizer, StockTokenizer):
        if languages[1]:
            tokenizer.write_in(languages[1])
        if source_prefix is None and tokenizer.languages is None and not run.recipe.is_file():
            task = stored_task(folder, work, languages)
        if task.prefix:
            tokenizer.begin_with(task.prefix)
    elif source_prefix:
        raise ModelError(f"{name}: this model is told nothing by a prefix; leave source_prefix out")
    stored = stored_search(folder, task=task.search)
    remarks = [
        *getattr(tokenizer, "remarks", ()),
        *([task.remark] if task.remark else []),
        *stored.remarks("transformers" if isinstance(loaded, StockEngine) else engine),
    ]
    if engine == "auto" and isinstance(loaded, StockEngine):
        remarks.insert(0, f"run by {type(loaded.model).__name__} of transformers")
    opened = OpenedModel(
        loaded,
        tokenizer,
        stored.options
        if tokenizer.first_id is None
        else replace(stored.options, first_id=tokenizer.first_id),
        _known(languages, getattr(tokenizer, "text_languages", (None, None))),
        "sentences" if isinstance(tokenizer, StockTokenizer) else "unknown",
        None,
        tuple(remarks),
        stored.forced_end,
    )
    return _as_trained(opened, run, languages) if run.recipe.is_file() else opened


def _as_trained(opened: OpenedModel, run: Run, languages: Languages) -> OpenedModel:
    """What the recipe of a run says, and files cannot."""
    recipe = run.read_recipe()
    options = replace(
        opened.options,
        max_length=None,
        max_length_factor=recipe.decode.max_length_factor,
        max_length_offset=recipe.decode.max_length_extra,
    )
    return replace(
        opened,
        options=options,
        languages=_known(languages, (recipe.source_language, recipe.target_language)),
        trained=trained_on(run),
        max_source_pieces=recipe.data.cleaning.max_source_pieces,
    )


def _known(asked: Languages, stored: Languages) -> Languages:
    return asked[0] or stored[0], asked[1] or stored[1]


def stored_task(folder: Path, work: Work, languages: Languages) -> StoredTask:
    """Look up what ``config.json`` says of a task.

    Args:
        folder: A stock folder.
        work: What is to be done.
        languages: Of source and target, where they are asked for.

    Returns:
        What it says; nothing where it speaks of no such task.

    Raises:
        ModelError: It speaks of several translations, and not one of them alone is asked for.
    """
    path = folder / "config.json"
    needed = "the config.json of a stock model folder"
    known = read_json_object(path, error=ModelError, needed=needed).get("task_specific_params")
    if not isinstance(known, dict):
        return StoredTask()
    key = work
    if work == "translation":
        pairs = {name: match for name in known if (match := PAIR.fullmatch(name))}
        fitting = [name for name, match in pairs.items() if _fits(match.groups(), languages)]
        if pairs and len(fitting) != 1:
            asked = " to ".join(code or "any" for code in languages)
            raise ModelError(
                f"{path}: knows the tasks {', '.join(pairs)}, asked for is '{asked}'; needed "
                "--source-language and --target-language of one of them, or the words that the "
                "model was trained with as --source-prefix ('' for none)"
            )
        key = fitting[0] if fitting else key
    said = known.get(key)
    if not isinstance(said, dict):
        return StoredTask()
    prefix = str(said.get("prefix") or "")
    search = {name: value for name, value in said.items() if name != "prefix"}
    parts = [f"each text begins with '{prefix}'"] if prefix else []
    parts += [f"{name} {value}" for name, value in search.items()]
    return StoredTask(prefix, search, f"task {key} of config.json: {', '.join(parts)}")


def _fits(pair: tuple[str | Any, ...], languages: Languages) -> bool:
    return all(
        asked is None or matching_codes(asked, [code]) == [code]
        for code, asked in zip(pair, languages, strict=True)
    )


def trained_on(run: Run) -> Trained:
    """Find out what the model of a run was trained to read.

    Args:
        run: A run folder.

    Returns:
        What its data report says; ``"unknown"`` for runs whose report does not.
    """
    try:
        report = read_json_object(run.data_report, error=ModelError, needed="a data report")
        share = report["several_sentences_share"]
        return "lines" if share is None or share >= READS_SEVERAL else "sentences"
    except (ModelError, KeyError, TypeError):
        return "unknown"
