"""From the name of a model to a folder on this machine: a run, a stock folder, or the Hub's.

Every command that takes a model finds it here, so the same names mean the same everywhere. The Hub
is asked only where no such folder exists; what it gave once lies in its cache and needs no network.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from seq2seq.errors import ModelError
from seq2seq.libraries import reason_of
from seq2seq.run import model_folder

# Everything that loading a model may read, whatever its kind. The card has the licence.
WANTED = ("*.json", "*.safetensors", "*.spm", "*.model", "*.txt", "model.bin", "README.md")
# A model that has none of the weights above is older than they are.
OLD_WEIGHTS = "pytorch_model*.bin*"
WEIGHTS = ("*.safetensors", "model.bin")
REPOSITORY = re.compile(r"\w[\w.-]*(/[\w.-]+)?")


@dataclass(frozen=True)
class ModelLocation:
    """Where a model lies.

    Attributes:
        path: A run folder or a folder with a model, on this machine.
        repository: Its name on the Hub; None where it was a folder that was named.
        revision: Its commit there.
    """

    path: Path
    repository: str | None = None
    revision: str | None = None

    @property
    def folder(self) -> Path:
        """The stock model folder: of a run its best model.

        Raises:
            ModelError: There is none.
        """
        return model_folder(self.path)


def locate_model(name: str | Path, *, revision: str | None = None) -> ModelLocation:
    """Find a model, and download it if it is on the Hub alone.

    Args:
        name: A run folder, a model folder, or ``owner/name`` of a model of the Hub, also
            ``owner/name@revision``. What exists here is never looked for there.
        revision: A branch, tag or commit on the Hub, where the name does not say it.

    Returns:
        Where it lies. Whether a folder of this machine is a model is not checked yet.

    Raises:
        ModelError: It is neither here nor there, the repository holds no model, or a revision is
            asked of a folder.
    """
    path = Path(name).expanduser()
    if str(name) and path.exists():
        if revision is not None:
            raise ModelError(
                f"{name}: a folder here, and revision '{revision}' is asked for; needed a model of "
                "the Hub, or no revision"
            )
        return ModelLocation(path)
    repository, _, said = str(name).partition("@")
    if not REPOSITORY.fullmatch(repository):
        raise ModelError(_missing(name, "no name of a model on the Hub either"))
    folder = _download(repository, said or revision, name=name)
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"{repository}: no config.json there at commit {folder.name}, needed a repository that "
            "holds a model"
        )
    return ModelLocation(folder, repository, folder.name)


def _download(repository: str, revision: str | None, *, name: str | Path) -> Path:
    from huggingface_hub import snapshot_download

    def fetch(*patterns: str, commit: str | None) -> Path:
        return Path(
            snapshot_download(
                repository, revision=commit, allow_patterns=list(patterns), ignore_patterns=["*/*"]
            )
        )

    try:
        folder = fetch(*WANTED, commit=revision)
        if not any(any(folder.glob(pattern)) for pattern in WEIGHTS):
            fetch(OLD_WEIGHTS, commit=folder.name)
    except Exception as error:  # the client and what it stands on have dozens
        reason = f"the Hub does not give it: {reason_of(error)}"
        raise ModelError(_missing(name, reason)) from error
    return folder


def _missing(name: str | Path, reason: str) -> str:
    return (
        f"{name}: no such folder here, and {reason}; needed a run folder, a model folder, or "
        "owner/name of a model on the Hub (owner/name@revision for another than the newest)"
    )
