"""What a model is told in the text itself: the words before every source that name its task.

T5 and its like learnt several tasks, and ``task_specific_params`` of ``config.json`` holds the
prefix for each of them, and a search. What is trained further with a prefix must be read with it
for good, so it is stored there, where others look for it too.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from seq2seq.errors import ModelError
from seq2seq.files import read_json_object
from seq2seq.languages import matching_codes
from seq2seq.run import Run, write_json
from seq2seq.stock_tokenizer import StockTokenizer
from seq2seq.tokenizer_like import TokenizerLike

CONFIG, NEEDED = "config.json", "the config.json of a stock model folder"
PAIR = re.compile(r"translation_([^_]+)_to_([^_]+)")

Work = Literal["translation", "summarization"]
Languages = tuple[str | None, str | None]


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
    path = folder / CONFIG
    known = known_tasks(folder)
    pairs, fitting = _translations(known, languages) if work == "translation" else ([], [])
    if pairs and len(fitting) != 1:
        asked = " to ".join(code or "any" for code in languages)
        raise ModelError(
            f"{path}: knows the tasks {', '.join(pairs)}, asked for is '{asked}'; needed "
            "--source-language and --target-language of one of them, or the words that the "
            "model was trained with as --source-prefix ('' for none)"
        )
    key = fitting[0] if fitting else work
    said = known.get(key)
    if not isinstance(said, dict):
        return StoredTask()
    prefix = str(said.get("prefix") or "")
    search = {name: value for name, value in said.items() if name != "prefix"}
    parts = [f"each text begins with '{prefix}'"] if prefix else []
    parts += [f"{name} {value}" for name, value in search.items()]
    return StoredTask(prefix, search, f"task {key} of config.json: {', '.join(parts)}")


def takes_prefix(tokenizer: TokenizerLike) -> bool:
    """Whether a model may be told its task by words before the text: T5, opus-mt and their like.

    One of language tags is told by these, and one of ours does one thing.
    """
    return isinstance(tokenizer, StockTokenizer) and tokenizer.languages is None


def trained_task(run: Run) -> StoredTask:
    """The prefix that the model of a run was trained with; nothing where it had none."""
    prefix = run.read_recipe().source_prefix or ""
    return StoredTask(
        prefix, remark=f"each text begins with '{prefix}', as in training" * bool(prefix)
    )


def prefix_for_training(folder: Path, work: Work, languages: Languages) -> tuple[str, str]:
    """The prefix with which a model that is to be trained further knows its task already.

    Args:
        folder: A stock folder.
        work: What it is to do.
        languages: Of source and target.

    Returns:
        The prefix, or nothing; and a sentence where the model knows prefixes for other languages
        alone, because one for these would be a guess.
    """
    known = known_tasks(folder)
    pairs, fitting = _translations(known, languages) if work == "translation" else ([], [])
    if pairs and not fitting:
        asked = " to ".join(code or "any" for code in languages)
        return "", (
            f"its config.json has prefixes for {', '.join(pairs)}, none for {asked}: sources get "
            "none; source_prefix adds one"
        )
    return stored_task(folder, work, languages).prefix, ""


def store_task(folder: Path, prefix: str, work: Work, languages: tuple[str, str]) -> None:
    """Say in ``config.json`` what texts begin with, and of no other task.

    A model that was trained further on one task has no other one any more, and the search that its
    folder asks for stands in ``generation_config.json``: what its first publisher wrote of tasks
    would count more than that.

    Args:
        folder: A stock folder; changed.
        prefix: What each text begins with, or nothing.
        work: What the model was trained to do.
        languages: Of source and target.
    """
    path = folder / CONFIG
    config = read_json_object(path, error=ModelError, needed=NEEDED)
    if not prefix and "task_specific_params" not in config:
        return
    key: str = work
    if work == "translation":
        key = "translation_{}_to_{}".format(*(one.replace("_", "-") for one in languages))
    config["task_specific_params"] = {key: {"prefix": prefix}} if prefix else None
    write_json(path, config)


def known_tasks(folder: Path) -> dict[str, Any]:
    """What ``config.json`` says of tasks, by their names.

    Raises:
        ModelError: There is no such file.
    """
    config = read_json_object(folder / CONFIG, error=ModelError, needed=NEEDED)
    known = config.get("task_specific_params")
    return known if isinstance(known, dict) else {}


def _translations(known: Mapping[str, Any], languages: Languages) -> tuple[list[str], list[str]]:
    """The tasks that are translations, and those of them that fit two languages."""
    pairs = {name: match for name in known if (match := PAIR.fullmatch(name))}
    return list(pairs), [n for n, match in pairs.items() if _fits(match.groups(), languages)]


def _fits(pair: tuple[str | Any, ...], languages: Languages) -> bool:
    return all(
        asked is None or matching_codes(asked, [code]) == [code]
        for code, asked in zip(pair, languages, strict=True)
    )
