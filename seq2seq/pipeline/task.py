"""What a pipeline is asked to do, and what a model's ``config.json`` says of that.

T5 and its like are told their task in the text: ``task_specific_params`` holds the prefix of each
task and a search for it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from seq2seq.errors import ModelError
from seq2seq.recipe import suggest

Kind = Literal["translation", "summarization", "text2text-generation"]
PAIR = re.compile(r"translation_([^_]+)_to_([^_]+)")
ANSWER_KEYS: dict[Kind, str] = {
    "translation": "translation_text",
    "summarization": "summary_text",
    "text2text-generation": "generated_text",
}


@dataclass(frozen=True, slots=True)
class Task:
    """A task by its name.

    Attributes:
        name: As it was asked for.
        kind: What is done.
        languages: Source and target, where the name tells them.
    """

    name: str
    kind: Kind
    languages: tuple[str | None, str | None] = (None, None)

    @property
    def answer_key(self) -> str:
        """The name under which an answer is returned."""
        return ANSWER_KEYS[self.kind]


@dataclass(frozen=True, slots=True)
class TaskSettings:
    """What ``config.json`` says of a task.

    Attributes:
        prefix: What the text is to begin with.
        search: Changes of the search.
        remark: What the caller should know of the choice; None if all is plain.
    """

    prefix: str
    search: Mapping[str, Any]
    remark: str | None = None


def parse_task(name: str) -> Task:
    """Understand the name of a task.

    Args:
        name: ``translation``, ``translation_xx_to_yy``, ``summarization`` or
            ``text2text-generation``.

    Returns:
        The task.

    Raises:
        ModelError: It is none of these.
    """
    for kind in get_args(Kind):
        if name == kind:
            return Task(name, kind)
    match = PAIR.fullmatch(name)
    if match is None:
        known = [*get_args(Kind), "translation_xx_to_yy"]
        raise ModelError(f"pipeline: task '{name}' is not known{suggest(name, known)}")
    return Task(name, "translation", (match[1], match[2]))


def task_settings(
    config: Any, task: Task, source: str | None, target: str | None, *, tagged: bool
) -> TaskSettings:
    """Look up what ``config.json`` says of a task.

    Args:
        config: The model's configuration.
        task: The task.
        source: Language of the text, where it is known.
        target: Language of the answer.
        tagged: Whether the model is told languages by tags; their codes are then its own.

    Returns:
        The settings.
    """
    known = getattr(config, "task_specific_params", None) or {}
    prefix = getattr(config, "prefix", None) or ""
    pairs = [key for key in known if key.startswith("translation")]
    key, remark = task.name, None
    if task.kind == "translation" and pairs:
        if source and target and not tagged:
            key = f"translation_{source}_to_{target}"
            if key not in known:
                remark = (
                    f"config.json says nothing of '{key}', only of {', '.join(pairs)}; the text is "
                    "read without a prefix"
                )
        elif task.name == "translation":
            key = pairs[0]
            remark = f"no languages are given, so this is '{key}', the first of config.json"
    elif task.kind == "translation" and (source, target) != task.languages and not tagged:
        remark = "src_lang and tgt_lang change nothing, the model is not told languages"
    settings = known.get(key) or {}
    search = {name: value for name, value in settings.items() if name != "prefix"}
    return TaskSettings(settings.get("prefix", prefix), search, remark)
