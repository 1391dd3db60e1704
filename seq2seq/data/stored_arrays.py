"""Arrays of numbers in files, read in parts or mapped; a damaged file is seen to be damaged.

Corpora of millions of sentences do not fit into memory. Mapped files seem to need none, but pages
that were looked at count as memory in use, and Linux maps 15 of their neighbours with each: some
thousand rows at random places are soon all of a file. So what is looked at in such a way is read.
"""

import hashlib
import io
import mmap
import os
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow
from jaxtyping import Int, Shaped

from seq2seq.data.pair_table import OpenFile
from seq2seq.errors import DataError

DIGEST = "sha256"
BLOCK = 1 << 22
AT_ONCE = 1 << 30
"""Most bytes to ask the system for: of 2 GiB Linux gives a part, and macOS gives none."""


class DamagedFile(Exception):
    """A file of arrays that is not what was written."""


@dataclass(frozen=True, eq=False)
class StoredArray:
    """A flat array in an open file, of which parts are read; ``numpy.asarray`` maps all of it."""

    file: OpenFile
    start: int
    """Byte of the file at which it begins."""
    dtype: Any
    size: int
    """How many numbers it has."""

    def read(
        self, starts: Int[np.ndarray, " parts"], lengths: Int[np.ndarray, " parts"]
    ) -> Shaped[np.ndarray, " numbers"]:
        """Some parts of it, one behind another.

        Args:
            starts: Where each begins in the array.
            lengths: How many numbers each has.

        Raises:
            DataError: The file has become shorter, or cannot be read.
        """
        width = np.dtype(self.dtype).itemsize
        places = (self.start + width * starts.astype(np.int64)).tolist()
        sizes = (width * lengths).tolist()
        descriptor = self.file.content.fileno()
        try:
            parts = [_read(descriptor, *part) for part in zip(places, sizes, strict=True)]
        except OSError as error:
            name: Any = self.file.content.name  # a number where it has none
            raise DataError(
                f"{tempfile.gettempdir() if isinstance(name, int) else name}: cannot be read any "
                f"more ({error.strerror or error}), needed the encoded text; start again"
            ) from error
        return np.frombuffer(bytearray().join(parts), self.dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if not self.size:  # an empty file cannot be mapped
            return np.empty(0, dtype=self.dtype)
        shape = (self.size,)
        return np.memmap(self.file.content, self.dtype, "r", offset=self.start, shape=shape)


def _read(descriptor: int, place: int, size: int) -> bytes:
    found = os.pread(descriptor, min(size, AT_ONCE), place)
    while len(found) < size:
        more = os.pread(descriptor, min(size - len(found), AT_ONCE), place + len(found))
        if not more:
            raise OSError(f"it ends before byte {place + size:,}")
        found += more
    return found


def _release_pages(array: np.ndarray) -> None:
    """Give the memory of a mapped file back; what is needed again comes from the file again.

    Args:
        array: Any part of the mapped file, all of which is meant; one in memory stays as it is.

    Source:
        madvise(2).
    """
    base: Any = array
    while isinstance(base, np.ndarray) and base.base is not None:
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray | StoredArray]) -> None:
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
    mapped = [np.asarray(array) for array in arrays.values()]
    columns = dict(zip(arrays, map(pyarrow.array, mapped), strict=True))
    # a one-row table of lists, because columns of a table must be equally long
    lists = {
        name: pyarrow.LargeListArray.from_arrays(np.array([0, len(column)]), column)
        for name, column in columns.items()
    }
    table = pyarrow.table(lists)
    try:
        with temporary.open("x+b") as file:
            sink = _InBlocks(file, mapped)
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
                _release_pages(array)
        return len(whole)


def read_arrays(path: Path) -> dict[str, StoredArray]:
    """Open the arrays of a file, after reading it once to see that it is undamaged.

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
        file = OpenFile(path.open("rb"))
        size = max(0, path.stat().st_size - hashlib.new(DIGEST).digest_size)
        digest, saved = _digests(file.content, size)
        if digest != saved:
            raise DamagedFile("does not have the hash that was saved with it")
        mapped = pyarrow.py_buffer(mmap.mmap(file.content.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError as error:
        raise DamagedFile(f"cannot be read ({error})") from error
    table = pyarrow.ipc.open_file(mapped.slice(0, size)).get_batch(0)
    arrays = {}
    for name in table.schema.names:
        found = table.column(name).values.to_numpy(zero_copy_only=True)
        start = found.ctypes.data - mapped.address if len(found) else 0  # an empty one is nowhere
        arrays[name] = StoredArray(file, start, found.dtype, len(found))
    return arrays


def _digests(file: BinaryIO, size: int) -> tuple[bytes, bytes]:
    """The digest of the first bytes of a file, and what stands behind them."""
    digest = hashlib.new(DIGEST)
    while size and (block := file.read(min(size, BLOCK))):
        digest.update(block)
        size -= len(block)
    return digest.digest(), file.read()
