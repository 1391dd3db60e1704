"""What a model is and what it must be told, read from its files: weights are not loaded."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForSeq2SeqLM

from seq2seq.decode.stored import stored_search
from seq2seq.engines.engine import EngineName
from seq2seq.engines.load import fitting_engine
from seq2seq.language_tags import is_tagged, tags_of
from seq2seq.libraries import explaining
from seq2seq.model.stock_shape import source_positions, target_positions
from seq2seq.model_location import locate_model
from seq2seq.stock_tokenizer import open_auto_tokenizer
from seq2seq.task_prefix import known_tasks


@dataclass(frozen=True)
class ModelReport:
    """What the files of a model say.

    Attributes:
        name: As it was asked for.
        commit: On the Hub; None for a folder.
        architecture: Its stock class.
        parameters: Numbers that were trained, each shared one once.
        engine: What runs it unless another is asked for.
        reads: The most pieces that it reads.
        writes: The most pieces that it writes.
        tokenizer: Class of its stock tokenizer.
        pieces: Of its vocabulary.
        languages: Codes that it must be told; none where it need not be told any.
        tasks: What it must be told in the text: the words before it, for each task.
        search: What its folder asks for, where that is not usual.
        remarks: What of that is not followed.
    """

    name: str
    commit: str | None
    architecture: str
    parameters: int
    engine: EngineName
    reads: int
    writes: int
    tokenizer: str
    pieces: int
    languages: tuple[str, ...]
    tasks: dict[str, str]
    search: dict[str, Any]
    remarks: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        return asdict(self)

    def to_text(self) -> str:
        """All of it, for people."""
        commit = f" at commit {self.commit}" if self.commit else ""
        lines = [
            f"{self.name}{commit}: {self.architecture}, {self.parameters:,} parameters, run by "
            f"engine {self.engine}",
            f"reads up to {self.reads:,} pieces, writes up to {self.writes:,}",
            f"{self.tokenizer}: {self.pieces:,} pieces",
            f"search: {', '.join(f'{name} {value}' for name, value in self.search.items())}",
            *self.remarks,
        ]
        if self.languages:
            lines.append(
                f"needs --source-language and --target-language, two of {len(self.languages)}: "
                f"{', '.join(self.languages)}"
            )
        lines += [
            f"task {task}: each text begins with '{said}'" for task, said in self.tasks.items()
        ]
        return "\n".join(lines)


def examine_model(name: str | Path) -> ModelReport:
    """Look at a model without loading its weights.

    Args:
        name: As in `seq2seq.model_location`.

    Returns:
        What its files say.

    Raises:
        ModelError: There is no such model, or it is no encoder-decoder.
    """
    location = locate_model(name)
    folder = location.folder
    with explaining(name):
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        with torch.device("meta"):
            model = AutoModelForSeq2SeqLM.from_config(config, trust_remote_code=False)
    tokenizer = open_auto_tokenizer(folder, name=name)
    engine = fitting_engine(folder)
    stored = stored_search(folder)
    return ModelReport(
        name=str(name),
        commit=location.revision,
        architecture=type(model).__name__,
        parameters=sum(one.numel() for one in model.parameters()),
        engine=engine,
        reads=source_positions(config),
        writes=target_positions(config),
        tokenizer=type(tokenizer).__name__,
        pieces=len(tokenizer),
        languages=tuple(sorted(tags_of(tokenizer))) if is_tagged(tokenizer) else (),
        tasks=_tasks(folder),
        search={
            "beams": stored.options.beams,
            "length_penalty": stored.options.length_penalty,
            "no_repeat_ngram": stored.options.no_repeat_ngram,
            "min_length": stored.options.min_length,
            "max_length": stored.options.max_length,
        },
        remarks=tuple(stored.remarks(engine)),
    )


def _tasks(folder: Path) -> dict[str, str]:
    told = {task: said for task, said in known_tasks(folder).items() if isinstance(said, dict)}
    return {task: str(said["prefix"]) for task, said in told.items() if said.get("prefix")}
