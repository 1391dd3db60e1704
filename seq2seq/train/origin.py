"""Where a model to be trained further lies, and what must be said about it when it is published."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2seq.errors import CheckpointError, ModelError, RecipeError
from seq2seq.files import file_sha256
from seq2seq.model_location import locate_model
from seq2seq.run import Run, read_origin, write_json

OLD_WEIGHTS = "pytorch_model.bin"


@dataclass(frozen=True)
class Origin:
    """A model to begin with.

    Attributes:
        init: What the recipe calls it.
        folder: Where its stock folder lies.
        base_model: Its name on the Hub; of a run, that of the model which the run began with.
        revision: Its commit there.
        licenses: What it is under, and what its training data was under; None where nobody says.
    """

    init: str
    folder: Path
    base_model: str | None
    revision: str | None
    licenses: tuple[str, ...] | None

    def write(self, run: Run) -> None:
        """Note in a run where it began, with the hash of every file of weights."""
        write_json(
            run.origin,
            {
                "init": self.init,
                "base_model": self.base_model,
                "revision": self.revision,
                "licenses": None if self.licenses is None else list(self.licenses),
                "weights": self.hashes(),
            },
        )

    def hashes(self) -> dict[str, str]:
        """SHA-256 of every file of weights, by its name."""
        files = [*self.folder.glob("*.safetensors")] or [self.folder / OLD_WEIGHTS]
        return {path.name: file_sha256(path) for path in sorted(files)}


def find_origin(init: str) -> Origin:
    """Find the model that a recipe's ``init`` names; the Hub is asked if no such folder exists.

    Raises:
        RecipeError: There is none.
        ModelError: The folder is no model folder.
    """
    try:
        found = locate_model(init)
    except ModelError as error:
        raise RecipeError(f"init = {error}") from None
    folder = found.folder
    if found.repository is not None:
        licenses = _stated([_card_license(folder)])
        return Origin(init, folder, found.repository, found.revision, licenses)
    run = Run(folder.resolve().parent)
    if folder.resolve() != run.best or not run.recipe.is_file():
        return Origin(init, folder, None, None, _stated([_card_license(folder)]))
    past: dict[str, Any] = read_origin(run) or {}
    known = [corpus.license for corpus in run.read_recipe().data.train]
    if past:
        known += past["licenses"] or [None]
    return Origin(init, folder, past.get("base_model"), past.get("revision"), _stated(known))


def find_same_origin(init: str, run: Run) -> Origin:
    """Find the very model that a run began with, whose weights its checkpoints do not hold.

    Args:
        init: As in `find_origin`; on the Hub the commit that the run noted is asked for.
        run: The run.

    Raises:
        CheckpointError: It is not there any more, or its weights are others.
    """
    noted = read_origin(run) or {}
    revision, needed = noted.get("revision"), "needed the model that the run began with"
    named = f"{init}@{revision}" if revision and "@" not in init else init
    try:
        origin = find_origin(named)
    except (RecipeError, ModelError) as error:
        raise CheckpointError(
            f"{run.checkpoints}: hold an adapter alone, {needed} beside it; {error}"
        ) from None
    now, before = origin.hashes(), noted.get("weights")
    if now != before:
        raise CheckpointError(
            f"{run.checkpoints}: hold an adapter alone, and the weights in {origin.folder} are "
            f"'{now}', {needed}, '{before}'; restore it there, or start a new run with --run"
        )
    return origin


def _card_license(folder: Path) -> str | None:
    """The licence in the head of a model card."""
    from huggingface_hub import ModelCard

    path = folder / "README.md"
    if not path.is_file():
        return None
    try:
        stated = ModelCard.load(path, ignore_metadata_errors=True).data.license
    except (ValueError, OSError):  # a head that is no YAML says nothing
        return None
    return str(stated) if isinstance(stated, str) else None


def _stated(licenses: Iterable[str | None]) -> tuple[str, ...] | None:
    """Each licence once; None as soon as one of them is not known."""
    found = list(licenses)
    if None in found:
        return None
    return tuple(dict.fromkeys(one.lower() for one in found if one is not None))
