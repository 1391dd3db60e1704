"""How an export compares with its model, kept in the file ``export.json`` beside it.

An export is somebody else's format of our model, so each one is compared with the model it was made
from before anybody may have it. The file keeps the check: what was compared, what came out, and the
hashes of the very files that were compared. Whoever passes an export on reads it again and refuses
files that have changed since.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from seq2seq.errors import PublishError
from seq2seq.files import file_sha256, read_record
from seq2seq.run import write_json

Target = Literal["hub", "ctranslate2", "onnx"]

CHECK_FILE = "export.json"
WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Check:
    """How far an export differs from the model it was made from, measured on text.

    Attributes:
        target: the format.
        name: of the export within its format: "hub", or with its number format "int8".
        pairs: how many pairs of held-out text were compared.
        largest_difference: largest absolute difference of a target piece's log-probability.
        greedy_agreement: share, 0 to 1, of outputs that are equal without search.
        beam_agreement: share of outputs that are equal with the search stored beside the model.
        tolerance: what ``largest_difference`` may be at most.
        passed: whether the export may be used.
        files: SHA-256 of each file that was measured, by its path within the export's folder.
    """

    target: Target
    name: str
    pairs: int
    largest_difference: float
    greedy_agreement: float
    beam_agreement: float
    tolerance: float
    passed: bool
    files: Mapping[str, str]


def hash_files(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of an export, but not of the file that keeps its check.

    Args:
        folder: Of the export.

    Returns:
        Hash by path within the folder, sorted.
    """
    return {
        path.relative_to(folder).as_posix(): file_sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / CHECK_FILE
    }


def verify_source(check: Check, model: Path) -> None:
    """Make sure that an export for the Hub is of a model as it is now.

    Such an export holds copies of the model's files, so its check has their hashes. Training that
    went on, or another search, leaves the export what it was.

    Args:
        check: The export's check.
        model: The stock folder that it was made from.

    Raises:
        PublishError: A file of the model has changed since, or its weights are not there.
    """
    now = hash_files(model)
    changed = [name for name, digest in now.items() if check.files.get(name, digest) != digest]
    if WEIGHTS not in now:
        raise PublishError(f"{model}: no {WEIGHTS}, needed the model that was exported; restore it")
    if WEIGHTS not in check.files:
        changed.append(WEIGHTS)
    if changed:
        raise PublishError(
            f"{model}: {', '.join(changed)} changed since the export was made, needed an export of "
            "this very model; remove the old one and export it again"
        )


def write_check(folder: Path, check: Check) -> None:
    """Write the check beside the files that were measured."""
    write_json(folder / CHECK_FILE, asdict(check))


def read_check(folder: Path) -> Check:
    """Read the check of an export.

    Args:
        folder: Of the export.

    Returns:
        What was measured.

    Raises:
        PublishError: There is no check, or it is damaged.
    """
    path = folder / CHECK_FILE
    if not path.is_file():
        raise PublishError(
            f"{folder}: no {CHECK_FILE}, needed an export that was measured; "
            "make one with 'seq2seq export'"
        )
    needed = "what 'seq2seq export' writes, or the export made again"
    return read_record(path, Check, error=PublishError, needed=needed)


def verify_check(folder: Path) -> Check:
    """Read the check of an export, and refuse one that did not pass or whose files have changed.

    Args:
        folder: Of the export.

    Returns:
        What was measured.

    Raises:
        PublishError: There is no check, the measurement did not pass, or a file was changed,
            added or removed since; all of them at once.
    """
    check = read_check(folder)
    if not check.passed:
        raise PublishError(
            f"{folder}: its check did not pass: log-probabilities differ by "
            f"'{check.largest_difference:g}', needed at most {check.tolerance:g}; export it again"
        )
    found = hash_files(folder)
    problems = [f"{name} is missing" for name in check.files if name not in found]
    problems += [f"{name} was added" for name in found if name not in check.files]
    problems += [
        f"{name} was changed"
        for name, digest in check.files.items()
        if found.get(name, digest) != digest
    ]
    if problems:
        raise PublishError(
            f"{folder}: {', '.join(problems)} since the export was checked, needed the files that "
            "were measured; export it again"
        )
    return check
