"""Many rows of integers of unequal length in two flat arrays, and their place on disk.

Millions of Python lists would take ten times the memory and cannot be mapped from a file.
"""

import hashlib
import os
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow
from jaxtyping import Bool, Int

DIGEST = "sha256"


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
        packed = [np.asarray(row, dtype=np.int32) for row in rows]
        values = np.concatenate(packed) if packed else np.empty(0, dtype=np.int32)
        return cls(values, offsets_of(np.array([len(row) for row in packed], dtype=np.int64)))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> Int[np.ndarray, " values"]:
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    @property
    def lengths(self) -> Int[np.ndarray, " rows"]:
        """Length of each row."""
        return np.asarray(np.diff(self.offsets))

    def holds(self, value: int) -> Bool[np.ndarray, " rows"]:
        """Which rows hold a value."""
        found = np.concatenate([[0], np.cumsum(self.values == value)])
        return np.asarray(np.diff(found[self.offsets]) > 0)

    def take(self, rows: Int[np.ndarray, " taken"]) -> "Ragged":
        """The rows named, in that order; a row may be named more than once."""
        return self._gather(self.offsets[rows], self.lengths[rows])

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
            with pyarrow.ipc.new_file(file, table.schema) as writer:
                writer.write_table(table)
            file.seek(0)
            file.write(hashlib.file_digest(file, DIGEST).digest())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


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
    try:
        whole = pyarrow.memory_map(str(path)).read_buffer()
    except OSError as error:
        raise DamagedFile(f"cannot be read ({error})") from error
    size = max(0, len(whole) - hashlib.new(DIGEST).digest_size)
    content = whole.slice(0, size)
    if hashlib.new(DIGEST, memoryview(content)).digest() != whole.slice(size).to_pybytes():
        raise DamagedFile("does not have the hash that was saved with it")
    table = pyarrow.ipc.open_file(content).get_batch(0)
    return {
        name: table.column(name).values.to_numpy(zero_copy_only=True) for name in table.schema.names
    }
