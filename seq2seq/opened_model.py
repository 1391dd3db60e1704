"""A model with all that it needs to answer text: its program, its tokenizer, its search, its task.

What the files of a model say is followed as ``generate`` and the tokenizer of transformers follow
it, and beyond that what they say of tasks; see `seq2seq.task_prefix`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seq2seq.context import ContextFormat, stored_context
from seq2seq.decode.options import DecodeOptions
from seq2seq.decode.stored import stored_search
from seq2seq.engines.converted import ConvertedEngine, converted_folder
from seq2seq.engines.engine import Engine, EngineName
from seq2seq.engines.load import load_engine
from seq2seq.errors import ModelError, RecipeError
from seq2seq.files import read_json_object
from seq2seq.model_location import locate_model
from seq2seq.reading import Trained
from seq2seq.run import Run, model_folder
from seq2seq.stock_tokenizer import StockTokenizer, open_tokenizer
from seq2seq.task_prefix import Languages, StoredTask, Work, stored_task, takes_prefix, trained_task
from seq2seq.tokenizer_like import TokenizerLike

# A model whose training sources held several sentences this often is given lines as they are. Of
# Tatoeba's they are 0.2 to 1.3 %, of Multi30k's below 0.1 %, of the pronoun corpus 7 %: the demo's
# model reads several sentences of the kind it met, and drops all but one of others, so that an
# output with fewer sentences than its line is not kept (`seq2seq.translate`).
READS_SEVERAL = 0.05
# What of a run's recipe its model's files do not hold.
FOLLOWED: Mapping[str, type] = {
    "source_language": str,
    "target_language": str,
    "decode.max_length_factor": float,
    "decode.max_length_extra": int,
    "data.cleaning.max_source_pieces": int,
}


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
        context: How it reads the sentences before the one it translates; None if it does not.
    """

    engine: Engine
    tokenizer: TokenizerLike
    options: DecodeOptions
    languages: Languages
    trained: Trained
    max_source_pieces: int | None
    remarks: tuple[str, ...]
    forced_end: int | list[int] | None
    context: ContextFormat | None


def open_model(
    name: str | Path,
    *,
    engine: EngineName | Engine = "auto",
    device: str = "auto",
    languages: Languages = (None, None),
    work: Work = "translation",
    source_prefix: str | None = None,
) -> OpenedModel:
    """Open a model with its tokenizer and its search.

    Args:
        name: As in `seq2seq.model_location`, or what an engine's export wrote.
        engine: As in `seq2seq.engines.load`, or one that has loaded this model already.
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
    if isinstance(engine, str):
        loaded, folder = load_engine(engine, path, device=device)
    else:
        converted = isinstance(engine, ConvertedEngine)
        loaded, folder = engine, converted_folder(path) if converted else model_folder(path)
    tokenizer = open_tokenizer(folder, languages=languages)
    task, run = StoredTask(source_prefix or ""), Run(path)
    if isinstance(tokenizer, StockTokenizer):
        if languages[1]:
            tokenizer.write_in(languages[1])
        if source_prefix is None and takes_prefix(tokenizer) and not tokenizer.lead(""):
            task = (
                trained_task(run) if run.recipe.is_file() else stored_task(folder, work, languages)
            )
        if task.prefix:
            tokenizer.begin_with(task.prefix)
    elif source_prefix:
        raise ModelError(f"{name}: this model is told nothing by a prefix; leave source_prefix out")
    stored = stored_search(folder, task=task.search)
    remarks = [
        *getattr(tokenizer, "remarks", ()),
        *([task.remark] if task.remark else []),
        *stored.remarks(loaded.name),
    ]
    if engine == "auto" and loaded.name == "transformers":
        remarks.insert(0, f"run by {loaded.class_name} of transformers")
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
        stored_context(folder, tokenizer),
    )
    return _as_trained(opened, run, languages) if run.recipe.is_file() else opened


def _as_trained(opened: OpenedModel, run: Run, languages: Languages) -> OpenedModel:
    """What the recipe of a run says, and files cannot."""
    said = _said_in(run)
    options = replace(
        opened.options,
        max_length=None,
        max_length_factor=said["decode.max_length_factor"],
        max_length_offset=said["decode.max_length_extra"],
    )
    return replace(
        opened,
        options=options,
        languages=_known(languages, (said["source_language"], said["target_language"])),
        trained=trained_on(run),
        max_source_pieces=said["data.cleaning.max_source_pieces"],
    )


def _said_in(run: Run) -> dict[str, Any]:
    """What a recipe says of `FOLLOWED`.

    The schema is asked only where the file lacks something, as that of an older version may: it
    takes longer to be loaded than CTranslate2.
    """
    needed = "the recipe of a run, as training writes it"
    said = _followed(read_json_object(run.recipe, error=RecipeError, needed=needed))
    if any(type(said[key]) is not kind for key, kind in FOLLOWED.items()):
        said = _followed(run.read_recipe().model_dump())
    return said


def _followed(content: Mapping[str, Any]) -> dict[str, Any]:
    said = {}
    for key in FOLLOWED:
        value: Any = content
        for name in key.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        said[key] = value
    return said


def _known(asked: Languages, stored: Languages) -> Languages:
    return asked[0] or stored[0], asked[1] or stored[1]


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
