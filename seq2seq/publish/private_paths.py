"""Looks for paths of the maker's own machine in what is about to become public."""

import posixpath
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from seq2seq.publish.facts import safetensors_header
from seq2seq.recipe import Recipe

# Where people and services keep their files. A letter, dot or colon before it means a part of a
# longer path or of an address, such as https://example.org/home/page.
PLACES = rb"home|Users|root|work|tmp|mnt|media|scratch|srv|var/folders|private/var"
UNIX = rb"(?<![\w.~:/-])(?:file://)?/(?:" + PLACES + rb")/[\w.@~+-]+"
WINDOWS = rb"(?<!\w)[A-Za-z]:(?:\\{1,2}|/)Users(?:\\{1,2}|/)[\w.@~+-]+"
NAMED = 3


def find_private_paths(name: str, content: bytes, own: Sequence[Path] = ()) -> list[str]:
    """Paths in a file, or in its name, that tell about the machine it comes from.

    Args:
        name: Of the file.
        content: Of the file.
        own: Folders of this machine that must not be named either.

    Returns:
        The first few, each with its line.
    """
    folders = [re.escape(str(folder).encode()) + rb"/" for folder in own if folder.parent != folder]
    pattern = re.compile(b"|".join([UNIX, WINDOWS, *folders]))
    found = [("its name", match.group()) for match in pattern.finditer(name.encode())]
    for number, line in enumerate(content.split(b"\n"), start=1):
        found += [(f"line {number}", match.group()) for match in pattern.finditer(line)]
        if len(found) >= NAMED:
            break
    return [f"{where}: '{path.decode(errors='replace')}'" for where, path in found[:NAMED]]


def find_private_corpora(recipe: Recipe) -> list[str]:
    """Texts of a recipe that are named by where one machine has them.

    The card prints the name of each, but neither ``data.folder`` nor ``data.cache``.

    Args:
        recipe: Of a run.

    Returns:
        Each with its key.
    """
    return [f"{key}: '{path}'" for key, path in _text_paths(recipe) if _leads_outside(path)]


def _text_paths(recipe: Recipe) -> Iterator[tuple[str, str]]:
    data = recipe.data
    corpora = {f"data.train[{number}]": spec for number, spec in enumerate(data.train)}
    corpora |= {"data.dev": data.dev} | {
        f"data.test.{name}": one for name, one in data.test.items()
    }
    for key, spec in corpora.items():
        # A data set of the Hub may as well be a folder of this machine.
        paths = {"hub": spec.hub, "source": spec.source, "target": spec.target, "file": spec.file}
        yield from ((f"{key}.{name}", path) for name, path in paths.items() if path is not None)
    for name, path in recipe.score.tokenized_references.items():
        yield f"score.tokenized_references.{name}", path
    if recipe.score.spm is not None:
        yield "score.spm", recipe.score.spm


def _leads_outside(path: str) -> bool:
    """Whether a path means anything but a place below the folder of the data."""
    path = path.replace("\\", "/")
    above = posixpath.normpath(path).split("/")[0] == ".."
    return above or path.startswith(("/", "~")) or re.match("[A-Za-z]:", path) is not None


def readable_part(path: Path) -> bytes:
    """The bytes of a file in which a path could stand: of tensors, only what describes them."""
    return safetensors_header(path) if path.suffix == ".safetensors" else path.read_bytes()
