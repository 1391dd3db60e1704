"""Reader of the built-in corpus."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from seq2seq.errors import DataError
from seq2seq.lines import PACKED
from seq2seq.probe.items.case import case_of_item
from seq2seq.probe.items.formats.question import Question
from seq2seq.pronouns.items import read_items


def read_corpus(path: Path) -> Iterator[Question]:
    """Items of the built-in corpus, as ``seq2seq corpus pronouns`` writes them.

    Raises:
        DataError: A line is not an item of this version, or the file is packed.
    """
    if path.suffix in PACKED:
        raise DataError(f"{path}: packed, needed the corpus as it was written; unpack it first")
    for number, item in enumerate(read_items(path), start=1):
        yield Question(f"item {number}", partial(case_of_item, item))
