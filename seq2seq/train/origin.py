"""Where a model to be trained further lies, and what must be said about it when it is published."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2seq.errors import RecipeError
from seq2seq.run import Run, model_folder, read_origin, write_json
from seq2seq.train.checkpoint import sha256

# The card has the licence.
WANTED = ("*.json", "*.safetensors", "*.spm", "*.model", "README.md")
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
        files = [*self.folder.glob("*.safetensors")] or [self.folder / OLD_WEIGHTS]
        weights = {path.name: sha256(path) for path in sorted(files)}
        write_json(
            run.origin,
            {
                "init": self.init,
                "base_model": self.base_model,
                "revision": self.revision,
                "licenses": None if self.licenses is None else list(self.licenses),
                "weights": weights,
            },
        )


def find_origin(init: str) -> Origin:
    """Find the model that a recipe's ``init`` names; the Hub is asked if no such folder exists.

    Raises:
        RecipeError: There is none.
        ModelError: The folder is no model folder.
    """
    path = Path(init).expanduser()
    if not path.exists():
        return _fetch(init)
    folder = model_folder(path)
    run = Run(folder.resolve().parent)
    if folder.resolve() != run.best or not run.recipe.is_file():
        return Origin(init, folder, None, None, _stated([_card_license(folder)]))
    past: dict[str, Any] = read_origin(run) or {}
    licenses = [corpus.license for corpus in run.read_recipe().data.train]
    if past:
        licenses += past["licenses"] or [None]
    return Origin(init, folder, past.get("base_model"), past.get("revision"), _stated(licenses))


def _fetch(name: str) -> Origin:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        folder = Path(snapshot_download(name, allow_patterns=list(WANTED)))
        if not list(folder.glob("*.safetensors")):
            snapshot_download(name, revision=folder.name, allow_patterns=[OLD_WEIGHTS])
    except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise RecipeError(
            f"init = '{name}': no such folder here, and the Hub does not give it ({reason}); "
            "needed a run, a stock model folder, or owner/name of a model on the Hub"
        ) from None
    return Origin(name, folder, name, folder.name, _stated([_card_license(folder)]))


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
