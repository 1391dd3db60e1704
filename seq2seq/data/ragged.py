"""Many rows of integers of unequal length in two flat arrays, and their place on disk.

Millions of Python lists would take ten times the memory and cannot be mapped from a file.
"""

import hashlib
import io
import mmap
import os
import tempfile
import uuid
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
import pyarrow
from jaxtyping import Bool, Int

from seq2seq.data.pair_table import room_explained

DIGEST = "sha256"
BLOCK = 1 << 22


class DamagedFile(Exception):
    """A file of arrays that is not what was written."""


@dataclass(frozen=True, eq=False)
class Ragged:
    """Row ``i`` is ``values[offsets[i] : offsets[i + 1]]``."""

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
        starts, ends = self.offsets[:-1], self.offsets[1:]
        lengths = np.subtract(ends, starts, dtype=np.int32, casting="unsafe")
        release_pages(self.offsets)
        return np.asarray(lengths)

    def holds(self, value: int) -> Bool[np.ndarray, " rows"]:
        """Which rows hold a value."""
        found = np.concatenate([[0], np.cumsum(self.values == value)])
        return np.asarray(np.diff(found[self.offsets]) > 0)

    def take(self, rows: Int[np.ndarray, " taken"]) -> "Ragged":
        """A copy of the rows named, in that order; a row may be named more than once."""
        starts = self.offsets[rows]
        taken = self._gather(starts, self.offsets[1:][rows] - starts)
        release_pages(self.offsets)
        release_pages(self.values)
        return taken

    def cut(self, limit: int) -> "Ragged":
        """The first ``limit`` values of each row."""
        return self._gather(self.offsets[:-1], np.minimum(self.lengths, limit))

    def last(self, counts: Int[np.ndarray, " rows"]) -> "Ragged":
        """The last values of each row, as many as are asked for."""
        return self._gather(self.offsets[1:] - counts, counts)

    def view(
        self, rows: Int[np.ndarray, " chosen"], limit: int | None = None, end: int = 0
    ) -> "RaggedView":
        """The rows named without a copy of them; see `RaggedView`."""
        return RaggedView(self, rows, limit, end)

    def _gather(
        self, starts: Int[np.ndarray, " rows"], lengths: Int[np.ndarray, " rows"]
    ) -> "Ragged":
        offsets = offsets_of(lengths)
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        return Ragged(self.values[np.repeat(starts, lengths) + within], offsets)


class RaggedView:
    """Some rows of others, in any order, which stay where they are: in a file, most of them.

    Args:
        base: The others.
        rows: Which of them.
        limit: Most values of a row; None for as many as it has.
        end: The last value of each row that is cut there.
    """

    def __init__(self, base: Ragged, rows: Int[np.ndarray, " chosen"], limit: int | None, end: int):
        self._base, self._rows, self._limit, self._end = base, rows, limit, end

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> Int[np.ndarray, " values"]:
        found = self._base[int(self._rows[row])]
        if self._limit is None or len(found) <= self._limit:
            return found
        found = found[: self._limit].copy()
        found[-1] = self._end
        return found

    @property
    def lengths(self) -> Int[np.ndarray, " chosen"]:
        """Length of each row."""
        lengths = self._base.lengths[self._rows]
        if self._limit is not None:
            lengths = np.minimum(lengths, self._limit)
        return np.asarray(lengths)

    def view(self, rows: Int[np.ndarray, " some"]) -> "RaggedView":
        """Some of these rows."""
        return RaggedView(self._base, self._rows[rows], self._limit, self._end)

    def take(self, rows: Int[np.ndarray, " taken"]) -> Ragged:
        """A copy of some of these rows."""
        whole = self._base.take(self._rows[rows])
        if self._limit is None:
            return whole
        short = whole.cut(self._limit)
        short.values[short.offsets[1:][whole.lengths > self._limit] - 1] = self._end
        return short


class RaggedChain:
    """The rows of several parts, one part after another, which stay where they are."""

    def __init__(self, parts: "Sequence[Rows]"):
        self._parts = parts
        self._starts = list(accumulate(map(len, parts), initial=0))

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, row: int) -> Int[np.ndarray, " values"]:
        part = bisect_right(self._starts, row) - 1
        return self._parts[part][row - self._starts[part]]

    @property
    def lengths(self) -> Int[np.ndarray, " rows"]:
        """Length of each row."""
        return np.concatenate([part.lengths for part in self._parts])

    def take(self, rows: Int[np.ndarray, " taken"]) -> Ragged:
        """A copy of some of these rows, in whichever parts they stand."""
        part_of = np.searchsorted(self._starts, rows, side="right") - 1
        taken = concatenate(
            [
                part.take(rows[part_of == number] - self._starts[number])
                for number, part in enumerate(self._parts)
            ]
        )
        # They stand part by part; each goes where it was asked for.
        return taken.take(np.argsort(np.argsort(part_of, kind="stable"), kind="stable"))


