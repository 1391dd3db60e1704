"""Files of items that stand for themselves, without the rows of a corpus."""

from collections.abc import Iterable
from pathlib import Path

from seq2seq.files import write_objects
from seq2seq.pronouns.items import SCHEMA, Item


def write_items(path: Path, items: Iterable[Item]) -> None:
    """Write items as JSON Lines."""
    write_objects(
        path,
        (
            {"item_schema": SCHEMA, **vars(item), "candidates": [vars(c) for c in item.candidates]}
            for item in items
        ),
    )
