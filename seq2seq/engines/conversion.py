"""A model converted to CTranslate2's format: made and compared with our own program once, and kept.

    RUN/engines/                    of a run, if it may be written to
    ~/.cache/seq2seq/engines/NAME/  else; SEQ2SEQ_CACHE may name a folder instead of the first two

It lies there until a file of the model or the release of CTranslate2 changes.
"""

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from seq2seq.engines.converted import import_ctranslate2
from seq2seq.errors import ModelError
from seq2seq.files import cache_folder, file_sha256, read_json_object
from seq2seq.run import Run, write_json

_Figures = TypeVar("_Figures")

RECORD, FOLDER = "ctranslate2.json", "ctranslate2-"
# Files of a model folder that decide what it answers; its search is asked for in every call.
DECIDING = (".json", ".safetensors", ".bin", ".spm", ".model", ".txt")
SEARCH = "generation_config.json"


@dataclass(frozen=True)
class FileState:
    """A file as it was.

    Attributes:
        size: Its bytes.
        changed: When it was last changed, in nanoseconds since 1970.
        sha256: Of its bytes, which are read again only where the time has changed.
    """

    size: int
    changed: int
    sha256: str


@dataclass(frozen=True)
class Agreement:
    """CTranslate2 beside our own program, on lines that were to be translated.

    Attributes:
        lines: How many.
        equal: How many outputs were the same, piece by piece.
        beams: Of the search.
        largest_difference: Of the log-probability of a piece of these outputs.
        times_as_fast: Our program's time divided by that of CTranslate2.
        problems: What differs by more than is tolerated, a phrase each.
    """

    lines: int
    equal: int
    beams: int
    largest_difference: float
    times_as_fast: float
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class EightBits:
    """What matrices of 8 bits changed, on lines that were to be translated.

    Attributes:
        lines: How many.
        equal: How many outputs were the same as with 32 bits.
        loss: How much less probable a piece of its outputs is, to the model of 32 bits, than a
            piece of that model's own: the difference of the mean log-probabilities.
    """

    lines: int
    equal: int
    loss: float

    def to_text(self) -> str:
        """One line for the user."""
        return (
            f"8 bits: {self.equal} of {self.lines} outputs as with 32 bits; to the model of "
            f"32 bits a piece is {abs(self.loss):.3f} {'less' if self.loss >= 0 else 'more'} "
            "probable on average (natural logarithm)"
        )


@dataclass(frozen=True)
class Conversion:
    """A model in CTranslate2's format, and how it compares with our own program.

    Attributes:
        program: Name and release of what was compared.
        files: Those of the model.
        folder: The model in its format, from the folder that the record lies in; empty if it
            could not be made or is not to be used.
        agreement: How it compares with our own program.
        eight_bits: What 8 bits change, once that was measured on enough lines.
    """

    program: str
    files: dict[str, FileState]
    folder: str
    agreement: Agreement
    eight_bits: EightBits | None = None


def program() -> str:
    """Name and release of CTranslate2."""
    return f"CTranslate2 {import_ctranslate2().__version__}"


def conversion_folder(path: Path) -> Path:
    """Where the conversion of a model is kept; it may not be there yet.

    Args:
        path: A run folder, or a stock model folder, which is left as it is.
    """
    run = Run(path)
    written = run.engines if run.engines.exists() else path
    if run.recipe.is_file() and os.access(written, os.W_OK):
        return run.engines
    full = hashlib.sha256(str(path.resolve()).encode()).hexdigest()
    return cache_folder() / "engines" / f"{path.name}-{full[:16]}"


def read_files(folder: Path, known: dict[str, FileState] | None = None) -> dict[str, FileState]:
    """The state of a model's files.

    Args:
        folder: A stock model folder.
        known: What they were; the bytes of a file of that size and time are not read again.
    """
    states = {}
    for path in sorted(folder.iterdir()):
        if path.suffix not in DECIDING or path.name == SEARCH or not path.is_file():
            continue
        now, before = path.stat(), (known or {}).get(path.name)
        if before is None or (before.size, before.changed) != (now.st_size, now.st_mtime_ns):
            before = FileState(now.st_size, now.st_mtime_ns, file_sha256(path))
        states[path.name] = before
    return states


def read_conversion(place: Path, folder: Path) -> Conversion | None:
    """What is known, if it still holds.

    Args:
        place: As `conversion_folder` has it.
        folder: The stock model folder.

    Returns:
        None if nothing is known, or the model or the program is another one now.
    """
    if not (place / RECORD).is_file():
        return None
    try:
        found = _parse_record(read_json_object(place / RECORD, error=ModelError, needed="a record"))
    except (ModelError, AttributeError, KeyError, TypeError):
        return None  # of another release, or cut short: it is made again
    now = read_files(folder, found.files)
    if found.program != program() or _contents(now) != _contents(found.files):
        return None
    if found.folder and not (place / found.folder / "model.bin").is_file():
        return None
    return found


def write_conversion(place: Path, conversion: Conversion) -> None:
    """Keep what is known, and take away what is not used any more.

    Raises:
        OSError: It cannot be written.
    """
    write_json(place / RECORD, asdict(conversion))
    for old in place.glob(f"{FOLDER}*"):
        if old.name != conversion.folder:
            shutil.rmtree(old, ignore_errors=True)


def _parse_record(content: dict[str, Any]) -> Conversion:
    """Read by hand what `write_conversion` wrote: pydantic takes as long as a short job."""
    eight_bits = content["eight_bits"]
    return Conversion(
        str(content["program"]),
        {name: _figures(FileState, one) for name, one in content["files"].items()},
        str(content["folder"]),
        _figures(Agreement, content["agreement"]),
        None if eight_bits is None else _figures(EightBits, eight_bits),
    )


def _figures(kind: Callable[..., _Figures], content: dict[str, Any]) -> _Figures:
    """A record without parts; TypeError where a value is of another type."""
    given = {name: tuple(one) if isinstance(one, list) else one for name, one in content.items()}
    for one in fields(kind):  # type: ignore[arg-type]  # a dataclass
        wanted = tuple if one.name == "problems" else one.type
        if type(given[one.name]) is not wanted:
            raise TypeError(f"{one.name}: {given[one.name]!r}")
    return kind(**given)


def key_of(files: dict[str, FileState]) -> str:
    """A name for the contents of a model's files."""
    return hashlib.sha256(repr(sorted(_contents(files).items())).encode()).hexdigest()[:16]


def _contents(files: dict[str, FileState]) -> dict[str, str]:
    return {name: state.sha256 for name, state in files.items()}