RowSource = Ragged | RaggedView
"""Rows of which some can be taken."""
Rows = RowSource | RaggedChain
"""Rows that can be looked up."""


def chained(parts: Sequence[Rows]) -> Rows:
    """The rows of all parts, one part after another, without a copy."""
    return parts[0] if len(parts) == 1 else RaggedChain(parts)


class RaggedFile:
    """Rows that are written to a file without a name, some at a time, and then mapped from it."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # see __exit__
        self._lengths = [np.empty(0, dtype=np.int64)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()  # what is mapped stays

    def write(self, part: Ragged) -> None:
        """Put some more rows behind those that are there.

        Raises:
            DataError: The folder for temporary files cannot hold them.
        """
        values = part.values[part.offsets[0] : part.offsets[-1]]
        with room_explained():
            self._file.write(np.ascontiguousarray(values, dtype=np.int32).data)
        self._lengths.append(part.lengths)

    def rows(self) -> Ragged:
        """All rows so far."""
        offsets = offsets_of(np.concatenate(self._lengths))
        if not offsets[-1]:  # an empty file cannot be mapped
            return Ragged(np.empty(0, dtype=np.int32), offsets)
        with room_explained():
            self._file.flush()
        return Ragged(np.memmap(self._file, dtype=np.int32, mode="r"), offsets)


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


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write named arrays as one file, in one step: it is whole or not there.

    It holds an Arrow file and behind that the SHA-256 of all of its bytes.

    Args:
        path: The file; its folder is made.
        arrays: Flat arrays, of any lengths and number types.

    Raises:
        OSError: The folder cannot be made, or the file not written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # containers that share a folder can have equal process numbers
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    columns = {name: pyarrow.array(array) for name, array in arrays.items()}
    # a one-row table of lists, because columns of a table must be equally long
    lists = {
        name: pyarrow.LargeListArray.from_arrays(np.array([0, len(column)]), column)
        for name, column in columns.items()
    }
    table = pyarrow.table(lists)
    try:
        with temporary.open("x+b") as file:
            sink = _InBlocks(file, list(arrays.values()))
            with pyarrow.ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table)
            file.seek(0)
            file.write(hashlib.file_digest(file, DIGEST).digest())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


class _InBlocks(io.RawIOBase):
    """Writes to a file a block at a time: a corpus is written in one piece, and may be mapped."""

    def __init__(self, file: BinaryIO, arrays: Sequence[np.ndarray]):
        self._file, self._arrays = file, arrays

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any) -> int:
        """Write all of it."""
        whole = memoryview(data).cast("B")
        for start in range(0, len(whole), BLOCK):
            self._file.write(whole[start : start + BLOCK])
            for array in self._arrays:
                release_pages(array)
        return len(whole)


def release_pages(array: np.ndarray) -> None:
    """Give the memory of a mapped file back; what is needed again comes from the file again.

    Pages that were looked at count as memory in use, and Linux maps up to 15 of their neighbours
    with each: some thousand rows at random places would soon be all of a file. An array that is not
    mapped stays as it is.

    Args:
        array: An array, all of whose file is meant, whatever part of it the array is.

    Source:
        madvise(2); ``fault_around_bytes`` of Linux's mm/memory.c.
    """
    base: Any = array
    while isinstance(base, np.ndarray) and base.base is not None:
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Map the arrays of a file into memory, after reading it once to see that it is undamaged.

    Args:
        path: What ``write_arrays`` wrote.

    Returns:
        The arrays by name.

    Raises:
        FileNotFoundError: There is no such file.
        DamagedFile: It is not, to the last bit, what was written.
    """
    if not path.is_file():
        raise FileNotFoundError(path)
    size = max(0, path.stat().st_size - hashlib.new(DIGEST).digest_size)
    try:
        with path.open("rb") as file:
            # read, not mapped: pages that were looked at would count as memory in use
            digest, saved = _digests(file, size)
            if digest != saved:
                raise DamagedFile("does not have the hash that was saved with it")
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise DamagedFile(f"cannot be read ({error})") from error
    content = pyarrow.py_buffer(mapped)
    table = pyarrow.ipc.open_file(content.slice(0, size)).get_batch(0)
    arrays = {}
    for name in table.schema.names:
        found = table.column(name).values.to_numpy(zero_copy_only=True)
        place = found.ctypes.data - content.address
        # an array of the map itself, so that its pages can be released
        arrays[name] = np.ndarray(found.shape, found.dtype, mapped, place)
    return arrays


def _digests(file: BinaryIO, size: int) -> tuple[bytes, bytes]:
    """The digest of the first bytes of a file, and what stands behind them."""
    digest = hashlib.new(DIGEST)
    while size and (block := file.read(min(size, BLOCK))):
        digest.update(block)
        size -= len(block)
    return digest.digest(), file.read()
