"""Many rows of integers of unequal length in two flat arrays, in memory or in a file.

Millions of Python lists would take ten times the memory and cannot be read from a file in parts.
"""

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from jaxtyping import Bool, Int

from seq2seq.data.pair_table import OpenFile, room_explained
from seq2seq.data.stored_arrays import StoredArray


class Rows(ABC):
    """Rows that can be looked up and copied, wherever they are."""

    @abstractmethod
    def __len__(self) -> int:
        """How many there are."""

    @abstractmethod
    def __getitem__(self, row: int) -> Int[np.ndarray, " values"]:
        """The values of a row."""

    def __iter__(self) -> Iterator[Int[np.ndarray, " values"]]:
        """All rows in order."""
        return (self[row] for row in range(len(self)))

    @property
    @abstractmethod
    def lengths(self) -> Int[np.ndarray, " rows"]:
        """Length of each row, in 32 bits."""

    @abstractmethod
    def take(self, rows: Int[np.ndarray, " taken"]) -> "Ragged":
        """A copy of the rows named, in that order; a row may be named more than once."""

    def view(
        self, rows: Int[np.ndarray, " chosen"], limit: int | None = None, end: int = 0
    ) -> "RaggedView":
        """The rows named without a copy of them; see `RaggedView`."""
        return RaggedView(self, rows, limit, end)


