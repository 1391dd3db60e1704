"""What a page shows, and the file that says so."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self, get_args

Task = Literal["translation", "summarization"]


@dataclass(frozen=True)
class Settings:
    """What the page shows.

    Attributes:
        model: a folder, or a name on the Hub.
        title: above the page.
        task: what the model does; None where nobody said.
        source_language: code of what it reads, or empty.
        target_language: code of what it writes, or empty.
        examples: texts to choose from.
        sentences_in: the language by whose rules text is cut into sentences, each of which the
            model reads by itself; empty where it always reads text as a whole.
        whole_first: whether it reads text as a whole, and single sentences only where the output
            has fewer than the text.
        joint: what stands between the outputs of sentences.
        source_right_to_left: whether what it reads is written so.
        target_right_to_left: whether what it writes is.
    """

    model: str
    title: str
    task: Task | None = None
    source_language: str = ""
    target_language: str = ""
    examples: tuple[str, ...] = ()
    sentences_in: str = ""
    whole_first: bool = False
    joint: str = " "
    source_right_to_left: bool = False
    target_right_to_left: bool = False

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what ``to_json`` makes.

        Raises:
            ValueError: It is something else; a Space has no other kind of error.
        """
        needed = "needed what 'seq2seq publish --space' writes; restore it"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            settings = cls(**(content | {"examples": (*content["examples"],)}))
            listed = isinstance(content["examples"], list)
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise ValueError(f"{path}: cannot be read ({error}), {needed}") from None
        texts = (settings.model, settings.title, settings.source_language,
                 settings.target_language, settings.sentences_in, settings.joint,
                 *settings.examples)  # fmt: skip
        if not listed or not all(isinstance(text, str) for text in texts):
            raise ValueError(f"{path}: holds something else than texts, {needed}")
        if settings.task not in (None, *get_args(Task)):
            raise ValueError(f"{path}: task '{settings.task}' is not known, {needed}")
        return settings

    def to_json(self) -> str:
        """One JSON object with a key for each."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"
