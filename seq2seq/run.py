"""What a run folder contains; the only file that knows its names.

recipe.toml             as given, with the changes of --set written into it
recipe.json             resolved, every default written out
environment.json        versions, commit, device, threads, hashes of the data
data.json               what was read, cleaned and counted
tokenizer/              tokenizer.json, tokenizer_config.json; of a model trained further its own
origin.json             the model that was trained further: name, commit, licence, hashes
checkpoints/step-000400/  everything that resuming needs
best/                   a complete stock model folder: what every later command loads
metrics.jsonl           one line for each log point and validation
scores.json             dev and test scores with their signatures
translations/NAME.txt   what the test sets were translated to
engines/                the model as CTranslate2 reads it, made and compared once
exports/hub/            the model in another format, with export.json: how it was measured
probe/                  what was seen inside the model, with figures
training.lock           only while a training is at work: which process on which machine
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.errors import CheckpointError, ModelError, RecipeError
from seq2seq.files import read_json_object, refuse_odd_files, replacing

if TYPE_CHECKING:  # the schema takes a tenth of a second, which who reads no recipe should not pay
    from seq2seq.recipe import DataSpec, Recipe

ADAPTER = "adapter"  # folder within best/


@dataclass(frozen=True)
class Run:
    """A run folder by its parts; nothing here reads or creates anything on its own."""

    folder: Path

    @property
    def recipe_given(self) -> Path:
        """The recipe file as the user wrote it, with the changes of ``--set``."""
        return self.folder / "recipe.toml"

    @property
    def recipe(self) -> Path:
        """The resolved recipe."""
        return self.folder / "recipe.json"

    @property
    def environment(self) -> Path:
        """Versions, device and data hashes."""
        return self.folder / "environment.json"

    @property
    def data_report(self) -> Path:
        """What was read, cleaned and counted."""
        return self.folder / "data.json"

    @property
    def tokenizer(self) -> Path:
        """Folder of the tokenizer."""
        return self.folder / "tokenizer"

    @property
    def origin(self) -> Path:
        """Where the first weights are from; only in runs that train a model further."""
        return self.folder / "origin.json"

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.folder / "checkpoints"

    @property
    def best(self) -> Path:
        """The finished model: a stock model folder."""
        return self.folder / "best"

    @property
    def metrics(self) -> Path:
        """The log, one JSON object a line."""
        return self.folder / "metrics.jsonl"

    @property
    def scores(self) -> Path:
        """Dev and test scores."""
        return self.folder / "scores.json"

    @property
    def translations(self) -> Path:
        """Folder of the translated test sets."""
        return self.folder / "translations"

    @property
    def exports(self) -> Path:
        """Folder of the exports, one folder for each."""
        return self.folder / "exports"

    @property
    def engines(self) -> Path:
        """Folder of the model in the formats of faster programs, and how they compare."""
        return self.folder / "engines"

    @property
    def lock(self) -> Path:
        """What a training holds while it is at work; says which process that is."""
        return self.folder / "training.lock"

    @property
    def probe(self) -> Path:
        """Folder of what the probe found."""
        return self.folder / "probe"

    def read_recipe(self) -> "Recipe":
        """The resolved recipe of this run.

        Raises:
            RecipeError: The folder holds no recipe, or one that this version cannot read.
        """
        if not self.recipe.exists():
            raise RecipeError(f"{self.folder}: not a run folder, it has no recipe.json")
        needed = "the recipe of a run, as training writes it"
        content = read_json_object(self.recipe, error=RecipeError, needed=needed)
        from seq2seq.recipe_file import parse_recipe

        return parse_recipe(content, where=str(self.recipe))


def model_folder(path: Path) -> Path:
    """The stock model folder that a user means: a run's ``best/``, or the folder itself.

    Raises:
        ModelError: Neither is there.
    """
    run = Run(path)
    for folder in (path, run.best):
        if (folder / "config.json").is_file():
            refuse_odd_files(folder, error=ModelError)
            return folder
    if run.recipe.is_file():
        raise ModelError(
            f"{path}: this run has no finished model yet; continue it with "
            f"'seq2seq train {run.recipe_given} --run {path} --resume'"
        )
    raise ModelError(
        f"{path}: neither a run folder nor a model folder; needed a folder with config.json or "
        "best/config.json"
    )


def read_origin(run: Run) -> dict[str, Any] | None:
    """What a run says about the model that it trained further; None if there was none.

    Raises:
        RecipeError: The file is damaged.
    """
    if not run.origin.is_file():
        return None
    needed = "where a model is from, as training writes it"
    return read_json_object(run.origin, error=RecipeError, needed=needed)


def describe_start(run: Run) -> dict[str, str]:
    """Where a training stands that names its data by relative paths; see ``data_of``."""
    here = Path.cwd()
    return {"folder": str(here), "from_run": os.path.relpath(here, run.folder.resolve())}


def data_of(run: Run) -> "DataSpec":
    """The data of a run's recipe, with a folder that is right wherever one stands.

    The recipe's own is relative to where training stood. That place is looked for where it was, and
    beside a run that was moved together with its data; else the paths are as they are read here.

    Raises:
        RecipeError: The folder holds no recipe.
    """
    data = run.read_recipe().data
    files = [
        name
        for spec in (data.dev, *data.test.values(), *data.train)
        for name in (spec.file, spec.source)
        if name is not None
    ]
    for start in _starts(run):
        folder = start / data.folder
        if any((folder / name).exists() for name in files):
            return data.model_copy(update={"folder": str(folder)})
    return data


def _starts(run: Run) -> Iterator[Path]:
    """Folders where the training may have stood."""
    try:
        start = read_environment(run)["start"]
        yield Path(start["folder"])
        yield run.folder.resolve() / start["from_run"]
    except (CheckpointError, KeyError, TypeError):
        return  # a run of a version that did not note it


def read_environment(run: Run) -> dict[str, Any]:
    """What a run notes of the machine, and of the text that it was trained on.

    Raises:
        CheckpointError: The file is missing or damaged.
    """
    needed = "what training notes, to tell whether the data is the same"
    content = read_json_object(run.environment, error=CheckpointError, needed=needed)
    for key in ("seq2seq", "versions", "data", "start"):
        if not isinstance(content.get(key, {}), dict):
            raise CheckpointError(
                f"{run.environment}: '{key}' is no object, needed {needed}; restore it, or start a "
                "new run with --run"
            )
    return content


def recorded_hashes(run: Run) -> dict[str, Any]:
    """The hashes of the text that a run was trained and measured on, by the name of the set.

    Raises:
        CheckpointError: The file that keeps them is missing or damaged.
    """
    return dict(read_environment(run).get("data", {}))


def write_json(path: Path, content: Any) -> None:
    """Write JSON for people and programs: indented, UTF-8, replaced in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=2, ensure_ascii=False)
    with replacing(path) as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
