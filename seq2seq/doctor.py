"""What to know of data before training on it, and of a tokenizer before trusting it.

Reads and counts; changes nothing and trains nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np

from seq2seq.built_in_corpus import refuse_missing_corpus
from seq2seq.data.clean import CleaningReport, apply_cleaning, find_doubts
from seq2seq.data.corpus import iterate_chunks, read_corpus
from seq2seq.data.findings import Noticed, findings_of
from seq2seq.data.parallel_text import read_text
from seq2seq.recipe import CleaningSpec, CorpusSpec, Recipe
from seq2seq.round_trip import RoundTrip, RoundTripReport
from seq2seq.run import Run, data_of
from seq2seq.score.words import is_spaced
from seq2seq.stock_tokenizer import StockTokenizer, open_tokenizer
from seq2seq.task_prefix import trained_task

Side = Literal["source", "target"]
Unit = Literal["words", "characters", "pieces"]
SIDES: tuple[Side, Side] = ("source", "target")
SAMPLE = 1000  # segments that tell how a side is written
Count = Callable[[Sequence[str]], Sequence[int]]


@dataclass(frozen=True)
class Lengths:
    """How long the segments on one side of a data set are.

    Attributes:
        data: name of the data set.
        side: source or target.
        unit: what is counted; pieces include the end-of-sentence piece, and characters, white
            space left out, stand for words in scripts without spaces between them.
        median: half of the segments are no longer.
        p99: 99 of 100 are no longer.
        longest: the longest of all.
    """

    data: str
    side: Side
    unit: Unit
    median: int
    p99: int
    longest: int

    def to_text(self) -> str:
        """One line."""
        return (
            f"{self.data}, {self.side}: median {self.median:,} {self.unit}, 99 % up to "
            f"{self.p99:,}, longest {self.longest:,}"
        )


@dataclass(frozen=True)
class Diagnosis:
    """What was found.

    Attributes:
        cleaning: doubtful training pairs by kind, overlap with held-out data included.
        lengths: of each data set, both sides.
        round_trips: by data set, what the run's tokenizer makes of it.
    """

    cleaning: CleaningReport
    lengths: tuple[Lengths, ...]
    round_trips: Mapping[str, RoundTripReport] = field(default_factory=dict)

    def to_text(self) -> str:
        """All of it, for people."""
        trips = (report.to_text(name) for name, report in self.round_trips.items())
        lengths = (lengths.to_text() for lengths in self.lengths)
        return "\n".join([self.cleaning.to_text(), *lengths, *trips])

    def to_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        trips = {
            name: _counts(report.both)
            | {"source": _counts(report.source), "target": _counts(report.target)}
            for name, report in self.round_trips.items()
        }
        lengths = [asdict(lengths) for lengths in self.lengths]
        return {"cleaning": self.cleaning.to_json(), "lengths": lengths, "round_trips": trips}


def examine_file(spec: CorpusSpec) -> Diagnosis:
    """Look at one file of pairs, as training with the usual cleaning would see it.

    Raises:
        DataError: The file cannot be read.
    """
    noticed = Noticed()
    data = {spec.name: read_corpus(spec, folder=Path(), noticed=noticed)}
    doubts = find_doubts(data[spec.name].batches(), {}, CleaningSpec())
    sizes = {name: len(rows) for name, rows in data.items()}
    _, cleaning = apply_cleaning(
        doubts, sizes, spec.name, noticed=findings_of({spec.name: noticed})
    )
    return Diagnosis(cleaning, tuple(_all_lengths(data)))


def examine_recipe(recipe: Recipe) -> Diagnosis:
    """Look at all data of a recipe, as training would clean it.

    Raises:
        DataError: Something cannot be read, or the recipe refuses what was found.
    """
    refuse_missing_corpus(recipe)
    text = read_text(recipe.data)
    data = {**text.train, "dev": text.dev, **text.tests}
    return Diagnosis(text.report, tuple(_all_lengths(data)))


def examine_run(folder: Path) -> Diagnosis:
    """Look at all data of a run, through the eyes of its tokenizer.

    Raises:
        RecipeError: The folder is no run.
        ModelError: The run has no tokenizer yet.
        DataError: Its data cannot be read any more.
    """
    run = Run(folder)
    text = read_text(data_of(run))
    tokenizer = open_tokenizer(run.tokenizer)
    if isinstance(tokenizer, StockTokenizer):
        tokenizer.begin_with(trained_task(run).prefix)
    data = {**text.train, "dev": text.dev, **text.tests}
    trips = {
        name: RoundTripReport.of(tokenizer, _texts(rows, 0), _texts(rows, 1))
        for name, rows in data.items()
    }
    counts = _pieces_of(tokenizer.encode), _pieces_of(tokenizer.encode_target)
    lengths = tuple(_all_lengths(data, counts))
    return Diagnosis(text.report, lengths, trips)


def _all_lengths(
    data: Mapping[str, Any], pieces: tuple[Count, Count] | None = None
) -> Iterator[Lengths]:
    for name, rows in data.items():
        for place, side in enumerate(SIDES):
            count: Count
            unit: Unit
            count, unit = _readable(rows, place) if pieces is None else (pieces[place], "pieces")
            counts = [number for texts in iterate_chunks(rows) for number in count(texts[place])]
            yield _lengths(name, side, unit, counts)


def _readable(rows: Any, side: int) -> tuple[Count, Unit]:
    """Words, or characters where the script puts no spaces between words."""
    if is_spaced(islice(_texts(rows, side), SAMPLE)):
        return _words, "words"
    return _characters, "characters"


def _counts(trip: RoundTrip) -> dict[str, Any]:
    return asdict(trip) | {"unknown_share": trip.unknown_share}


def _lengths(name: str, side: Side, unit: Unit, counts: Sequence[int]) -> Lengths:
    median, p99, longest = np.percentile(counts, [50, 99, 100], method="higher")
    return Lengths(name, side, unit, int(median), int(p99), int(longest))


def _words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def _characters(texts: Sequence[str]) -> list[int]:
    return [sum(map(len, text.split())) for text in texts]


def _pieces_of(encode: Callable[[Sequence[str]], list[list[int]]]) -> Count:
    return lambda texts: [len(ids) for ids in encode(texts)]


def _texts(rows: Any, side: int) -> Iterator[str]:
    for sides in iterate_chunks(rows):
        yield from sides[side]
