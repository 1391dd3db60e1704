"""What a page shows, and the file that says so."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self

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
    """

    model: str
    title: str
    task: Task | None = None
    source_language: str = ""
    target_language: str = ""
    examples: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what ``to_json`` makes."""
        content = json.loads(path.read_text(encoding="utf-8"))
        return cls(**(content | {"examples": tuple(content["examples"])}))

    def to_json(self) -> str:
        """One JSON object with a key for each."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"
