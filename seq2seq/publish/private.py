"""Looks for paths of the maker's own machine in what is about to become public."""

import re
from collections.abc import Sequence
from pathlib import Path

from seq2seq.publish.facts import safetensors_header

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


def readable_part(path: Path) -> bytes:
    """The bytes of a file in which a path could stand: of tensors, only what describes them."""
    return safetensors_header(path) if path.suffix == ".safetensors" else path.read_bytes()
