"""All text of a recipe: training pairs read and cleaned by their text, held-out ones kept.

What needs a tokenizer comes later, in ``prepare``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.compute
from jaxtyping import Bool, Int

from seq2seq.data.clean import (
    CleaningReport,
    apply_cleaning,
    cut_over_long,
    find_doubts,
    row_numbers,
)
from seq2seq.data.corpus import iterate_chunks, read_batches, read_corpus, schema_of
from seq2seq.data.findings import Noticed, findings_in, findings_of
from seq2seq.data.pair_table import PairTable, TableWriter
from seq2seq.recipe import CleaningSpec, DataSpec

SAMPLE_STREAM = 7  # beside those of data/prepare.py and data/copying.py


@dataclass(frozen=True, eq=False)
class ParallelText:
    """All text of a recipe: training corpora after cleaning by text, dev and tests untouched."""

    train: Mapping[str, PairTable]
    """Pairs, and their context where the model reads it, by name."""
    weights: Mapping[str, float]
    dev: PairTable
    tests: Mapping[str, PairTable]
    cleaning: CleaningSpec
    report: CleaningReport
    numbers: Int[np.ndarray, " pairs"]
    """Row of each training pair in its corpus as read, counted from 0."""
    alone_share: float = 0.0
    """Share of the training pairs that an epoch shows without their context."""

    @property
    def pairs(self) -> int:
        """Training pairs."""
        return sum(len(dataset) for dataset in self.train.values())

    def training_texts(self) -> Iterator[str]:
        """Both sides of all training pairs."""
        for dataset in self.train.values():
            for sources, targets in iterate_chunks(dataset):
                yield from sources
                yield from targets

    def characters(self) -> int:
        """Characters of both sides of all training pairs."""
        return sum(
            pyarrow.compute.sum(pyarrow.compute.utf8_length(batch.column(side))).as_py()
            for dataset in self.train.values()
            for batch in dataset.batches()
            for side in ("source", "target")
        )

    def sample(self, share: float, *, seed: int) -> Iterator[str]:
        """Lines of both sides of all training pairs, each drawn with the same probability.

        Args:
            share: The probability; from 1 on all lines come.
            seed: Decides the draws.
        """
        if share >= 1:
            yield from self.training_texts()
            return
        random = np.random.default_rng([seed, SAMPLE_STREAM])
        for dataset in self.train.values():
            for batch in dataset.batches():
                for side in ("source", "target"):
                    drawn = random.random(batch.num_rows) < share
                    yield from batch.column(side).filter(pyarrow.array(drawn)).to_pylist()

    def training_side(self, number: int) -> Iterator[str]:
        """One side of all training pairs, 0 for the sources and 1 for the targets."""
        for dataset in self.train.values():
            for sides in iterate_chunks(dataset):
                yield from sides[number]

    def hashes(self) -> dict[str, str]:
        """Hash of the text of each data set, to tell whether data changed."""
        named = {f"train {name}": dataset for name, dataset in self.train.items()}
        named |= {"dev": self.dev} | {f"test {name}": data for name, data in self.tests.items()}
        return {name: dataset.fingerprint for name, dataset in named.items()}


def read_text(spec: DataSpec) -> ParallelText:
    """Read every corpus of a recipe and clean the training pairs by their text.

    Args:
        spec: Section ``data`` of the recipe.

    Returns:
        The text, with a report of what was dropped.

    Raises:
        DataError: Something cannot be read, or is refused.
    """
    folder = Path(spec.folder)
    names = distinct([corpus.name for corpus in spec.train])
    held_out = {"dev": spec.dev} | {f"test {name}": corpus for name, corpus in spec.test.items()}
    seen_in, seen_in_held = ({name: Noticed() for name in group} for group in (names, held_out))
    held = {
        name: read_corpus(
            corpus,
            folder=folder,
            held_out=True,
            noticed=seen_in_held[name],
            context=spec.context,
        )
        for name, corpus in held_out.items()
    }
    train: dict[str, PairTable] = {}
    doubts = find_doubts(_training_batches(spec, names, seen_in, train), held, spec.cleaning)
    sizes = corpus_sizes(train)
    found = findings_of(seen_in) + findings_in(seen_in_held)
    stay, report = apply_cleaning(doubts, sizes, noticed=found)
    train = _keep(train, stay)
    if any(doubt.action == "truncate" and doubt.rows.any() for doubt in doubts):
        train = {name: cut_over_long(table, spec.cleaning) for name, table in train.items()}
    dev, *tests = held.values()
    return ParallelText(
        train,
        {name: corpus.weight for name, corpus in zip(names, spec.train, strict=True)},
        dev,
        dict(zip(spec.test, tests, strict=True)),
        spec.cleaning,
        report,
        row_numbers(sizes)[stay],
        spec.context.alone_share if spec.context.used else 0.0,
    )


def _training_batches(
    spec: DataSpec, names: Sequence[str], noticed: Mapping[str, Noticed], read: dict[str, PairTable]
) -> Iterator[Any]:
    """The batches of all training corpora as they are read; the tables that they make go to
    ``read``, by name.
    """
    for name, corpus in zip(names, spec.train, strict=True):
        with TableWriter(schema_of(spec.context)) as writer:
            for batch in read_batches(
                corpus, Path(spec.folder), noticed[name], held_out=False, context=spec.context
            ):
                writer.write(batch)
                yield batch
        read[name] = writer.table


def corpus_sizes(corpora: Mapping[str, PairTable]) -> dict[str, int]:
    """Number of pairs of each corpus by name."""
    return {name: len(dataset) for name, dataset in corpora.items()}


def _keep(
    corpora: Mapping[str, PairTable], stay: Bool[np.ndarray, " rows"]
) -> dict[str, PairTable]:
    kept, start = {}, 0
    for name, dataset in corpora.items():
        mask = stay[start : start + len(dataset)]
        kept[name] = dataset if mask.all() else dataset.select(np.flatnonzero(mask))
        start += len(dataset)
    return kept


def distinct(names: list[str]) -> list[str]:
    """Names with a number behind each repetition: a corpus may be given twice."""
    return [
        name if names.count(name) == 1 else f"{name} ({names[: i + 1].count(name)})"
        for i, name in enumerate(names)
    ]
