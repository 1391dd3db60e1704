"""Test sets of a model that reads context: documents, or rows that came with what stood before."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from seq2seq.decode.options import DecodeOptions
from seq2seq.documents import InContext, translate_documents, translate_in_context
from seq2seq.train.stop import Stop
from seq2seq.translate import Translation, Translator


def translate_with_context(
    translator: Translator,
    data: Any,
    options: DecodeOptions,
    stop: Stop,
    *,
    max_source_pieces: int,
) -> list[Translation]:
    """Translate the rows of a test set behind their context; every rank must call it.

    What a model takes as the target's context is always what it wrote itself, never a reference.

    Args:
        translator: A model that reads context.
        data: A test set with the columns of context.
        options: What to search for.
        stop: Asked between two batches.
        max_source_pieces: The most pieces to read at once.

    Returns:
        A translation for each row, the same on all ranks.

    Raises:
        Stopped: On all ranks, where one of them was asked to stop.
    """
    sources = [text.replace("\n", " ") for text in data["source"]]
    contexts = [tuple(sentences) for sentences in data["source_context"]]
    documents = _documents(list(data["document"]))

    def translate(rows: list[list[int]]) -> list[list[Translation]]:
        return translate_documents(
            translator,
            [[sources[row] for row in document] for document in rows],
            options,
            restore=False,
            max_source_pieces=max_source_pieces,
            progress=stop.check,
        )

    def translate_alone(rows: list[int]) -> list[Translation]:
        return translate_in_context(
            translator,
            [InContext(sources[row], contexts[row]) for row in rows],
            options,
            restore=False,
            max_source_pieces=max_source_pieces,
            progress=stop.check,
        )

    if documents is None:
        return stop.divide(range(len(sources)), translate_alone)
    found = stop.divide(documents, translate)
    by_row = {
        row: translation
        for rows, translations in zip(documents, found, strict=True)
        for row, translation in zip(rows, translations, strict=True)
    }
    return [by_row[row] for row in range(len(sources))]


def _documents(numbers: Sequence[int]) -> list[list[int]] | None:
    """The rows of each document; None where each row came with its own context."""
    if -1 in numbers:
        return None
    rows = defaultdict[int, list[int]](list)
    for row, number in enumerate(numbers):
        rows[number].append(row)
    return list(rows.values())