@dataclass(frozen=True, eq=False)
class Ragged(Rows):
    """Rows in memory: row ``i`` is ``values[offsets[i] : offsets[i + 1]]``."""

    values: Int[np.ndarray, " values"]
    offsets: Int[np.ndarray, " rows_and_one"]

    @classmethod
    def of(cls, rows: Iterable[Sequence[int]]) -> "Ragged":
        """Pack rows."""
        listed = list(rows)
        offsets = offsets_of(np.fromiter(map(len, listed), dtype=np.int64, count=len(listed)))
        values = chain.from_iterable(listed)
        return cls(np.fromiter(values, dtype=np.int32, count=int(offsets[-1])), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> Int[np.ndarray, " values"]:
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    @property
    def lengths(self) -> Int[np.ndarray, " rows"]:
        """Length of each row, in 32 bits."""
        return _lengths(self.offsets)

    def holds(self, value: int) -> Bool[np.ndarray, " rows"]:
        """Which rows hold a value."""
        found = np.concatenate([[0], np.cumsum(self.values == value)])
        return np.asarray(np.diff(found[self.offsets]) > 0)

    def take(self, rows: Int[np.ndarray, " taken"]) -> "Ragged":
        """A copy of the rows named, in that order; a row may be named more than once."""
        starts = self.offsets[rows]
        return self._gather(starts, self.offsets[1:][rows] - starts)

    def cut(self, limit: int) -> "Ragged":
        """The first ``limit`` values of each row."""
        return self._gather(self.offsets[:-1], np.minimum(self.lengths, limit))

    def last(self, counts: Int[np.ndarray, " rows"]) -> "Ragged":
        """The last values of each row, as many as are asked for."""
        return self._gather(self.offsets[1:] - counts, counts)

    def _gather(
        self, starts: Int[np.ndarray, " rows"], lengths: Int[np.ndarray, " rows"]
    ) -> "Ragged":
        offsets = offsets_of(lengths)
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        return Ragged(self.values[np.repeat(starts, lengths) + within], offsets)


@dataclass(frozen=True, eq=False)
class StoredRows(Rows):
    """Rows in a file, which are read when they are asked for."""

    values: StoredArray
    offsets: StoredArray
    """Row ``i`` is ``values[offsets[i] : offsets[i + 1]]``."""

    def __len__(self) -> int:
        return self.offsets.size - 1

    def __getitem__(self, row: int) -> Int[np.ndarray, " values"]:
        return self.take(np.array([row])).values

    @property
    def lengths(self) -> Int[np.ndarray, " rows"]:
        """Length of each row, in 32 bits."""
        return _lengths(np.asarray(self.offsets))

    def take(self, rows: Int[np.ndarray, " taken"]) -> Ragged:
        """A copy of the rows named, in that order; a row may be named more than once."""
        # Rows that follow each other are read together.
        first = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
        counts = np.diff(first, append=len(rows))
        offsets = self.offsets.read(rows[first], counts + 1)
        ends = np.cumsum(counts + 1) - 1
        starts = ends - counts
        values = self.values.read(offsets[starts], offsets[ends] - offsets[starts])
        # What lies between the end of one run and the start of the next is no row.
        return Ragged(values, offsets_of(np.delete(np.diff(offsets), ends[:-1])))


class RaggedView(Rows):
    """Some rows of others, in any order, which stay where they are.

    Args:
        base: The others.
        rows: Which of them.
        limit: Most values of a row; None for as many as it has.
        end: The last value of each row that is cut there.
    """

    def __init__(self, base: Rows, rows: Int[np.ndarray, " chosen"], limit: int | None, end: int):
        self._base, self._rows, self._limit, self._end = base, rows, limit, end

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> Int[np.ndarray, " values"]:
        return self.take(np.array([row])).values

    @property
    def lengths(self) -> Int[np.ndarray, " chosen"]:
        """Length of each row, in 32 bits."""
        lengths = self._base.lengths[self._rows]
        return np.asarray(lengths if self._limit is None else np.minimum(lengths, self._limit))

    def take(self, rows: Int[np.ndarray, " taken"]) -> Ragged:
        """A copy of some of these rows."""
        whole = self._base.take(self._rows[rows])
        if self._limit is None:
            return whole
        short = whole.cut(self._limit)
        short.values[short.offsets[1:][whole.lengths > self._limit] - 1] = self._end
        return short


class RaggedChain(Rows):
    """The rows of several parts, one part after another, which stay where they are."""

    def __init__(self, parts: Sequence[Rows]):
        self._parts = parts
        self._starts = np.cumsum([0, *map(len, parts)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, row: int) -> Int[np.ndarray, " values"]:
        return self.take(np.array([row])).values

    @property
    def lengths(self) -> Int[np.ndarray, " rows"]:
        """Length of each row, in 32 bits."""
        return np.concatenate([part.lengths for part in self._parts])

    def take(self, rows: Int[np.ndarray, " taken"]) -> Ragged:
        """A copy of some of these rows, in whichever parts they stand."""
        places = np.searchsorted(self._starts, rows, side="right") - 1
        taken = concatenate(
            [
                part.take(rows[places == place] - self._starts[place])
                for place, part in enumerate(self._parts)
            ]
        )
        # They stand part by part now; put each where it was asked for.
        by_part = np.argsort(places, kind="stable")
        return taken.take(np.argsort(by_part))


def chained(parts: Sequence[Rows]) -> Rows:
    """The rows of all parts, one part after another, without a copy."""
    return parts[0] if len(parts) == 1 else RaggedChain(parts)


class RaggedFile:
    """Rows that are written to a file without a name, some at a time, and then read from it."""

    def __init__(self) -> None:
        self._file = OpenFile(tempfile.TemporaryFile())  # noqa: SIM115  # see OpenFile
        self._lengths = [np.empty(0, dtype=np.int32)]

    def write(self, part: Ragged) -> None:
        """Put some more rows behind those that are there.

        Raises:
            DataError: The folder for temporary files cannot hold them.
        """
        values = part.values[part.offsets[0] : part.offsets[-1]]
        with room_explained():
            self._file.content.write(np.ascontiguousarray(values, dtype=np.int32).data)
        self._lengths.append(part.lengths)

    def rows(self) -> StoredRows:
        """All rows, once the last has been written: their offsets now stand behind them."""
        offsets = offsets_of(np.concatenate(self._lengths))
        content = self._file.content
        with room_explained():
            content.write(bytes(-content.tell() % offsets.itemsize))
            start = content.tell()
            content.write(offsets.data)
            content.flush()
        return StoredRows(
            StoredArray(self._file, 0, np.int32, int(offsets[-1])),
            StoredArray(self._file, start, np.int64, len(offsets)),
        )


def _lengths(offsets: Int[np.ndarray, " rows_and_one"]) -> Int[np.ndarray, " rows"]:
    lengths = np.subtract(offsets[1:], offsets[:-1], dtype=np.int32, casting="unsafe")
    return np.asarray(lengths)


def offsets_of(lengths: Int[np.ndarray, " rows"]) -> Int[np.ndarray, " rows_and_one"]:
    """Where each row starts, and the end of the last."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def concatenate(parts: Sequence[Ragged]) -> Ragged:
    """The rows of all parts, one part after another; one part alone is not copied."""
    if len(parts) == 1:
        return parts[0]
    lengths = np.concatenate([part.lengths for part in parts])
    values = [part.values[part.offsets[0] : part.offsets[-1]] for part in parts]
    return Ragged(np.concatenate(values), offsets_of(lengths))


def join_rows(parts: Sequence[Ragged]) -> Ragged:
    """Each row of the first part, behind it the same row of the second, and so on."""
    offsets = offsets_of(np.sum([part.lengths for part in parts], axis=0))
    values = np.empty(offsets[-1], dtype=np.int32)
    start = offsets[:-1].copy()
    for part in parts:
        lengths = part.lengths
        within = np.arange(lengths.sum()) - np.repeat(offsets_of(lengths)[:-1], lengths)
        values[np.repeat(start, lengths) + within] = part.values[part.offsets[0] : part.offsets[-1]]
        start += lengths
    return Ragged(values, offsets)
